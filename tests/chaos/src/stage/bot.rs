//! `easebot run` as a process.

use std::{
    env,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, ensure};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use super::{BOT, PATIENCE};

/// A running bot. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Bot {
    child: Child,
}

impl Bot {
    pub(super) fn start(
        folder: &Path,
        number: u32,
        dials: SocketAddr,
        keys: &str,
        password: &str,
    ) -> anyhow::Result<Self> {
        let config = folder.join("bots.toml");
        fs::write(&config, bots_toml(dials, keys)).context("cannot write bots.toml")?;
        let log = File::create(Self::log(folder, number)).context("cannot write the bot's log")?;
        let mut command = Command::new(binary()?);
        command.arg("run").arg("--config").arg(&config).current_dir(folder);
        command.env("BOT_PASSWORD", password).env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        Ok(Self { child: command.spawn().context("the bot does not start")? })
    }

    /// Where the words of the bot with this number go.
    pub(super) fn log(folder: &Path, number: u32) -> PathBuf {
        folder.join(format!("bot-{number}.log"))
    }

    /// SIGKILL, wherever it stands.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        ensure!(self.child.try_wait()?.is_none(), "the bot ended before it was killed");
        self.child.kill().await.context("the bot cannot be killed")
    }

    /// SIGTERM, as a service manager does it. It has to end well.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().context("the bot ended before it was stopped")?;
        let asked = Command::new("kill").arg("-TERM").arg(pid.to_string()).status().await?;
        ensure!(asked.success(), "the bot cannot be asked to stop");
        let ended =
            timeout(PATIENCE, self.child.wait()).await.context("the bot does not stop")??;
        ensure!(ended.success(), "the bot ended with {ended}");
        Ok(())
    }
}

/// The binary that the variable names, or the one beside this program.
fn binary() -> anyhow::Result<PathBuf> {
    if let Some(named) = env::var_os("EASEBOT_BIN") {
        return Ok(named.into());
    }
    let here = env::current_exe().context("this program is nowhere")?;
    let beside = here.with_file_name(format!("easebot{}", env::consts::EXE_SUFFIX));
    ensure!(beside.is_file(), "{} is not there: cargo build -p easebot-cli", beside.display());
    Ok(beside)
}

/// A bot that says what it is told, once.
fn bots_toml(dials: SocketAddr, keys: &str) -> String {
    format!(
        r#"
[runtime]
data_dir = "data"

[[bot]]
name       = "{BOT}"
app_key    = "easebot#demo"
user       = "{BOT}"
password   = {{ env = "BOT_PASSWORD" }}
endpoint   = {{ rest = "http://{dials}", websocket = "ws://{dials}/websocket" }}
durability = "process"
{keys}

  [[bot.plugin]]
  kind   = "auto-reply"
  typing = false

    [[bot.plugin.rule]]
    regex = '^say (?<text>.+)$'
    reply = "{{{{ text }}}}"
"#
    )
}

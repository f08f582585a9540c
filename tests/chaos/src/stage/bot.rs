//! `easebot run` as a process.

use std::{
    env,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use anyhow::{Context as _, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
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
        // A file that may not grow is an error to the bot, not its end.
        let mut command = Command::new("sh");
        command.arg("-c").arg(r#"trap '' XFSZ; exec "$0" "$@""#).arg(binary()?);
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

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let ended = timeout(PATIENCE, self.child.wait()).await.context("the bot does not end")?;
        Ok(ended?)
    }

    fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("the bot has ended by itself")
    }

    /// Lets its files grow to this size and no further, as a quota does; `None` takes the limit away.
    pub(crate) async fn limit_files(&self, bytes: Option<u64>) -> anyhow::Result<()> {
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let mut prlimit = Command::new("prlimit");
        prlimit.arg(format!("--pid={}", self.pid()?)).arg(format!("--fsize={limit}:"));
        let limited = prlimit.status().await.context("`prlimit` of util-linux is needed")?;
        ensure!(limited.success(), "the bot's files cannot be limited");
        Ok(())
    }

    /// The most memory that it has had at once.
    pub(crate) fn peak_bytes(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?));
        let status = status.context("memory is measured by Linux's /proc")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.context("no VmHWM")?.trim().trim_end_matches(" kB");
        Ok(peak.parse::<u64>().context("VmHWM is no number")? * 1024)
    }

    /// Whether all is ready, and what the page says about it.
    pub(crate) async fn readiness(&self, log: &str) -> anyhow::Result<(bool, String)> {
        let (_, rest) = log.split_once("health on http://").context("no health page")?;
        let (address, _) = rest.split_once('/').context("no health page")?;
        let mut stream = TcpStream::connect(address).await.context("no health page")?;
        let request =
            format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok((answer.starts_with("HTTP/1.1 200 "), answer))
    }

    /// SIGTERM, as a service manager does it. It has to end well.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.pid()?;
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

/// A bot that says what it is told, once. What others would send as a file it says, too.
fn bots_toml(dials: SocketAddr, keys: &str) -> String {
    format!(
        r#"
[runtime]
data_dir = "data"
http     = "127.0.0.1:0"

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
    regex = '^(?:say|file) (?<text>.+)$'
    reply = "{{{{ text }}}}"
"#
    )
}

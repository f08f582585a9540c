//! How an example runs.

use std::{env, io, time::SystemTime};

use easebot::{
    Bot, RunError, ctrl_c,
    handler::BuildError,
    model::Timestamp,
    testkit::{Setup, StartError, Testbed, account},
};
use thiserror::Error;
use tokio::runtime::Builder;

/// Why an example does not run.
#[derive(Error)]
#[non_exhaustive]
pub enum PlayError {
    /// Its handlers cannot be asked.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// There is no runtime for it, or no terminal.
    #[error("cannot talk with you")]
    Io(#[from] io::Error),
    /// The bot of the account in the environment did not run, or ended.
    #[error(transparent)]
    Run(#[from] RunError),
    /// There is no emulator, or the bots do not come online.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// As it is printed when it is what `main` returns: the error and its causes.
impl std::fmt::Debug for PlayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&easebot::model::chain(self))
    }
}

/// Runs the bot that `build` makes: with an emulator in this process and you at the terminal, or, if the environment names an
/// account as [`Bot::from_env`] wants it, for real until Ctrl-C.
///
/// # Errors
/// [`PlayError`].
pub fn play(build: impl Fn(Bot) -> Bot + Send + Sync + 'static) -> Result<(), PlayError> {
    if env::var_os("EASEBOT_APP_KEY").is_some() {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let bot = build(Bot::from_env().map_err(RunError::from)?);
        return Ok(runtime.block_on(bot.run_until(ctrl_c()))?);
    }
    // The emulator's time can be moved, for which one thread has all of it.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp(now.as_millis().try_into().unwrap_or(u64::MAX));
        Ok(set(Setup::new().at(now), build).await?.talk().await?)
    })
}

/// The bot that `build` makes on a test bed, as the tests of the transcripts have it: at the beginning of 2026.
///
/// # Panics
/// When it does not start.
#[expect(clippy::expect_used, reason = "this is how a test fails")]
pub async fn bed(build: impl Fn(Bot) -> Bot + Send + Sync + 'static) -> Testbed {
    set(Setup::new(), build).await.expect("the bot starts")
}

/// The bot of an example is named `bot`, as is its user.
async fn set(
    setup: Setup,
    build: impl Fn(Bot) -> Bot + Send + Sync + 'static,
) -> Result<Testbed, PlayError> {
    let make = move || build(Bot::login(account("bot"))).spec();
    make()?;
    // One that could be built can be built again.
    Ok(setup.pages().start_with(move || make().into_iter().collect()).await?)
}

//! `easebot run`.

mod file;
mod manager;
mod reload;

use std::{io::ErrorKind, process::ExitCode, time::Duration};

use easebot_config::{BotConfig, Endpoint};
use easebot_runtime::{
    BotStatus, Handle, LeftByBot, Runtime, RuntimeOptions, ServeHealthError, ShutdownReport,
    Standing, StartError, close_store,
};
use tokio::{sync::watch, task::JoinSet};

use self::{file::WatchedFile, manager::ServiceManager, reload::Reload};
use crate::{
    Program,
    args::RunArgs,
    bots, check, log,
    metrics::Metrics,
    signals::StopSignals,
    speech::{self, Complaint},
};

/// How long the data may take to be closed at the end: a disk that does not answer keeps no process from ending.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn run(program: &Program, args: &RunArgs) -> anyhow::Result<ExitCode> {
    let file = WatchedFile::new(&args.config);
    let config = match check::read(program, &args.config) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    if let Err(code) = check::check_secrets(&config) {
        return Ok(code);
    }
    log::keep_panics_private();
    let mut signals = StopSignals::new()?;
    let (data_dir, http) = (config.runtime.data_dir.clone(), config.runtime.http);
    let health_http = config.runtime.health_http;
    let logins_per_second = config.runtime.logins_per_second;
    let mut reload = Reload::new(program, file, &config, args.drain_secs.map(Duration::from_secs))?;
    let hints: Vec<_> =
        config.bots.iter().map(|bot| (bot.name.clone(), hint_of(program, bot))).collect();
    let store_options = bots::store_options(&config.runtime);
    let specs = bots::specs(config)?;
    let store = bots::open_store(&data_dir, store_options, &specs)?;
    let mut options = RuntimeOptions::new(store.clone())
        .http(http)
        .health_http(health_http)
        .folder(data_dir)
        .variables(check::environment)
        .logins_per_second(logins_per_second);
    let metrics = http.or(health_http).is_some().then(Metrics::install).transpose()?;
    if let Some(metrics) = &metrics {
        options = options.metrics(metrics.render());
    }
    let runtime = Runtime::start(options, specs)
        .await
        .map_err(|error| explained(error, "nothing was started"))?;
    if let Some(address) = runtime.health_address() {
        speech::say(format_args!("health on http://{address}/readyz"));
    }
    let manager = ServiceManager::from_env();
    manager.ready();
    let handle = runtime.handle();
    let mut watchers = Watchers::default();
    for (bot, hint) in hints {
        watchers.watch(&handle, &bot, hint);
    }
    let code = tokio::select! {
        () = reload.until_ended(&runtime, &mut watchers) => {
            watchers.finish().await;
            speech::say("no bot is left");
            ExitCode::FAILURE
        }
        () = signals.stop() => {
            manager.stopping();
            speech::say(format_args!("stopping; a second signal stops at once"));
            let drain = runtime.shutdown(reload.drain());
            tokio::select! {
                report = drain => tell_leftover(&report),
                () = signals.stop() => speech::say("stopped at once; what was not finished goes on after the next start"),
            }
            tell_failed(&handle)
        }
    };
    close_store(store, CLOSE_PATIENCE).await?;
    Ok(code)
}

/// The exit code: a failure if a bot ended by itself, be it long before the signal.
fn tell_failed(handle: &Handle) -> ExitCode {
    let has_failed =
        |standing: &Standing| matches!(standing.status, BotStatus::Ended { cause: Some(_) });
    let failed: Vec<_> = handle.standings().filter(has_failed).map(|at| at.bot).collect();
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    speech::say(format_args!("failed before the end: {}", failed.join(", ")));
    ExitCode::FAILURE
}

fn tell_leftover(report: &ShutdownReport) {
    for left in &report.bots {
        speech::say(format_args!("bot {} left for the next start: {}", left.bot, counts(left)));
    }
}

/// What a bot left, in words.
fn counts(left: &LeftByBot) -> String {
    let counts =
        [(left.n_unhandled, "event", "not handled"), (left.n_unsent, "answer", "not sent")];
    let counts: Vec<_> = counts
        .into_iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, what, how)| format!("{n} {what}{} {how}", if n == 1 { "" } else { "s" }))
        .collect();
    counts.join(", ")
}

/// Say where each bot stands, whenever that changes.
#[derive(Default)]
struct Watchers(JoinSet<()>);

impl Watchers {
    fn watch(&mut self, handle: &Handle, bot: &str, hint: Option<String>) {
        if let Some(status) = handle.watch(bot) {
            self.0.spawn(watch_bot(bot.to_owned(), status, hint));
        }
    }

    /// Waits for the last words of each bot.
    async fn finish(&mut self) {
        while self.0.join_next().await.is_some() {}
    }
}

/// What to do if a bot does not come online at all: for bots that need an emulator on this machine.
fn hint_of(program: &Program, bot: &BotConfig) -> Option<String> {
    let (name, address, user) = (&bot.name, bots::EMULATOR.0, &bot.user);
    let program = program.name();
    let hint = format!(
        "bot {name} wants an emulator at {address} that knows its user: `{program} emulator --user {user}:PASSWORD`"
    );
    matches!(bot.endpoint, Endpoint::Emulator).then_some(hint)
}

async fn watch_bot(name: String, mut status: watch::Receiver<BotStatus>, mut hint: Option<String>) {
    loop {
        let current = status.borrow_and_update().clone();
        match current {
            BotStatus::Online { .. } => {
                hint = None;
                speech::say(format_args!("bot {name} is online"));
            }
            BotStatus::Waiting { cause, after, .. } => {
                let secs = after.as_secs_f64();
                speech::say(format_args!(
                    "bot {name} is offline: {cause}; next try in {secs:.1} s"
                ));
                hint.take().into_iter().for_each(speech::hint);
            }
            BotStatus::Ended { cause: Some(cause) } => {
                speech::error(format_args!("bot `{name}`: {cause}"));
                return hint.into_iter().for_each(speech::hint);
            }
            BotStatus::Ended { cause: None } => return,
            _ => {}
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}

/// Why bots were not started, with what to do about an address that is taken.
pub(crate) fn explained(error: StartError, what: &str) -> anyhow::Error {
    let complaint = Complaint::failure(what);
    let complaint = match &error {
        StartError::Health(ServeHealthError { source, .. })
            if source.kind() == ErrorKind::AddrInUse =>
        {
            complaint.hint("stop the other program, or choose another address under `[runtime]`")
        }
        _ => complaint,
    };
    anyhow::Error::new(error).context(complaint)
}

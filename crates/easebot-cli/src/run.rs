//! `easebot run`.

use std::{collections::HashMap, process::ExitCode, time::Duration};

use anyhow::Context;
use easebot_config::{BotConfig, Endpoint};
use easebot_runtime::{BotStatus, Handle, Runtime, RuntimeOptions, ShutdownReport, Standing};
use tokio::{sync::watch, task::JoinSet};

use crate::{args::RunArgs, bots, check, metrics::Metrics, signals::StopSignals, speech};

pub(crate) async fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let config = match check::read(&args.config) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    if let Err(code) = check::check_secrets(&config) {
        return Ok(code);
    }
    let mut signals = StopSignals::new()?;
    let (data_dir, http) = (config.runtime.data_dir.clone(), config.runtime.http);
    let logins_per_second = config.runtime.logins_per_second;
    let hints = config.bots.iter().filter_map(hint_of).collect();
    let store_options = bots::store_options(&config.runtime);
    let specs = bots::specs(config)?;
    let store = bots::open_store(&data_dir, store_options, &specs)?;
    let mut options = RuntimeOptions::new(store.clone())
        .http(http)
        .folder(data_dir)
        .logins_per_second(logins_per_second);
    let metrics = http.is_some().then(Metrics::install).transpose()?;
    if let Some(metrics) = &metrics {
        options = options.metrics(metrics.render());
    }
    let runtime = Runtime::start(options, specs).await.context("nothing was started")?;
    if let Some(address) = runtime.http_address() {
        speech::say(format_args!("health on http://{address}/readyz"));
    }
    let handle = runtime.handle();
    let mut watchers = watch_bots(&handle, hints);
    let code = tokio::select! {
        () = runtime.ended() => {
            // The last words of each bot.
            while watchers.join_next().await.is_some() {}
            speech::say("no bot is left");
            ExitCode::FAILURE
        }
        () = signals.stop() => {
            speech::say(format_args!("stopping; a second signal stops at once"));
            let drain = runtime.shutdown(Duration::from_secs(args.drain_secs));
            tokio::select! {
                report = drain => tell_leftover(&report),
                () = signals.stop() => speech::say("stopped at once; what was not finished goes on after the next start"),
            }
            tell_failed(&handle)
        }
    };
    store.close().await.context("cannot close the bots' data")?;
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
        let counts =
            [(left.n_unhandled, "event", "not handled"), (left.n_unsent, "answer", "not sent")];
        let counts: Vec<_> = counts
            .into_iter()
            .filter(|(n, ..)| *n > 0)
            .map(|(n, what, how)| format!("{n} {what}{} {how}", if n == 1 { "" } else { "s" }))
            .collect();
        let (bot, counts) = (&left.bot, counts.join(", "));
        speech::say(format_args!("bot {bot} left for the next start: {counts}"));
    }
}

/// What to do if a bot does not come online at all: for bots that need an emulator on this machine.
fn hint_of(bot: &BotConfig) -> Option<(String, String)> {
    let (address, user) = (bots::EMULATOR.0, &bot.user);
    let hint = format!(
        "bot {} wants an emulator at {address} that knows its user: `easebot emulator --user {user}:PASSWORD`",
        bot.name
    );
    matches!(bot.endpoint, Endpoint::Emulator).then(|| (bot.name.clone(), hint))
}

/// Says where each bot stands, whenever that changes.
fn watch_bots(handle: &Handle, mut hints: HashMap<String, String>) -> JoinSet<()> {
    let mut watchers = JoinSet::new();
    for name in handle.names() {
        if let Some(status) = handle.watch(&name) {
            let hint = hints.remove(&name);
            watchers.spawn(watch_bot(name, status, hint));
        }
    }
    watchers
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
                speech::say(format_args!("error: bot `{name}`: {cause}"));
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

//! `easebot test`: the `[[test]]` tables of a configuration, held one after the other.

mod board;
mod difference;
mod post;
mod stage;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, bail};
use easebot_config::{Config, TestConfig};
use easebot_http::{Request, StandIn, stay_inside};
use tokio::{runtime::Builder, task::spawn_blocking};

use self::stage::Stage;
use crate::{
    Program,
    args::TestArgs,
    check,
    speech::{self, Complaint},
};

/// How a test went.
enum Verdict {
    Passed,
    /// What went otherwise than it was written, in lines.
    Failed(String),
}

pub(crate) async fn test(program: &Program, args: TestArgs) -> anyhow::Result<ExitCode> {
    let config = match check::read(program, &args.config) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let file = args.config.display().to_string();
    if config.tests.is_empty() {
        let message = format!("there are no tests in {file}");
        bail!(
            Complaint::wrong_usage(message).hint("add a `[[test]]`; docs/config.md has its keys")
        );
    }
    let is_wanted = |test: &&TestConfig| match &args.filter {
        Some(part) => test.name.contains(part.as_str()),
        None => true,
    };
    let names: Vec<_> =
        config.tests.iter().filter(is_wanted).map(|test| test.name.clone()).collect();
    if names.is_empty() {
        let message = format!("no test in {file} has this in its name");
        bail!(Complaint::wrong_usage(message).hint("without `--filter` all are held"));
    }
    // Each test has a runtime and a time of its own, which cannot be within another runtime.
    let program = program.clone();
    spawn_blocking(move || hold_all(&program, &args.config, config, &names))
        .await
        .context("the tests came to no end")?
}

fn hold_all(
    program: &Program,
    path: &Path,
    first: Config,
    names: &[String],
) -> anyhow::Result<ExitCode> {
    let mut first = Some(first);
    let mut n_failed = 0_usize;
    for name in names {
        // Plugins may remember what they have seen, so each test has new ones.
        let mut config = match first.take() {
            Some(config) => config,
            None => Config::read(path, program.plugin_kinds())
                .context("the file was changed meanwhile")?,
        };
        let test = config.tests.iter().position(|test| test.name == *name);
        let test = config.tests.swap_remove(test.context("the file was changed meanwhile")?);
        let place = test.place.clone();
        match hold(config, &test).with_context(|| format!("the test `{name}` ({place})"))? {
            Verdict::Passed => speech::data(format_args!("ok    {name}")),
            Verdict::Failed(how) => {
                n_failed += 1;
                speech::data(format_args!("FAIL  {name} ({place})\n{}", how.trim_end()));
            }
        }
    }
    let n = names.len();
    let tests = if n == 1 { "test" } else { "tests" };
    Ok(match n_failed {
        0 => {
            speech::data(format_args!("{n} {tests} passed"));
            ExitCode::SUCCESS
        }
        n_failed => {
            speech::data(format_args!("{n_failed} of {n} {tests} failed"));
            ExitCode::FAILURE
        }
    })
}

/// Holds one test, in a time that stands still unless somebody waits for it.
fn hold(config: Config, test: &TestConfig) -> anyhow::Result<Verdict> {
    let servers = test.servers.clone();
    stay_inside(move |request| {
        let Request { method, url, body, .. } = request;
        let server = servers.iter().find(|server| server.answers(method.as_str(), url, body))?;
        let (headers, body) = (server.headers.clone(), server.body.clone());
        Some(StandIn { status: server.status, headers, body })
    });
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.context("cannot start the async runtime")?;
    let verdict = runtime.block_on(async {
        let mut stage = Stage::set(config, test).await?;
        for (index, step) in test.steps.iter().enumerate() {
            if let Some(how) = stage.play(step).await? {
                let head = format!("  step {} ({})", index + 1, step.place);
                return Ok(Verdict::Failed(format!("{head}: {how}")));
            }
        }
        Ok(Verdict::Passed)
    });
    // Whatever still works in a thread is nobody's any more.
    runtime.shutdown_background();
    verdict
}

//! The `easebot` binary. `easebot help` tells what it does; data goes to stdout, speech to stderr.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.

mod archive;
mod args;
mod bots;
mod check;
mod dev;
mod emulator;
mod explain;
mod hooks;
mod init;
mod log;
mod metrics;
mod plugins;
mod run;
mod send;
mod shelf;
mod signals;
mod speech;
mod test;
mod usage;

use std::process::ExitCode;

use clap::Parser;
use easebot_store::Shelf;

use self::{
    args::{Args, Command},
    log::Filter,
};

fn main() -> ExitCode {
    let args = Args::parse();
    // What goes wrong is shown in their result.
    let tells_itself = matches!(args.command, Some(Command::Send(_) | Command::Test(_)));
    let is_quiet = tells_itself && args.verbose == 0;
    let filter = args.log.or_else(|| is_quiet.then(Filter::errors));
    log::start(args.log_format, filter, args.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return speech::failed(
                &anyhow::Error::new(error).context("cannot start the async runtime"),
            );
        }
    };
    let result = runtime.block_on(async {
        match args.command.unwrap_or_default() {
            Command::Archive(args) => archive::archive(&args.command),
            Command::Check(args) => check::check(&args),
            Command::Completions(args) => usage::completions(&args),
            Command::Dev(args) => dev::dev(args).await,
            Command::Emulator(args) => emulator::emulator(args).await,
            Command::Explain(args) => explain::explain(&args),
            Command::Hooks(args) => hooks::hooks(&args.command).await,
            Command::Inbox(args) => shelf::shelf(Shelf::Inbox, &args.command).await,
            Command::Init(args) => init::init(&args),
            Command::Man => usage::manual(),
            Command::Outbox(args) => shelf::shelf(Shelf::Outbox, &args.command).await,
            Command::Plugins => plugins::plugins(),
            Command::Reference => plugins::reference(),
            Command::Run(args) => run::run(&args).await,
            Command::Schema => plugins::schema(),
            Command::Send(args) => send::send(args).await,
            Command::Test(args) => test::test(args).await,
        }
    });
    // A prompt that waits for a line in a thread of its own must not keep the process.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(error) => speech::failed(&error),
    }
}

/// Wrong usage or configuration.
const WRONG_CONFIG: u8 = 2;

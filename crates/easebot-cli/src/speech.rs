//! The one printer: data to stdout, speech to stderr.

use std::{fmt::Display, io::Write, process::ExitCode};

use tracing_subscriber::{EnvFilter, fmt};

/// A line of data.
pub(crate) fn data(line: impl Display) {
    // Whoever read us may have gone away; then there is nobody left to tell.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// A line for people.
pub(crate) fn say(line: impl Display) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// What to do about an error that was just said.
pub(crate) fn hint(line: impl Display) {
    say(format_args!("  = hint: {line}"));
}

/// An error and its causes on one line, the way out if there is a [`Complaint`] among them, and the exit code for it.
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    say(format_args!("error: {error:#}"));
    match error.downcast_ref::<Complaint>() {
        Some(complaint) => {
            if let Some(text) = complaint.hint {
                hint(text);
            }
            ExitCode::from(complaint.code)
        }
        None => ExitCode::FAILURE,
    }
}

/// An error, or the context of one, that says what to do about it, or is wrong usage.
#[derive(Debug)]
pub(crate) struct Complaint {
    message: String,
    hint: Option<&'static str>,
    code: u8,
}

impl Complaint {
    /// Something failed that may go well next time.
    pub(crate) fn failure(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: 1 }
    }

    /// It fails until the command line or the configuration is changed.
    pub(crate) fn wrong_usage(message: impl Into<String>) -> Self {
        Self { code: crate::WRONG_CONFIG, ..Self::failure(message) }
    }

    /// Adds the way out.
    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

impl Display for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Complaint {}

/// Starts the log on stderr. Where a bot stands is not logged but said, so it is left out unless it is asked for.
pub(crate) fn start_log(verbose: u8) {
    let default = match verbose {
        0 => "warn,easebot_runtime::bot::supervisor=off",
        1 => "info",
        _ => {
            "info,easebot_cli=trace,easebot_client=trace,easebot_emulator=debug,easebot_runtime=trace,easebot_store=debug"
        }
    };
    let filter = match std::env::var("EASEBOT_LOG") {
        Ok(text) => EnvFilter::try_new(text).unwrap_or_else(|error| {
            say(format_args!("notice: `EASEBOT_LOG` is no filter and is left out: {error}"));
            EnvFilter::new(default)
        }),
        Err(_) => EnvFilter::new(default),
    };
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(is_terminal).init();
}

//! The one printer: data to stdout, speech to stderr.

use std::{fmt::Display, io::Write, process::ExitCode};

use tracing::Level;

use crate::{Program, log};

/// A line of data.
pub(crate) fn data(line: impl Display) {
    // Whoever read us may have gone away; then there is nobody left to tell.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// A line for people.
pub(crate) fn say(line: impl Display) {
    log::say(Level::INFO, "", &line.to_string());
}

/// A line about something that failed.
pub(crate) fn error(line: impl Display) {
    log::say(Level::ERROR, "error: ", &line.to_string());
}

/// A line about something that works, but may not be meant so.
pub(crate) fn notice(line: impl Display) {
    log::say(Level::WARN, "notice: ", &line.to_string());
}

/// What is wrong with a file, in lines that say so themselves.
pub(crate) fn problems(report: impl Display) {
    log::say(Level::ERROR, "", &report.to_string());
}

/// What a file holds that may not be meant so, in lines that say so themselves.
pub(crate) fn notices(report: impl Display) {
    log::say(Level::WARN, "", &report.to_string());
}

/// What to do about an error that was just said.
pub(crate) fn hint(line: impl Display) {
    log::say(Level::INFO, "  = ", &format!("hint: {line}"));
}

/// An error and its causes on one line, the way out if there is a [`Complaint`] among them, and the exit code for it.
pub(crate) fn failed(error: &anyhow::Error, program: &Program) -> ExitCode {
    self::error(format_args!("{error:#}"));
    match error.downcast_ref::<Complaint>() {
        Some(complaint) => {
            if let Some(text) = complaint.hint {
                hint(program.in_its_words(text));
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

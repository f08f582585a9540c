//! The log: which lines, and in what form they stand on stderr.

mod json;

use std::{
    io::{IsTerminal, Write, stderr},
    panic,
    sync::OnceLock,
};

use anyhow::bail;
use clap::ValueEnum;
use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{EnvFilter, filter::Directive, fmt};

use self::json::{Fields, Lines};
use crate::speech;

/// How lines stand on stderr.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// An object a line, for programs.
    Json,
}

/// Which lines of the log are wanted; checked.
#[derive(Clone, Debug)]
pub(crate) struct Filter(String);

impl Filter {
    /// Nothing but errors. Where a bot stands is said by whoever asked for it.
    pub(crate) fn errors() -> Self {
        Self("error,easebot_runtime::bot::supervisor=off".to_owned())
    }
}

static FORMAT: OnceLock<Format> = OnceLock::new();

/// How lines stand on stderr; as text before the log is started.
pub(crate) fn format() -> Format {
    FORMAT.get().copied().unwrap_or(Format::Text)
}

/// Starts the log on stderr. A filter goes before `EASEBOT_LOG`, and that before `verbose`; "everything" is what we and `crates`
/// say.
pub(crate) fn start(format: Format, filter: Option<Filter>, verbose: u8, crates: &[&str]) {
    // Set once, here.
    let format = *FORMAT.get_or_init(|| format);
    let filter = filter.or_else(of_environment);
    let text = filter.map_or_else(|| default(format, verbose, crates), |filter| filter.0);
    let filter = with_spans(EnvFilter::new(text));
    // What cannot be written is lost: whoever read it has gone away. The alternative would panic where the line was made.
    let log = fmt().with_env_filter(filter).with_writer(stderr).log_internal_errors(false);
    match format {
        Format::Text => log.with_ansi(stderr().is_terminal()).init(),
        Format::Json => log.fmt_fields(Fields).event_format(Lines).init(),
    }
}

/// What is wanted if nobody says so. Where a bot stands is not logged but said, so it is left out of the text.
fn default(format: Format, verbose: u8, crates: &[&str]) -> String {
    match (verbose, format) {
        (0, Format::Text) => "warn,easebot_runtime::bot::supervisor=off".to_owned(),
        (0, Format::Json) => "warn,easebot_runtime::bot::supervisor=info".to_owned(),
        (1, _) => "info".to_owned(),
        _ => {
            // A target stands for all that begin with it, ours among them.
            let others = crates.iter().filter(|name| !name.starts_with("easebot"));
            let others: String = others.map(|name| format!(",{name}=trace")).collect();
            format!("info,easebot=trace,easebot_emulator=debug,easebot_store=debug{others}")
        }
    }
}

fn of_environment() -> Option<Filter> {
    let text = std::env::var("EASEBOT_LOG").ok()?;
    parse(&text)
        .inspect_err(|error| {
            speech::notice(format_args!("`EASEBOT_LOG` is no filter and is left out: {error}"));
        })
        .ok()
}

/// Spans are as detailed as the lines, so that a line has the same ones whatever its target is.
fn with_spans(filter: EnvFilter) -> EnvFilter {
    let level = filter.max_level_hint().unwrap_or(LevelFilter::TRACE);
    match format!("easebot_runtime::spans={level}").parse::<Directive>() {
        Ok(spans) => filter.add_directive(spans),
        Err(_) => filter,
    }
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Reads a filter: `LEVEL`, `TARGET=LEVEL`, `TARGET[SPAN{FIELD=VALUE}]=LEVEL`, with commas between them.
///
/// # Errors
/// It is none, or holds a word alone that is no level: that would mean everything of a target of this name, and nothing else.
pub(crate) fn parse(text: &str) -> anyhow::Result<Filter> {
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let ways = "write LEVEL or TARGET=LEVEL; levels are off, error, warn, info, debug and trace";
    // A comma within brackets is part of a directive.
    let directives: Vec<_> =
        if text.contains('[') { vec![text] } else { text.split(',').collect() };
    for directive in directives.into_iter().map(str::trim) {
        let is_word = !directive.contains(['=', '[']);
        if is_word && !is_level(directive) || EnvFilter::try_new(directive).is_err() {
            bail!("`{directive}` is not understood: {ways}");
        }
    }
    Ok(Filter(text.to_owned()))
}

/// From now on a panic is a line of the log that says where, but not what: that may hold message text.
pub(crate) fn keep_panics_private() {
    panic::set_hook(Box::new(|info| {
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        let location = info.location().map(tracing::field::display);
        tracing::error!(location, thread, "a panic");
    }));
}

/// A line on stderr that was not logged but said: no filter leaves it out. `prefix` stands before it in the text only.
pub(crate) fn say(level: Level, prefix: &str, text: &str) {
    let line = match format() {
        Format::Json => json::said(level, text.trim_end()),
        Format::Text => format!("{prefix}{text}"),
    };
    // Whoever read us may have gone away; then there is nobody left to tell.
    drop(writeln!(stderr().lock(), "{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_and_what_is_none_is_named() {
        for right in [
            "trace",
            "WARN",
            "warn,easebot_client=debug",
            "info, easebot::run=off",
            "easebot_runtime[handle{plugin=echo}]=trace",
            "warn,[account{bot=a}]=debug",
        ] {
            assert!(parse(right).is_ok(), "{right}");
        }
        for (wrong, named) in [
            ("", ""),
            ("wran", "wran"),
            ("info,easebot_client", "easebot_client"),
            ("info,easebot_client=loud,x=info", "easebot_client=loud"),
            ("a=b=c", "a=b=c"),
            ("info,", ""),
        ] {
            let error = parse(wrong).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{named}` is not understood: ")), "{error}");
        }
    }

    #[test]
    fn everything_is_what_the_crates_of_outside_plugins_say_too() {
        let everything = default(Format::Text, 2, &["easebot_plugin_bridge", "thanks"]);
        assert!(everything.ends_with(",easebot_store=debug,thanks=trace"), "{everything}");
        assert!(EnvFilter::try_new(everything).is_ok());
    }

    #[test]
    fn spans_are_as_detailed_as_lines() {
        for (filter, spans) in [("warn", "warn"), ("off,easebot_client=trace", "trace")] {
            let filter = with_spans(EnvFilter::new(filter)).to_string();
            assert!(filter.contains(&format!("easebot_runtime::spans={spans}")), "{filter}");
        }
    }
}

//! From the text of a file to a [`Config`], or to every problem in it.

mod bot;
mod hook;
mod plugin;
mod test;

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use easebot_plugin::{PluginKind, Problem, Problems, Severity, Span, toml_problem};
use serde::Deserialize;
use thiserror::Error;
use toml::{
    Deserializer, Spanned,
    de::{DeTable, DeValue},
};

use self::hook::Hooks;
use crate::{
    config::{Config, RuntimeConfig},
    keys::RuntimeKeys,
    places::Places,
    report::{Outcome, Report, Source, likely_secrets},
    schema::schema,
    walk::walk,
};

/// Why a file gives no [`Config`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be opened, or is no UTF-8 text.
    #[error("cannot read `{}`", path.display())]
    Open {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is wrong: nothing was started. Its `Display` is every problem with line and caret.
    #[error(transparent)]
    Invalid(Report),
}

impl Config {
    /// Reads the file at `path`, which may use the plugin kinds `kinds`.
    ///
    /// Nothing is started, and no environment variable or other file is read.
    ///
    /// # Errors
    /// [`ReadError::Open`], or [`ReadError::Invalid`] with all problems at once.
    pub fn read(path: &Path, kinds: &[PluginKind]) -> Result<Self, ReadError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ReadError::Open { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&path.display().to_string(), &text, folder, kinds).map_err(ReadError::Invalid)
    }

    /// Reads `text`. Problems call it `name`; relative paths in it start at `folder`.
    ///
    /// # Errors
    /// All problems at once.
    pub fn parse(
        name: &str,
        text: &str,
        folder: &Path,
        kinds: &[PluginKind],
    ) -> Result<Self, Report> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let source =
            |secrets| Arc::new(Source { name: name.to_owned(), text: text.to_owned(), secrets });
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let problems = errors.iter().map(|error| toml_problem(error, None)).collect();
            return Err(Report::new(source(likely_secrets(text)), problems, Outcome::Refused));
        }
        let span = Span::from(root.span());
        let mut root = root.into_inner();
        let places = Places::of(&root, span);
        let findings = walk(&mut root, span, &schema(kinds));

        let mut problems = Problems::new();
        let runtime = runtime(&mut root, folder, &mut problems);
        let http = runtime.as_ref().and_then(|runtime| runtime.http);
        let hooks = Hooks::new(http, runtime.is_some());
        let bots = bot::read(&mut root, folder, kinds, &findings.broken, hooks, &mut problems);
        let source = source(findings.secrets);
        let tests = match &bots {
            Some(bots) => test::read(&mut root, folder, bots, &source, &mut problems),
            // Whatever a test says of bots that cannot be made would be a guess.
            None => Some(Vec::new()),
        };

        let found = problems.into_iter().filter_map(|problem| {
            let Some(span) = problem.span else { return Some(problem) };
            let place = places.find(span);
            // A table that lost a key may seem to lack it.
            let is_cut = |table: &Span| findings.cut.contains(table);
            let table = place.map(|place| place.table).filter(|_| problem.is_consequence);
            let is_known = is_cut(&span) || table.is_some_and(|table| is_cut(&table));
            (!is_known).then(|| problem.path(place.map_or("", |place| place.path.as_str())))
        });
        let problems: Vec<Problem> = findings.problems.into_iter().chain(found).collect();
        match (runtime, bots, tests) {
            (Some(runtime), Some(bots), Some(tests))
                if problems.iter().all(|problem| problem.severity == Severity::Notice) =>
            {
                let folder = folder.to_owned();
                Ok(Self { runtime, bots, tests, folder, source, notices: problems })
            }
            _ => Err(Report::new(source, problems, Outcome::Refused)),
        }
    }
}

fn runtime(
    root: &mut DeTable<'_>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<RuntimeConfig> {
    let keys = match root.remove("runtime") {
        Some(value) => table(value).and_then(|table| read_keys::<RuntimeKeys>(table, problems))?,
        None => RuntimeKeys::default(),
    };
    let http = match &keys.http {
        Some(text) => match text.parse::<SocketAddr>() {
            Ok(address) => Some(address),
            Err(_) => {
                let message = "must be an IP address with a port";
                problems.push(
                    Problem::error(text.span(), message).hint("for example `127.0.0.1:7381`"),
                );
                return None;
            }
        },
        None => None,
    };
    Some(RuntimeConfig {
        data_dir: folder.join(keys.data_dir),
        drain: Duration::from_secs(u64::from(keys.drain_secs)),
        http,
        max_database_bytes: keys.max_database_bytes,
        keep: Duration::from_secs(u64::from(keys.keep_days) * 24 * 60 * 60),
        logins_per_second: keys.logins_per_second,
    })
}

fn table(value: Spanned<DeValue<'_>>) -> Option<Spanned<DeTable<'_>>> {
    let span = value.span();
    match value.into_inner() {
        DeValue::Table(table) => Some(Spanned::new(span, table)),
        _ => None,
    }
}

fn read_keys<'de, T: Deserialize<'de>>(
    table: Spanned<DeTable<'de>>,
    problems: &mut Problems,
) -> Option<T> {
    let span = Span::from(table.span());
    T::deserialize(Deserializer::from(table))
        .map_err(|error| problems.push(toml_problem(&error, Some(span))))
        .ok()
}

#[cfg(test)]
mod tests;

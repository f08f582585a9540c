//! From the text of a file to a [`Config`], or to every problem in it.

mod bot;
mod files;
mod hook;
mod plugin;
mod rooms;
mod test;
mod vars;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use easebot_plugin::{At, PluginKind, Problem, Problems, Severity, Span, toml_problem};
use serde::Deserialize;
use thiserror::Error;
use toml::{
    Deserializer, Spanned,
    de::{DeTable, DeValue},
};

pub(crate) use self::bot::is_legal;
pub use self::{files::paths, test::timestamp};
use self::{
    files::{File, Joined, files, merge},
    hook::Hooks,
};
use crate::{
    config::{Config, RuntimeConfig},
    keys::RuntimeKeys,
    places::Places,
    report::{Outcome, Report, Source, likely_secrets},
    schema::keys,
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
    /// There is no configuration in a folder.
    #[error("there is no file `*.toml` in `{}`", path.display())]
    NoFiles {
        /// The folder.
        path: PathBuf,
    },
    /// The file is wrong: nothing was started. Its `Display` is every problem with line and caret.
    #[error(transparent)]
    Invalid(Report),
}

impl Config {
    /// Reads the file at `path`, which may use the plugin kinds `kinds`. Of a folder all files `*.toml` are read, in the order of
    /// their names, as if they were one: bots, tests and variables of all of them, everything else in one of them. Names that
    /// begin with a dot are left out.
    ///
    /// Nothing is started, and no environment variable or other file is read.
    ///
    /// # Errors
    /// [`ReadError::Open`], [`ReadError::NoFiles`], or [`ReadError::Invalid`] with all problems at once.
    pub fn read(path: &Path, kinds: &[PluginKind]) -> Result<Self, ReadError> {
        let files = files(path)?;
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
        let name = path.display().to_string();
        Self::parse_files(&name, &files, folder, kinds).map_err(ReadError::Invalid)
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
        Self::parse_files(name, &[(name.to_owned(), text.to_owned())], folder, kinds)
    }

    fn parse_files(
        name: &str,
        files: &[File],
        folder: &Path,
        kinds: &[PluginKind],
    ) -> Result<Self, Report> {
        let joined = Joined::of(files);
        let texts = joined.padded();
        let Joined { text, files } = joined;
        let likely = likely_secrets(&text);
        let source = |secrets| Arc::new(Source { name: name.to_owned(), text, files, secrets });
        let mut problems = Problems::new();
        let root = match merge(&texts, &mut problems) {
            Ok(root) => root,
            Err(errors) => return Err(Report::new(source(likely), errors, Outcome::Refused)),
        };
        let span = Span::from(root.span());
        let mut root = root.into_inner();
        let places = Places::of(&root, span);
        let mut unused = Vec::new();
        let unresolved = vars::resolve(&mut root, &mut problems, &mut unused);
        let mut findings = walk(&mut root, span, &keys(kinds));
        // That there is no such variable says it all.
        let is_known = |span: &Span| unresolved.contains(span);
        findings.problems.retain(|problem| !problem.span.as_ref().is_some_and(is_known));

        let span_of_http = http_span(&root);
        let runtime = runtime(&mut root, folder, &mut problems);
        let http = runtime.as_ref().and_then(|runtime| runtime.http);
        let shows_pages = runtime.as_ref().is_some_and(|runtime| runtime.health_http.is_none());
        let place = span_of_http.filter(|_| shows_pages);
        let hooks = Hooks::new(http, runtime.is_some()).with_pages(place);
        let bots = bot::read(&mut root, folder, kinds, &findings.broken, hooks, &mut problems);
        findings.secrets.append(&mut unused);
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
            let is_cut_for_this = unresolved.contains(&span);
            let is_known =
                (is_cut(&span) && !is_cut_for_this) || table.is_some_and(|table| is_cut(&table));
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
    let http = address(keys.http.as_ref(), "127.0.0.1:7381", problems);
    let health_http = address(keys.health_http.as_ref(), "127.0.0.1:7382", problems);
    let (http, health_http) = (http?, health_http?);
    // Port 0 is another one each time.
    let is_taken = http.is_some_and(|http| health_http == Some(http) && http.port() != 0);
    if let Some(text) = keys.health_http.filter(|_| is_taken) {
        problems.push(
            Problem::error(text.span(), "`http` has this address already")
                .hint("leave `health_http` out to serve all at one address"),
        );
        return None;
    }
    Some(RuntimeConfig {
        data_dir: folder.join(keys.data_dir),
        drain: Duration::from_secs(u64::from(keys.drain_secs)),
        http,
        health_http,
        max_database_bytes: keys.max_database_bytes,
        keep: Duration::from_secs(u64::from(keys.keep_days) * 24 * 60 * 60),
        logins_per_second: keys.logins_per_second,
    })
}

/// Where something is served, if it is. None if what stands there is no address.
fn address(
    written: Option<&At<String>>,
    example: &str,
    problems: &mut Problems,
) -> Option<Option<SocketAddr>> {
    let Some(text) = written else { return Some(None) };
    let address = text.parse().ok();
    if address.is_none() {
        let message = "must be an IP address with a port";
        problems
            .push(Problem::error(text.span(), message).hint(format!("for example `{example}`")));
    }
    address.map(Some)
}

/// Where the address of the HTTP side stands.
fn http_span(root: &DeTable<'_>) -> Option<Span> {
    let runtime = root.get("runtime")?.get_ref().as_table()?;
    Some(runtime.get("http")?.span().into())
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

//! Sides that have nobody on the other side: each measures itself, says what it found in one line and ends.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use crate::bench::Setup;
use crate::console::Console;
use crate::process::{MEASURED, Process};
use crate::rounds::Series;
use crate::statistics::Figures;

/// The word in front of what a side found.
const FOUND: &str = "found";

/// A side says what it found, and is done.
///
/// # Errors
/// If a figure is none: what could not be measured is left out, or an error.
pub(crate) fn tell(console: Console, figures: &[(&'static str, f64)]) -> anyhow::Result<()> {
    let mut found = Map::new();
    for (name, value) in figures {
        if !value.is_finite() {
            bail!("`{name}` is no number: {value}");
        }
        found.insert((*name).to_owned(), Value::from(*value));
    }
    console.say(&format!("{FOUND} {}", Value::Object(found)));
    Ok(())
}

/// Runs a side on the core of what is measured until it says what it found: the figures of these names, no others.
///
/// # Errors
/// If it cannot be started, ends before, or leaves one of them out.
pub(crate) fn run(
    setup: &Setup,
    side: &str,
    words: &[&str],
    names: &[&'static str],
) -> anyhow::Result<Figures> {
    let line = Process::start(side, &mut setup.side(side, words), MEASURED)?.word(FOUND)?;
    parse(&line, names).with_context(|| format!("side `{side}`"))
}

fn parse(line: &str, names: &[&'static str]) -> anyhow::Result<Figures> {
    let found: Map<String, Value> = serde_json::from_str(line).context("what it found")?;
    let figure = |name: &&'static str| {
        let value = found.get(*name).and_then(Value::as_f64);
        Ok((*name, value.with_context(|| format!("it does not say `{name}`"))?))
    };
    names.iter().map(figure).collect()
}

/// Every round of every side, for the raw results.
pub(crate) fn raw(all: &[Series]) -> Value {
    Value::Object(all.iter().map(|series| (series.side.clone(), series.raw())).collect())
}

/// The words that a side was started with, one after the other.
#[derive(Debug)]
pub(crate) struct Words<'w>(std::slice::Iter<'w, String>);

impl<'w> Words<'w> {
    pub(crate) fn new(words: &'w [String]) -> Self {
        Self(words.iter())
    }

    /// The next one, which is `what`.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn text(&mut self, what: &str) -> anyhow::Result<&'w str> {
        self.0.next().map(String::as_str).with_context(|| format!("`{what}` is missing"))
    }

    /// The next one, as a number.
    ///
    /// # Errors
    /// If there is none, or it is no number.
    pub(crate) fn number<T: FromStr>(&mut self, what: &str) -> anyhow::Result<T> {
        let word = self.text(what)?;
        word.parse().ok().with_context(|| format!("`{what}` is no number: `{word}`"))
    }

    /// The next one, as milliseconds.
    ///
    /// # Errors
    /// As [`Self::number`].
    pub(crate) fn window(&mut self) -> anyhow::Result<Duration> {
        self.number("window_ms").map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_a_side_does_not_say_is_missed() {
        let figures = parse(r#"{"a": 1.5, "b": 2}"#, &["a", "b"]).unwrap();
        assert_eq!(figures, [("a", 1.5), ("b", 2.0)].into());
        let error = parse(r#"{"a": 1.5, "b": null}"#, &["a", "b"]).unwrap_err();
        assert!(error.to_string().contains("`b`"), "{error}");
    }

    #[test]
    fn what_was_not_measured_cannot_be_told() {
        assert!(tell(Console, &[("a", f64::NAN)]).is_err());
    }

    #[test]
    fn words_are_read_in_their_order() {
        let words = ["10".to_owned(), "power".to_owned(), "x".to_owned()];
        let mut words = Words::new(&words);
        assert_eq!(words.window().unwrap(), Duration::from_millis(10));
        assert_eq!(words.text("durability").unwrap(), "power");
        assert!(words.number::<usize>("batch").unwrap_err().to_string().contains("`batch`"));
        assert!(words.text("more").is_err());
    }
}

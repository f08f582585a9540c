//! What is wrong with a configuration, collected instead of returned at the first.

use std::{
    fmt,
    ops::{Range, RangeInclusive},
};

use crate::{At, Span};

/// Whether the file can be used in spite of the problem.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// It cannot: nothing is started.
    Error,
    /// It can, but hardly does what its author wants.
    Notice,
}

/// One thing that is wrong with a configuration, where, and the way out.
///
/// Messages are lower case without a full stop and hold no secret.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The key in words, such as `bot.concierge.command.prefix`. Empty until the reader of the file fills it in from `span`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// Where in the file. None for a problem of the whole file or, in a plugin, of its whole table.
    pub span: Option<Span>,
    /// The part of the string at `span` that is meant, in bytes of its value: behind the opening quote, escapes resolved.
    pub inside: Option<Range<usize>>,
    /// The way out.
    pub hint: Option<String>,
    /// A second place and what it has to do with it.
    pub related: Option<(Span, &'static str)>,
    /// It may come from another problem of the same table, and is left out if there is one.
    pub is_consequence: bool,
}

impl Problem {
    /// Something that keeps the bots from starting.
    pub fn error(span: Option<Span>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            path: String::new(),
            message: message.into(),
            span,
            inside: None,
            hint: None,
            related: None,
            is_consequence: false,
        }
    }

    /// Something worth knowing that keeps nothing from starting.
    pub fn notice(span: Option<Span>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Notice, ..Self::error(span, message) }
    }

    /// Says which key it is, in words.
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self }
    }

    /// Adds the way out.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Points at a part of the string at the span only: `range` in bytes of the string's value.
    #[must_use]
    pub fn inside(self, range: Range<usize>) -> Self {
        Self { inside: Some(range), ..self }
    }

    /// Leaves it out if the table that it is in has a problem of its own, such as a misspelt key: that may be the cause.
    #[must_use]
    pub fn perhaps_a_consequence(self) -> Self {
        Self { is_consequence: true, ..self }
    }

    /// Adds a second place, introduced by `label`, such as `first used`. Without a span nothing is added.
    #[must_use]
    pub fn related(self, span: Option<Span>, label: &'static str) -> Self {
        Self { related: span.map(|span| (span, label)), ..self }
    }
}

/// The problems found so far.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds an error if `value` is not in `range`. The schema says the same of a file; this holds for whoever has no schema.
    pub fn within<T: PartialOrd + fmt::Display>(
        &mut self,
        value: &At<T>,
        range: RangeInclusive<T>,
    ) {
        if !range.contains(&**value) {
            let message = format!("must be {} to {}", range.start(), range.end());
            self.push(Problem::error(value.span(), message));
        }
    }

    /// Whether one of them is an [error](Severity::Error).
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Whether there are none, not even notices.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// The problems in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        self.0.extend(problems);
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_its_range_is_an_error_at_its_place() {
        let mut problems = Problems::new();
        for (value, expected) in [(1, 0), (60, 0), (0, 1), (61, 2)] {
            problems.within(&At::new(value, (3..5).into()), 1..=60);
            assert_eq!(problems.len(), expected, "{value}");
        }
        let expected = Problem::error(Some((3..5).into()), "must be 1 to 60");
        assert!(problems.iter().all(|problem| *problem == expected), "{problems:?}");
    }
}

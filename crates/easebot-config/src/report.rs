//! Problems as a person reads them: the line, a caret below the place, and the way out.

use std::{error::Error, fmt, ops::Range, sync::Arc};

use easebot_plugin::{Problem, Severity, Span};
use unicode_width::UnicodeWidthChar;

/// The text of a configuration, for showing lines of it.
pub(crate) struct Source {
    /// What the whole of it is called.
    pub(crate) name: String,
    /// Its files one behind the other.
    pub(crate) text: String,
    /// Where each file begins, and what it is called.
    pub(crate) files: Vec<(usize, String)>,
    /// What is never shown.
    pub(crate) secrets: Vec<Span>,
}

/// What the problems mean for whoever wanted to use the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// Nothing can be done with it, and what is in use stays.
    Ignored,
    /// Nothing can be done with it.
    Refused,
    /// It can be used as it is.
    Usable,
}

/// Every problem of a file. Its `Display` is the whole message for a terminal, several lines without a last line break.
///
/// Columns count characters. A plain text secret in the file is masked.
#[derive(Clone)]
pub struct Report {
    source: Arc<Source>,
    problems: Vec<Problem>,
    outcome: Outcome,
}

impl Report {
    /// The problems come in the order of the file.
    pub(crate) fn new(source: Arc<Source>, mut problems: Vec<Problem>, outcome: Outcome) -> Self {
        for problem in &mut problems {
            if let (Some(span), Some(inside)) = (problem.span, problem.inside.take()) {
                problem.span = source.within_string(span, &inside).or(problem.span);
            }
        }
        problems.sort_by_key(|problem| problem.span.map_or(0, |span| span.start));
        Self { source, problems, outcome }
    }

    /// For a file that was to take the place of one that is in use: the last line says that nothing was changed, instead of
    /// that nothing was started.
    #[must_use]
    pub fn while_in_use(mut self) -> Self {
        if self.outcome == Outcome::Refused {
            self.outcome = Outcome::Ignored;
        }
        self
    }

    /// The problems in the order of the file.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Line and column of a place, both from 1, the column in characters.
    #[must_use]
    pub fn position(&self, span: Span) -> (usize, usize) {
        self.source.position(span.start)
    }
}

impl Error for Report {}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("problems", &self.problems).finish_non_exhaustive()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            self.source.show(problem, f)?;
        }
        let of =
            |severity| self.problems.iter().filter(|problem| problem.severity == severity).count();
        let (n_errors, n_notices) = (of(Severity::Error), of(Severity::Notice));
        let name = &self.source.name;
        let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let was_done = match self.outcome {
            Outcome::Ignored => "changed",
            Outcome::Refused => "started",
            Outcome::Usable => return write!(f, "{} in {name}", count(n_notices, "notice")),
        };
        f.write_str(&count(n_errors, "problem"))?;
        if n_notices > 0 {
            write!(f, " and {}", count(n_notices, "notice"))?;
        }
        write!(f, " in {name}; nothing was {was_done}")
    }
}

impl Source {
    fn show(&self, problem: &Problem, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Notice => "notice",
        };
        match problem.path.as_str() {
            "" => writeln!(f, "{severity}: {}", problem.message)?,
            path => writeln!(f, "{severity}: `{path}`: {}", problem.message)?,
        }
        match problem.span {
            Some(span) => {
                let (line, column) = self.position(span.start);
                writeln!(f, "  --> {}:{line}:{column}", self.file(span.start).1)?;
                self.excerpt(span, f)?;
            }
            None => writeln!(f, "  --> {}", self.name)?,
        }
        if let Some((span, label)) = problem.related {
            let (line, column) = self.position(span.start);
            writeln!(f, "   = {label}: {}:{line}:{column}", self.file(span.start).1)?;
        }
        if let Some(hint) = &problem.hint {
            writeln!(f, "   = hint: {hint}")?;
        }
        Ok(())
    }

    /// The line where `span` begins, and carets below the part of it that is within the span.
    fn excerpt(&self, span: Span, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line(span.start);
        let (mut shown, mut padding, mut n_carets) = (String::new(), String::new(), 0);
        let text = self.text.get(line.start..line.end).unwrap_or_default();
        let in_addresses = user_infos(text);
        for (offset, c) in text.char_indices() {
            let at = line.start + offset;
            let is_secret = in_addresses.iter().any(|info| info.contains(&offset))
                || self.secrets.iter().any(|secret| (secret.start..secret.end).contains(&at));
            let c = match c {
                _ if is_secret => '*',
                '\t' => '\t',
                c if c.is_control() => char::REPLACEMENT_CHARACTER,
                c => c,
            };
            shown.push(c);
            let width = c.width().unwrap_or(1);
            if at < span.start {
                // A tab below a tab is as wide as it, whatever the terminal makes of it.
                if c == '\t' { padding.push('\t') } else { padding.extend((0..width).map(|_| ' ')) }
            } else if at < span.end {
                n_carets += width;
            }
        }
        writeln!(f, "   | {}", shown.trim_end())?;
        writeln!(f, "   | {padding}{}", "^".repeat(n_carets.max(1)))
    }

    /// File and line of a place.
    pub(crate) fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.file(offset).1, self.position(offset).0)
    }

    /// Where the file that holds a place begins, and what it is called.
    fn file(&self, offset: usize) -> (usize, &str) {
        let file = self.files.iter().rev().find(|(start, _)| *start <= offset);
        file.map_or((0, &self.name), |(start, name)| (*start, name))
    }

    fn position(&self, offset: usize) -> (usize, usize) {
        let start = self.line(offset).start;
        let begin = self.file(offset).0;
        let before = self.text.get(begin..start).unwrap_or_default();
        let n_lines = before.bytes().filter(|byte| *byte == b'\n').count();
        let before = self.text.get(start..offset).unwrap_or_default();
        (n_lines + 1, before.chars().count() + 1)
    }

    /// The line around `offset`, without its break.
    fn line(&self, offset: usize) -> Span {
        let offset = offset.min(self.text.len());
        let (before, behind) = self.text.split_at_checked(offset).unwrap_or((&self.text, ""));
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let end = offset + behind.find('\n').unwrap_or(behind.len());
        let line = self.text.get(start..end).unwrap_or_default();
        Span { start, end: start + line.strip_suffix('\r').unwrap_or(line).len() }
    }

    /// The place in the file of a part of a string's value. None if escapes before it make that hard to tell.
    fn within_string(&self, span: Span, inside: &Range<usize>) -> Option<Span> {
        let written = self.text.get(span.start..span.end)?;
        let quote =
            ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| written.starts_with(quote))?;
        let mut opening = quote.len();
        if quote.len() == 3 {
            // A line break right behind the quotes is not part of the value.
            let rest = written.get(opening..)?;
            opening +=
                ["\r\n", "\n"].into_iter().find(|nl| rest.starts_with(nl)).map_or(0, str::len);
        }
        let before = written.get(opening..opening + inside.start)?;
        let part = written.get(opening + inside.start..opening + inside.end)?;
        let is_exact = quote.starts_with('\'') || !(before.contains('\\') || part.contains('\\'));
        // TOML turns no line break into another, but what is not sure is not shown.
        (is_exact && !before.contains('\r')).then(|| {
            let start = span.start + opening + inside.start;
            Span { start, end: start + part.len() }
        })
    }
}

/// Where a line that cannot be read may hold a secret: behind the `=` of a key that sounds like one.
///
/// A file that is no TOML has no keys to go by, yet the line with the error is shown.
pub(crate) fn likely_secrets(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let lower = line.to_ascii_lowercase();
        let named =
            ["password", "secret", "token"].iter().filter_map(|word| lower.find(word)).min();
        let value = named.and_then(|at| line.get(at..)?.find('=').map(|equals| at + equals + 1));
        // `{ env = "X" }` and `{ file = "…" }` are no secrets.
        if let Some(value) = value
            && let Some(text) = line.get(value..)
            && !text.trim_start().starts_with('{')
        {
            let blank = text.len() - text.trim_start().len();
            spans.push(Span { start: start + value + blank, end: start + line.trim_end().len() });
        }
        start += line.len();
    }
    spans
}

/// Where users and passwords stand in the addresses of a line, as in `https://user:password@host`.
fn user_infos(line: &str) -> Vec<Range<usize>> {
    let begins = line.match_indices("://").map(|(at, colon)| at + colon.len());
    let info = |start: usize| {
        let rest = line.get(start..)?;
        let len = rest.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c));
        let authority = rest.get(..len.unwrap_or(rest.len()))?;
        Some(start..start + authority.rfind('@')?)
    };
    begins.filter_map(info).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, part: &str, expected: &str) {
        let start = text.find(part).unwrap();
        let problem = Problem::error(Some(Span { start, end: start + part.len() }), "no");
        check_problem(text, problem, expected);
    }

    #[track_caller]
    fn check_problem(text: &str, problem: Problem, expected: &str) {
        let secrets = likely_secrets(text);
        let files = Vec::new();
        let source = Source { name: "bots.toml".to_owned(), text: text.to_owned(), files, secrets };
        let report = Report::new(Arc::new(source), vec![problem], Outcome::Refused).to_string();
        let (report, last) = report.rsplit_once('\n').unwrap();
        assert_eq!(last, "1 problem in bots.toml; nothing was started");
        assert_eq!(report, expected);
    }

    #[test]
    fn the_caret_stands_below_the_place() {
        check(
            "a = 1\nbc = 23\n",
            "23",
            "error: no\n  --> bots.toml:2:6\n   | bc = 23\n   |      ^^",
        );
    }

    #[test]
    fn wide_characters_are_two_columns_wide_and_count_one() {
        check(
            "'你好' = '世界'",
            "'世界'",
            "error: no\n  --> bots.toml:1:8\n   | '你好' = '世界'\n   |          ^^^^^^",
        );
    }

    #[test]
    fn tabs_stay_tabs() {
        check("\ta\t= 1", "1", "error: no\n  --> bots.toml:1:6\n   | \ta\t= 1\n   | \t \t  ^");
    }

    #[test]
    fn a_value_of_several_lines_is_marked_on_the_first() {
        check(
            "a = '''\r\nb'''\n",
            "'''\r\nb'''",
            "error: no\n  --> bots.toml:1:5\n   | a = '''\n   |     ^^^",
        );
    }

    #[test]
    fn the_end_of_the_file_is_a_place() {
        let at = |offset| Problem::error(Some((offset..offset).into()), "no");
        check_problem("a =", at(3), "error: no\n  --> bots.toml:1:4\n   | a =\n   |    ^");
        check_problem("a =\n", at(4), "error: no\n  --> bots.toml:2:1\n   | \n   | ^");
        check_problem("a =\n", at(99), "error: no\n  --> bots.toml:2:1\n   | \n   | ^");
    }

    #[test]
    fn a_part_of_a_string_is_found_in_every_kind_of_string() {
        for (text, place) in [
            ("a = 'x{{ y'", "1:10"),
            ("a = \"x{{ y\"", "1:10"),
            ("a = '''x{{ y'''", "1:12"),
            ("a = \"\"\"\nx{{ y\"\"\"", "2:5"),
            // With escapes the whole value is marked.
            ("a = \"\\u0078{{ y\"", "1:5"),
        ] {
            let span = Span { start: 4, end: text.len() };
            let source = Source {
                name: "f".to_owned(),
                text: text.to_owned(),
                files: Vec::new(),
                secrets: Vec::new(),
            };
            let problem = Problem::error(Some(span), "no").inside(4..5);
            let report = Report::new(Arc::new(source), vec![problem], Outcome::Refused).to_string();
            assert_eq!(report.lines().nth(1), Some(format!("  --> f:{place}").as_str()), "{text}");
        }
    }

    #[test]
    fn what_may_be_a_secret_is_masked_even_in_a_broken_file() {
        check_problem(
            "api_token = \"hunter2",
            Problem::error(Some((12..20).into()), "no"),
            "error: no\n  --> bots.toml:1:13\n   | api_token = ********\n   |             ^^^^^^^^",
        );
    }

    #[test]
    fn passwords_in_addresses_are_masked_whatever_the_key() {
        check(
            "url = 'https://me:hunter2@a.b/c' # or http://x@y, not user@host nor http://a.b/@c",
            "url",
            "error: no\n  --> bots.toml:1:1\n   | url = 'https://**********@a.b/c' # or http://*@y, not user@host nor http://a.b/@c\n   | ^^^",
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        check(
            "a = '\u{1b}[31m'",
            "a",
            "error: no\n  --> bots.toml:1:1\n   | a = '\u{fffd}[31m'\n   | ^",
        );
    }
}

//! Regular expressions as they stand in the file.

use std::ops::Range;

use easebot_plugin::{At, Problem, Problems};
use regex::{Regex, RegexBuilder};
use regex_syntax::{
    Parser,
    hir::{Look, LookSet},
};

/// What one expression may take when compiled, in bytes. Repetitions such as `(\w{100}){100}` would take more.
const MAX_BYTES: usize = 1 << 20;

/// Compiles `text`. None if that cannot be done; `problems` says why, and what is slow or surprising.
pub(super) fn compile(text: &At<String>, problems: &mut Problems) -> Option<Regex> {
    let parsed = match Parser::new().parse(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let (message, range) = describe(&error);
            let problem = Problem::error(text.span(), format!("no regular expression: {message}"));
            problems.push(match range {
                Some(range) => problem.inside(range),
                None => problem,
            });
            return None;
        }
    };
    if let Some(range) = unicode_word_border(text, parsed.properties().look_set()) {
        problems.push(
            Problem::notice(
                text.span(),
                "`\\b` sees no border between a Chinese character and a letter, and is slow",
            )
            .inside(range)
            .hint("write `(?-u:\\b)`, for which only ASCII letters, digits and `_` make words"),
        );
    }
    RegexBuilder::new(text)
        .size_limit(MAX_BYTES)
        .build()
        .map_err(|error| {
            let message = match error {
                regex::Error::CompiledTooBig(limit) => {
                    format!("the regular expression takes more than {limit} bytes when compiled")
                }
                error => format!("no regular expression: {error}"),
            };
            problems.push(
                Problem::error(text.span(), message)
                    .hint("repeat less, or write `(?-u)` before `\\w` and `\\d`"),
            );
        })
        .ok()
}

fn describe(error: &regex_syntax::Error) -> (String, Option<Range<usize>>) {
    let (message, span) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), *error.span()),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), *error.span()),
        error => return (error.to_string(), None),
    };
    (message, Some(span.start.offset..span.end.offset))
}

/// The first `\b` or `\B` of a pattern that takes Unicode's word for what a word is.
fn unicode_word_border(pattern: &str, looks: LookSet) -> Option<Range<usize>> {
    let unicode = [
        Look::WordUnicode,
        Look::WordUnicodeNegate,
        Look::WordStartUnicode,
        Look::WordEndUnicode,
        Look::WordStartHalfUnicode,
        Look::WordEndHalfUnicode,
    ];
    if !unicode.into_iter().any(|look| looks.contains(look)) {
        return None;
    }
    let mut at = 0;
    while let Some(found) = pattern.get(at..)?.find('\\') {
        let escape = at + found..at + found + 2;
        match pattern.get(escape.clone()) {
            Some("\\b" | "\\B" | "\\<" | "\\>") => return Some(escape),
            // Not a border: go on behind the escaped character, however long it is.
            _ => {
                at = escape.start + 1 + pattern.get(escape.start + 1..)?.chars().next()?.len_utf8()
            }
        }
    }
    None
}

//! The texts that every match of a regular expression contains one of.

use regex_syntax::{
    Parser,
    hir::{Hir, HirKind, literal::Extractor},
};

/// More alternatives than this cost more to look for than they save.
const MAX_LITERALS: usize = 64;

/// Texts, not empty, of which every match of `pattern` contains at least one. None if there are no such or too many.
///
/// They come from the parsed expression, where `(?i)` has become classes with all the letters that it stands for: what is
/// extracted is right for every flag.
pub(super) fn required(pattern: &str) -> Option<Vec<Vec<u8>>> {
    best(&Parser::new().parse(pattern).ok()?)
}

fn best(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let parts = match hir.kind() {
        HirKind::Capture(capture) => best(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => best(&repetition.sub),
        // Where a match begins in the middle of a sequence, it goes on with what the rest of the sequence begins with.
        HirKind::Concat(parts) => {
            let tails = (1..parts.len()).filter_map(|from| parts.get(from..));
            let within = parts.iter().filter_map(best);
            tails
                .filter_map(|tail| prefixes(&Hir::concat(tail.to_vec())))
                .chain(within)
                .max_by_key(|set| worth(set))
        }
        HirKind::Alternation(parts) => parts
            .iter()
            .map(best)
            .collect::<Option<Vec<_>>>()
            .map(|sets| sets.concat())
            .filter(|set| set.len() <= MAX_LITERALS),
        HirKind::Class(_)
        | HirKind::Empty
        | HirKind::Literal(_)
        | HirKind::Look(_)
        | HirKind::Repetition(_) => None,
    };
    [prefixes(hir), parts].into_iter().flatten().max_by_key(|set| worth(set))
}

/// What every match of `hir` begins with one of.
fn prefixes(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let sequence = Extractor::new().limit_total(MAX_LITERALS).extract(hir);
    let literals: Vec<Vec<u8>> =
        sequence.literals()?.iter().map(|literal| literal.as_bytes().to_vec()).collect();
    let is_good = (1..=MAX_LITERALS).contains(&literals.len())
        && literals.iter().all(|literal| !literal.is_empty());
    is_good.then_some(literals)
}

/// A set is worth more if its shortest text is longer, and with equal ones if it is smaller.
fn worth(set: &[Vec<u8>]) -> (usize, std::cmp::Reverse<usize>) {
    (set.iter().map(Vec::len).min().unwrap_or_default().min(8), std::cmp::Reverse(set.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, expected: Option<&[&str]>) {
        let texts = required(pattern).map(|set| {
            let mut texts: Vec<String> =
                set.into_iter().map(|text| String::from_utf8(text).unwrap()).collect();
            texts.sort();
            texts
        });
        let expected = expected.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(texts, expected, "{pattern}");
    }

    #[test]
    fn a_text_that_each_match_contains_is_found_anywhere_in_the_pattern() {
        check("hello", Some(&["hello"]));
        check("^echo (?<text>.+)$", Some(&["echo "]));
        check("(?<city>.+)天气", Some(&["天气"]));
        check(r"\d+ 元", Some(&[" 元"]));
        check("(你好|hello) world", Some(&["hello world", "你好 world"]));
        check("(?:x.*)+yes", Some(&["yes"]));
        check("[ab]c", Some(&["ac", "bc"]));
        // U+212A, the Kelvin sign, is a `k` without case.
        check("(?i)ok", Some(&["OK", "Ok", "O\u{212a}", "oK", "ok", "o\u{212a}"]));
    }

    #[test]
    fn a_pattern_without_a_necessary_text_has_none() {
        for pattern in ["", ".*", r"\d+", "a?", "(a|.)", "[^a]", r"\b", "x*"] {
            check(pattern, None);
        }
    }
}

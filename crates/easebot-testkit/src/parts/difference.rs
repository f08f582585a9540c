//! What was expected and what was heard, side by side.

/// How what was expected is compared with what was heard.
pub trait Compare {
    /// What was expected.
    type Expected;
    /// What was heard.
    type Heard;

    /// Whether the one is the other.
    fn fits(&self, expected: &Self::Expected, heard: &Self::Heard) -> bool;

    /// What was expected, in words.
    fn wanted(&self, expected: &Self::Expected) -> String;

    /// What was heard, in words.
    fn said(&self, heard: &Self::Heard) -> String;

    /// Whether the words of `expected` are what has to be heard letter by letter, so that a caret can show where they part.
    fn is_exact(&self, expected: &Self::Expected) -> bool;
}

/// How what was heard differs from what was expected, in lines: `-` was not heard, `+` was not expected, and what stands behind
/// neither was both. None if all is as expected.
pub fn difference<C: Compare>(
    compare: &C,
    expected: &[C::Expected],
    heard: &[C::Heard],
) -> Option<String> {
    let pairs = longest_common(compare, expected, heard);
    if pairs.len() == expected.len() && pairs.len() == heard.len() {
        return None;
    }
    let mut lines = String::new();
    let (mut at_expected, mut at_heard) = (0, 0);
    for (of_expected, of_heard) in pairs.into_iter().chain([(expected.len(), heard.len())]) {
        let missing = expected.get(at_expected..of_expected).unwrap_or_default();
        let more = heard.get(at_heard..of_heard).unwrap_or_default();
        for reply in missing {
            line(&mut lines, '-', &compare.wanted(reply));
        }
        for reply in more {
            line(&mut lines, '+', &compare.said(reply));
        }
        if let ([wanted], [said]) = (missing, more)
            && compare.is_exact(wanted)
        {
            lines.extend(caret(&compare.wanted(wanted), &compare.said(said)));
        }
        if let Some(reply) = heard.get(of_heard) {
            line(&mut lines, ' ', &compare.said(reply));
        }
        (at_expected, at_heard) = (of_expected + 1, of_heard + 1);
    }
    if heard.is_empty() {
        lines.push_str("    nothing was said\n");
    }
    Some(lines)
}

/// The most pairs of what was expected and heard, in order.
fn longest_common<C: Compare>(
    compare: &C,
    expected: &[C::Expected],
    heard: &[C::Heard],
) -> Vec<(usize, usize)> {
    // The length of the longest one behind each pair of places, from the end.
    let width = heard.len() + 1;
    let mut lengths = vec![0_usize; (expected.len() + 1) * width];
    let at =
        |lengths: &[usize], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    let fits = |i: usize, j: usize| {
        expected
            .get(i)
            .zip(heard.get(j))
            .is_some_and(|(expected, heard)| compare.fits(expected, heard))
    };
    for i in (0..expected.len()).rev() {
        for j in (0..heard.len()).rev() {
            let best = if fits(i, j) {
                at(&lengths, i + 1, j + 1) + 1
            } else {
                at(&lengths, i + 1, j).max(at(&lengths, i, j + 1))
            };
            if let Some(length) = lengths.get_mut(i * width + j) {
                *length = best;
            }
        }
    }
    let (mut pairs, mut i, mut j) = (Vec::new(), 0, 0);
    while i < expected.len() && j < heard.len() {
        if fits(i, j) {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

fn line(lines: &mut String, mark: char, text: &str) {
    lines.push_str(&format!("    {mark} {}\n", text.replace('\n', "\n      ")));
}

/// A caret below the first character in which a text of one line differs from the one that was expected.
fn caret(wanted: &str, said: &str) -> Option<String> {
    let pairs = said.chars().zip(wanted.chars());
    let common: String = pairs.take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
    // Below wide characters a caret of one column would be in a wrong place.
    let is_plain =
        !common.is_empty() && common.is_ascii() && !wanted.contains('\n') && !said.contains('\n');
    is_plain.then(|| format!("      {}^\n", " ".repeat(common.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts; one that ends in `…` only has to begin so.
    struct Texts;

    impl Compare for Texts {
        type Expected = &'static str;
        type Heard = &'static str;

        fn fits(&self, expected: &&'static str, heard: &&'static str) -> bool {
            match expected.strip_suffix('…') {
                Some(start) => heard.starts_with(start),
                None => expected == heard,
            }
        }

        fn wanted(&self, expected: &&'static str) -> String {
            (*expected).to_owned()
        }

        fn said(&self, heard: &&'static str) -> String {
            (*heard).to_owned()
        }

        fn is_exact(&self, expected: &&'static str) -> bool {
            !expected.ends_with('…')
        }
    }

    fn check(expected: &[&'static str], heard: &[&'static str], lines: &str) {
        assert_eq!(difference(&Texts, expected, heard).unwrap_or_default(), lines);
    }

    #[test]
    fn what_is_as_expected_has_no_difference() {
        check(&[], &[], "");
        check(&["one", "mo…"], &["one", "more"], "");
    }

    #[test]
    fn what_is_missing_what_is_more_and_what_is_as_expected_stand_in_order() {
        check(
            &["a", "b", "c"],
            &["a", "x", "c", "d"],
            "      a\n    - b\n    + x\n      c\n    + d\n",
        );
        check(&["a"], &[], "    - a\n    nothing was said\n");
        check(&[], &["two\nlines"], "    + two\n      lines\n");
        check(&["b", "a"], &["a", "b"], "    - b\n      a\n    + b\n");
    }

    #[test]
    fn a_caret_stands_where_two_texts_part() {
        check(&["pong!"], &["pong?"], "    - pong!\n    + pong?\n          ^\n");
        check(&["你好!"], &["你好?"], "    - 你好!\n    + 你好?\n");
        check(&["po!…"], &["pong"], "    - po!…\n    + pong\n");
        check(&["two\nlines"], &["two"], "    - two\n      lines\n    + two\n");
    }
}

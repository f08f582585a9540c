//! A place in a text, shown as a compiler does.

use std::ops::Range;

use unicode_width::UnicodeWidthChar;

/// Most characters of a line that are shown, half of them before the place.
const MAX_CHARS: usize = 48;

/// The line of `text` with byte `at.start`, and below it a caret under each character of `at`. A place at the end of a line
/// is one caret behind it.
///
/// Of a long line only the part around the place is shown. Wide characters have wide space below them, so that the caret
/// stands right where letters have one width.
#[must_use]
pub fn place(text: &str, at: Range<usize>) -> String {
    let start = floor(text, at.start);
    let line_start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let line = text.get(line_start..).unwrap_or_default();
    let line = line.lines().next().unwrap_or_default();
    let start = (start - line_start).min(line.len());
    let end = floor(line, at.end.saturating_sub(line_start)).max(start);
    let (before, behind) = line.split_at_checked(start).unwrap_or((line, ""));
    let marked = line.get(start..end).unwrap_or_default();

    let n_before = before.chars().count();
    let n_cut = n_before.saturating_sub(MAX_CHARS / 2);
    let before: String = before.chars().skip(n_cut).collect();
    let shown: String = behind.chars().take(MAX_CHARS / 2).collect();
    let is_cut_behind = shown.len() < behind.len();
    let n_marked = marked.chars().count().min(MAX_CHARS / 2);
    let mark: String =
        shown.chars().take(n_marked).map(|c| if is_wide(c) { "^^" } else { "^" }).collect();

    let (ahead, blank_ahead) = if n_cut > 0 { ("…", " ") } else { ("", "") };
    let tail = if is_cut_behind { "…" } else { "" };
    let blank: String = before.chars().filter_map(blank_below).collect();
    let mark = if mark.is_empty() { "^" } else { &mark };
    format!("{ahead}{before}{shown}{tail}\n{blank_ahead}{blank}{mark}")
}

/// The white space that is as wide as `c`; none for a character without width.
fn blank_below(c: char) -> Option<char> {
    match c.width() {
        Some(0) => None,
        _ if c == '\t' => Some('\t'),
        Some(2..) => Some('\u{3000}'),
        Some(1) | None => Some(' '),
    }
}

fn is_wide(c: char) -> bool {
    c.width().unwrap_or(1) > 1
}

/// The last place at or before byte `at` where a character begins.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_caret_stands_under_the_place() {
        for (text, at, expected) in [
            ("/w Paris x", 9..10, "/w Paris x\n         ^"),
            ("/w Paris", 3..8, "/w Paris\n   ^^^^^"),
            ("/w Paris ", 9..9, "/w Paris \n         ^"),
            ("/天气 巴黎 x", 15..16, "/天气 巴黎 x\n \u{3000}\u{3000} \u{3000}\u{3000} ^"),
            ("/w 巴黎", 3..9, "/w 巴黎\n   ^^^^"),
            ("/w a\nb x\nc", 7..8, "b x\n  ^"),
            ("", 0..0, "\n^"),
        ] {
            assert_eq!(place(text, at), expected, "{text:?}");
        }
    }

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_shown() {
        let text = format!("{}X{}", "a".repeat(100), "b".repeat(100));
        let shown = place(&text, 100..101);
        let expected = format!("…{}X{}…\n {}^", "a".repeat(24), "b".repeat(23), " ".repeat(24));
        assert_eq!(shown, expected);
    }

    proptest! {
        #[test]
        fn no_place_makes_it_panic(text in "[a\n你\t é]{0,60}", start in 0_usize..300, n in 0_usize..300) {
            let shown = place(&text, start..start + n);
            prop_assert!(shown.ends_with('^') && shown.lines().count() == 2);
        }
    }
}

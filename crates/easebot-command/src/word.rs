//! The words behind a command's name.

use std::{borrow::Cow, ops::Range};

/// One word of a text.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Word<'t> {
    /// What it says, without its quotes.
    pub text: Cow<'t, str>,
    /// Where it stands, quotes included, in bytes.
    pub at: Range<usize>,
    /// Whether it stands in quotes: then it is never an option.
    pub is_quoted: bool,
}

/// The pairs of quotes. Phones and Chinese keyboards write the others where one means the first, and mix them up.
const QUOTES: &[(&[char], &[char])] =
    &[(&['"'], &['"']), (&['“', '”'], &['”', '“']), (&['「'], &['」'])];

/// The words of `text`.
///
/// `"…"` keeps words together; within, `\"` is a quote and `\\` a backslash. A quote that is not closed, or goes on behind
/// its end, is a character like any other.
#[must_use]
pub fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(word) = next(text, at) {
        at = word.at.end;
        words.push(word);
    }
    words
}

/// The first word of `text` that begins at byte `from` or behind it.
pub(crate) fn next(text: &str, from: usize) -> Option<Word<'_>> {
    let rest = text.get(from..)?.trim_start();
    if rest.is_empty() {
        return None;
    }
    let start = text.len() - rest.len();
    if let Some((said, n_bytes)) = quoted(rest) {
        return Some(Word { text: said, at: start..start + n_bytes, is_quoted: true });
    }
    let n_bytes = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let said = rest.get(..n_bytes)?;
    Some(Word { text: said.into(), at: start..start + n_bytes, is_quoted: false })
}

/// What a quoted word at the beginning of `text` says, and its length in bytes.
fn quoted(text: &str) -> Option<(Cow<'_, str>, usize)> {
    let open = text.chars().next()?;
    let (_, close) = QUOTES.iter().find(|(opening, _)| opening.contains(&open))?;
    let inner = text.get(open.len_utf8()..)?;
    let is_close = |c: &char| close.contains(c);
    let mut unescaped: Option<String> = None;
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        if is_close(&c) {
            let behind = inner.get(at + c.len_utf8()..)?;
            let is_over = behind.is_empty() || behind.starts_with(char::is_whitespace);
            let said =
                unescaped.map_or_else(|| inner.get(..at).map(Cow::Borrowed), |s| Some(s.into()));
            return is_over.then_some((said?, text.len() - behind.len()));
        }
        let escaped = (c == '\\')
            .then(|| inner.get(at + 1..)?.chars().next())
            .flatten()
            .filter(|next| *next == '\\' || is_close(next));
        match escaped {
            Some(escaped) => {
                let said =
                    unescaped.get_or_insert_with(|| inner.get(..at).unwrap_or_default().to_owned());
                said.push(escaped);
                chars.next();
            }
            None => {
                if let Some(said) = &mut unescaped {
                    said.push(c);
                }
            }
        }
    }
    None
}

/// `word` as it is to be written so that [`words`] reads it as one word, and never as an option: in quotes if need be.
///
/// ```
/// use easebot_command::quote;
/// assert_eq!(quote("plain"), "plain");
/// assert_eq!(quote("two words"), r#""two words""#);
/// assert_eq!(quote(r#"a "b""#), r#""a \"b\"""#);
/// ```
#[must_use]
pub fn quote(word: &str) -> Cow<'_, str> {
    let is_plain = !word.is_empty()
        && !word.contains(char::is_whitespace)
        && !word.starts_with(|c| QUOTES.iter().any(|(opening, _)| opening.contains(&c)))
        && !word.starts_with("--")
        && !word.starts_with('—');
    if is_plain {
        return word.into();
    }
    let mut quoted = String::with_capacity(word.len() + 2);
    quoted.push('"');
    for c in word.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text.into_owned()).collect()
    }

    #[test]
    fn quotes_keep_words_together() {
        for (text, expected) in [
            ("", &[][..]),
            ("a  b", &["a", "b"]),
            (r#""a b" c"#, &["a b", "c"]),
            (r#""""#, &[""]),
            (r#""say \"hi\" \\" x"#, &[r#"say "hi" \"#, "x"]),
            (r#""C:\dir""#, &[r"C:\dir"]),
            (r#"it's "open"#, &["it's", r#""open"#]),
            (r#"a"b c"d"#, &[r#"a"b"#, r#"c"d"#]),
            (r#""a"b c"#, &[r#""a"b"#, "c"]),
            ("“a b” ”c d“ 「e f」", &["a b", "c d", "e f"]),
            ("\"say “hi” now\" “\"x\" y”", &["say “hi” now", "\"x\" y"]),
            ("“open", &["“open"]),
        ] {
            assert_eq!(said(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_word_knows_where_it_stands() {
        let text = "  a \"b c\"\u{3000}你好 ";
        let places: Vec<_> = words(text)
            .into_iter()
            .map(|word| (text.get(word.at).unwrap(), word.is_quoted))
            .collect();
        assert_eq!(places, [("a", false), ("\"b c\"", true), ("你好", false)]);
    }

    proptest! {
        #[test]
        fn any_words_survive_being_quoted(list in prop::collection::vec(any::<String>(), 0..5), space in "[ \n\t\u{3000}]{1,3}") {
            let text = list.iter().map(|word| quote(word)).collect::<Vec<_>>().join(&space);
            prop_assert_eq!(said(&text), list);
        }

        #[test]
        fn words_full_of_quotes_survive_too(list in prop::collection::vec("[\"“”「」\\\\ a-]{0,6}", 0..5)) {
            let text = list.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(said(&text), list);
        }

        #[test]
        fn no_text_makes_it_panic_and_words_come_in_order(text in "[\"“”「」\\\\ a\u{3000}é-]{0,20}") {
            let mut end = 0;
            for word in words(&text) {
                prop_assert!(word.at.start >= end && word.at.end > word.at.start);
                end = word.at.end;
                prop_assert!(text.get(word.at).is_some());
            }
            prop_assert!(text.get(end..).unwrap().trim().is_empty());
        }
    }
}

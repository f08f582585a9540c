//! Texts cut into pieces for the full-text index, so that a search finds what `contains` would find.
//!
//! The tokenizers of SQLite look for words between blanks, so they find nothing in Chinese. Here the text is cut before it goes
//! into the index: each place gives the piece that begins there, of two characters in scripts without blanks and of three in
//! others. A query is cut in the same way; what is shorter than a piece is looked for as the beginning of one. So each text that
//! contains the query has all its pieces. That a text with all pieces contains the query is checked against the text itself.

/// Texts as they are compared: in small letters, full-width letters and digits as plain ones.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    each_folded(text, |c| folded.push(c));
    folded
}

/// Shows `take` the characters of the folded text.
fn each_folded(text: &str, mut take: impl FnMut(char)) {
    // Each character by itself: what a character becomes must not depend on its neighbours, or a part of a text would not be
    // a part of the folded text.
    for c in text.chars().map(narrow) {
        match c {
            '\0'..='\x7f' => take(c.to_ascii_lowercase()),
            // Most Chinese characters: there is no table to be asked.
            '\u{3400}'..='\u{9fff}' => take(c),
            _ => c.to_lowercase().for_each(&mut take),
        }
    }
}

const fn narrow(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        'ς' => 'σ',
        '\u{ff01}'..='\u{ff5e}' => match char::from_u32(c as u32 - 0xfee0) {
            Some(plain) => plain,
            None => c,
        },
        _ => c,
    }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Class {
    /// Between pieces: blanks and ASCII punctuation. A query of these alone is looked for without the index.
    Gap,
    /// A script that is written without blanks between words, a sign or an emoji.
    Dense,
    /// Any other script.
    Sparse,
}

impl Class {
    fn of(c: char) -> Self {
        match c {
            '\u{3400}'.. => Self::Dense,
            c if c.is_whitespace() => Self::Gap,
            '\u{2e80}'.. => Self::Dense,
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Self::Gap,
            _ => Self::Sparse,
        }
    }

    /// Characters of a piece.
    const fn width(self) -> usize {
        match self {
            Self::Gap => 0,
            Self::Dense => 2,
            Self::Sparse => 3,
        }
    }
}

/// The parts of a folded text that hold no gap and one class of characters.
fn runs(folded: &[char]) -> impl Iterator<Item = (Class, &[char])> {
    let runs = folded.chunk_by(|one, next| Class::of(*one) == Class::of(*next));
    let with_class = |run| <[char]>::first(run).map(|c| (Class::of(*c), run));
    runs.filter_map(with_class).filter(|(class, _)| *class != Class::Gap)
}

/// The pieces of `text`, separated by blanks.
pub(crate) fn pieces(text: &str) -> String {
    // Three letters and a blank for each.
    let mut pieces = String::with_capacity(text.len() * 4);
    let mut open = Open::Nothing;
    each_folded(text, |c| open = open.then(c, &mut pieces));
    open.end(&mut pieces);
    pieces
}

/// The last characters of a run, whose pieces go on if the run does.
#[derive(Clone, Copy)]
enum Open {
    Dense(char),
    Nothing,
    Sparse(char),
    TwoSparse(char, char),
}

impl Open {
    /// Writes what is whole with `c` behind it.
    fn then(self, c: char, pieces: &mut String) -> Self {
        match (self, Class::of(c)) {
            (Self::Dense(before), Class::Dense) => {
                write([before, c], pieces);
                Self::Dense(c)
            }
            (Self::Sparse(before), Class::Sparse) => Self::TwoSparse(before, c),
            (Self::TwoSparse(first, second), Class::Sparse) => {
                write([first, second, c], pieces);
                Self::TwoSparse(second, c)
            }
            (run, class) => {
                run.end(pieces);
                match class {
                    Class::Gap => Self::Nothing,
                    Class::Dense => Self::Dense(c),
                    Class::Sparse => Self::Sparse(c),
                }
            }
        }
    }

    /// Writes what the end of the run leaves: pieces that are shorter.
    fn end(self, pieces: &mut String) {
        match self {
            Self::Nothing => {}
            Self::Dense(last) | Self::Sparse(last) => write([last], pieces),
            Self::TwoSparse(first, last) => {
                write([first, last], pieces);
                write([last], pieces);
            }
        }
    }
}

fn write<const N: usize>(piece: [char; N], pieces: &mut String) {
    piece.into_iter().for_each(|c| pieces.push(c));
    pieces.push(' ');
}

/// What is looked for: texts that contain each of some words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Query {
    words: Vec<String>,
    expression: Option<String>,
}

/// Pieces of a query that the index is asked for; the text itself is asked for all.
const MAX_PIECES: usize = 64;

impl Query {
    /// The words of `text`, which blanks separate. None if there are none.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let words: Vec<String> = fold(text).split_whitespace().map(str::to_owned).collect();
        if words.is_empty() {
            return None;
        }
        let mut terms = Vec::new();
        let letters: Vec<Vec<char>> = words.iter().map(|word| word.chars().collect()).collect();
        for (class, run) in letters.iter().flat_map(|word| runs(word)) {
            if run.len() < class.width() {
                terms.push(format!("\"{}\"*", run.iter().collect::<String>()));
            } else {
                let windows = run.windows(class.width());
                terms.extend(
                    windows.map(|piece| format!("\"{}\"", piece.iter().collect::<String>())),
                );
            }
        }
        terms.sort_unstable();
        terms.dedup();
        terms.truncate(MAX_PIECES);
        let expression = (!terms.is_empty()).then(|| terms.join(" AND "));
        Some(Self { words, expression })
    }

    /// What the index is asked for; none if it knows nothing of such words.
    pub(crate) fn expression(&self) -> Option<&str> {
        self.expression.as_deref()
    }

    /// The first line of `text` that contains one of the words; the first of all if a word stands in several.
    pub(crate) fn line<'t>(&self, text: &'t str) -> &'t str {
        let is_found = |line: &&str| {
            let folded = fold(line);
            self.words.iter().any(|word| folded.contains(word))
        };
        text.lines().find(is_found).or_else(|| text.lines().next()).unwrap_or_default()
    }

    /// Whether `text` contains each word.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        let folded = fold(text);
        self.words.iter().all(|word| folded.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, by what a piece is.
    fn pieces_by_runs(text: &str) -> String {
        let folded: Vec<char> = fold(text).chars().collect();
        let places = runs(&folded).flat_map(|(class, run)| {
            (0..run.len()).map(move |at| run.iter().skip(at).take(class.width()))
        });
        places.map(|piece| piece.chain([&' ']).collect::<String>()).collect()
    }

    proptest! {
        #[test]
        fn pieces_are_the_parts_of_runs(text in "(\\PC|[a-cÀ-Ä \u{3000}一-丂ㄱ, ]){0,20}") {
            prop_assert_eq!(pieces(&text), pieces_by_runs(&text));
        }
    }

    #[test]
    fn characters_that_are_not_looked_up_have_no_small_letter_and_are_no_blanks() {
        for c in '\u{3400}'..='\u{9fff}' {
            assert!(c.to_lowercase().eq([c]));
        }
        assert!(('\u{3400}'..=char::MAX).all(|c| !c.is_whitespace()));
    }

    #[test]
    fn each_place_of_a_text_gives_a_piece() {
        assert_eq!(pieces("发图片 OK, ＡＢ１2"), "发图 图片 片 ok k ab1 b12 12 2 ");
        assert_eq!(pieces("a\0b😀！"), "a b 😀 ", "a full-width mark is a plain one: a gap");
        assert_eq!(pieces(" ..."), "");
    }

    #[test]
    fn a_query_is_cut_like_a_text() {
        let query = |text| Query::new(text).and_then(|query| query.expression);
        assert_eq!(query("图片"), Some("\"图片\"".to_owned()));
        assert_eq!(query("图"), Some("\"图\"*".to_owned()));
        assert_eq!(
            query("Hello 你好吗"),
            Some("\"ell\" AND \"hel\" AND \"llo\" AND \"你好\" AND \"好吗\"".to_owned())
        );
        assert_eq!(query("c++"), Some("\"c\"*".to_owned()));
        assert_eq!(query("\"'*"), None, "no piece: the index is not asked");
        assert_eq!(Query::new(" \u{3000} "), None);
    }

    #[test]
    fn letters_are_compared_without_case_and_width() {
        let is_in = |query, text| Query::new(query).unwrap().is_in(text);
        assert!(is_in("ok １", "OK, 1"));
        assert!(is_in("ΣΑΣ", "σας"), "also where a letter has two small forms");
        assert!(is_in("C++", "we write c++ here") && !is_in("C++", "we write c here"));
        assert!(!is_in("ok no", "ok"), "each word has to be there");
        let line = |query, text| Query::new(query).unwrap().line(text);
        assert_eq!(line("图 c", "a\nb\n发图\nc"), "发图");
    }
}

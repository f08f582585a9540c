//! Where a text is cut.

use unicode_segmentation::GraphemeCursor;

/// `text` in pieces of at most `first` bytes, then `rest` bytes. Both above 0; a single character may be longer than that.
pub(super) fn pieces(text: &str, first: usize, rest: usize) -> Vec<&str> {
    let (mut pieces, mut left, mut budget) = (Vec::new(), text, first);
    while !left.is_empty() {
        let (piece, behind) = left.split_at(cut(left, budget, rest));
        pieces.push(piece);
        (left, budget) = (behind, rest);
    }
    pieces
}

/// What ends at a place where a text may be cut, worst first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Border {
    Word,
    Clause,
    Sentence,
    Line,
    Paragraph,
}

/// How many bytes of `text` make the next piece. `next` bytes have room in the one behind it.
fn cut(text: &str, budget: usize, next: usize) -> usize {
    if text.len() <= budget {
        return text.len();
    }
    let limit = text.floor_char_boundary(budget);
    let mut best: Option<(Border, usize)> = None;
    let mut seen = Seen::default();
    for (at, c) in text.char_indices().take_while(|(at, _)| *at <= limit) {
        if at * 2 >= budget
            && let Some(border) = seen.border_before(c)
            && best.is_none_or(|(known, _)| known <= border)
            && is_grapheme_border(text, at)
        {
            best = Some((border, at));
        }
        seen.add(c);
    }
    match best {
        Some((_, at)) => at,
        None => anywhere(text, limit, next),
    }
}

/// What stands in front of a place.
#[derive(Default)]
struct Seen {
    /// The last character that is no space.
    word_end: Option<char>,
    /// The same, closing quotes and brackets left out.
    sentence_end: Option<char>,
    has_space: bool,
    n_lines: usize,
}

impl Seen {
    fn add(&mut self, c: char) {
        if c.is_whitespace() {
            self.has_space = true;
            self.n_lines += usize::from(c == '\n');
        } else {
            self.word_end = Some(c);
            if !is_closing(c) {
                self.sentence_end = Some(c);
            }
            (self.has_space, self.n_lines) = (false, 0);
        }
    }

    /// What ends in front of `c`, if anything does.
    fn border_before(&self, c: char) -> Option<Border> {
        let (word_end, sentence_end) = (self.word_end?, self.sentence_end);
        if c.is_whitespace() {
            // Space stays with what is in front of it.
            return None;
        }
        let ends = |wide: &str, narrow: &str| {
            let by = |marks: &str| {
                marks.contains(word_end) || sentence_end.is_some_and(|end| marks.contains(end))
            };
            by(wide) || (self.has_space && by(narrow))
        };
        match self.n_lines {
            0 if is_closing(c) || SENTENCE.contains(c) || CLAUSE.contains(c) => None,
            0 if ends(SENTENCE, ".!?") => Some(Border::Sentence),
            0 if ends(CLAUSE, ",;:") => Some(Border::Clause),
            0 => self.has_space.then_some(Border::Word),
            1 => Some(Border::Line),
            _ => Some(Border::Paragraph),
        }
    }
}

/// Marks that end a sentence or a clause without a space behind them.
const SENTENCE: &str = "。！？…";
const CLAUSE: &str = "，、；：";

fn is_closing(c: char) -> bool {
    "\"')]}”’」』）】》".contains(c)
}

/// The last place up to `limit` where a reader sees two characters, outside an address if that has room in the `next` piece.
fn anywhere(text: &str, limit: usize, next: usize) -> usize {
    let at = last_grapheme_border(text, limit);
    match address_around(text, at) {
        Some((start, end)) if start > 0 && end - start <= next => start,
        _ => at,
    }
}

/// The last border of graphemes up to `limit`; `limit` itself if the first one is longer than that.
fn last_grapheme_border(text: &str, limit: usize) -> usize {
    let mut cursor = GraphemeCursor::new(limit, text.len(), true);
    if cursor.is_boundary(text, 0) == Ok(true) {
        return limit;
    }
    match cursor.prev_boundary(text, 0) {
        Ok(Some(at)) if at > 0 => at,
        // Not even one character has room: the piece is longer than it should be, but the loop ends.
        _ if limit == 0 => text.chars().next().map_or(0, char::len_utf8),
        _ => limit,
    }
}

fn is_grapheme_border(text: &str, at: usize) -> bool {
    GraphemeCursor::new(at, text.len(), true).is_boundary(text, 0) == Ok(true)
}

/// The address of the web that `at` is in the middle of.
fn address_around(text: &str, at: usize) -> Option<(usize, usize)> {
    let (before, behind) = text.split_at_checked(at)?;
    let is_part = |c: char| c.is_ascii_graphic() && !"<>\"".contains(c);
    let run = before.trim_end_matches(is_part).len();
    let start = ["https://", "http://"]
        .into_iter()
        .filter_map(|scheme| {
            let text = text.get(run..)?;
            text.find(scheme).map(|found| run + found)
        })
        .filter(|start| *start < at)
        .min()?;
    let end = at + (behind.len() - behind.trim_start_matches(is_part).len());
    (start < at && at < end).then_some((start, end))
}

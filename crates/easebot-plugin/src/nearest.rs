//! "Did you mean": the known name that a mistyped one is closest to.

use std::mem::swap;

/// The candidate that `word` is most likely a slip of, if one is close enough.
///
/// Close means: a third of the longer word's characters may be wrong (at least one, at most three), where a missing, an
/// extra, a wrong and a pair of swapped characters count one each. ASCII case does not count. Of equally close ones the first
/// wins. A single character is never a slip.
///
/// ```
/// use easebot_plugin::nearest;
/// assert_eq!(nearest("contians", ["equals", "contains"]), Some("contains"));
/// assert_eq!(nearest("tomorrow", ["equals", "contains"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = letters(word).collect();
    let mut other = Vec::new();
    let mut rows = Rows::default();
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        other.clear();
        other.extend(letters(candidate));
        let longer = word.len().max(other.len());
        let close = (longer / 3).clamp(1, 3);
        let most = match best {
            Some((0, _)) => break,
            Some((slips, _)) => close.min(slips - 1),
            None => close,
        };
        if longer > 1
            && let Some(slips) = rows.slips(&word, &other, most)
        {
            best = Some((slips, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn letters(word: &str) -> impl Iterator<Item = char> {
    // A name is short; what is longer is no slip of one, and the distance below is quadratic.
    word.chars().take(64).map(|c| c.to_ascii_lowercase())
}

/// Room for the last rows of the table that a distance is read from.
#[derive(Default)]
struct Rows {
    before_last: Vec<usize>,
    last: Vec<usize>,
    row: Vec<usize>,
}

impl Rows {
    /// Optimal string alignment distance, row by row; none if it is more than `most`.
    fn slips(&mut self, a: &[char], b: &[char], most: usize) -> Option<usize> {
        if a.len().abs_diff(b.len()) > most {
            return None;
        }
        let Self { before_last, last, row } = self;
        last.clear();
        last.extend(0..=b.len());
        let mut was_close = true;
        for (i, x) in a.iter().enumerate() {
            row.clear();
            let mut left = i + 1;
            row.push(left);
            let mut is_close = left <= most;
            for (j, (y, above)) in b.iter().zip(last.windows(2)).enumerate() {
                let &[diagonal, up] = above else { continue };
                let mut cost = (diagonal + usize::from(x != y)).min(up + 1).min(left + 1);
                let is_swapped =
                    i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
                if is_swapped && let Some(before) = before_last.get(j - 1) {
                    cost = cost.min(before + 1);
                }
                row.push(cost);
                is_close |= cost <= most;
                left = cost;
            }
            // The rows that follow are made of these two, and no less than they are.
            if !is_close && !was_close {
                return None;
            }
            was_close = is_close;
            swap(before_last, last);
            swap(last, row);
        }
        last.last().copied().filter(|slips| *slips <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_slip_counts_one() {
        let distance = |a: &str, b: &str| {
            let [a, b] = [a, b].map(|word| letters(word).collect::<Vec<_>>());
            Rows::default().slips(&a, &b, usize::MAX).unwrap()
        };
        for (a, b, expected) in [
            ("ping", "ping", 0),
            ("png", "ping", 1),
            ("piing", "ping", 1),
            ("pong", "ping", 1),
            ("pnig", "ping", 1),
            ("", "ping", 4),
            ("ping", "", 4),
            ("帮住", "帮助", 1),
            ("PING", "ping", 0),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn a_distance_that_is_too_large_is_seen_before_its_end_and_no_other() {
        // All words of up to five letters of which there are two.
        let words = (0..=5_u32).flat_map(|n| {
            (0..1_u32 << n).map(move |bits| {
                (0..n).map(|at| if bits >> at & 1 == 0 { 'a' } else { 'b' }).collect::<Vec<_>>()
            })
        });
        let words: Vec<Vec<char>> = words.collect();
        let mut rows = Rows::default();
        for a in &words {
            for b in &words {
                let whole = rows.slips(a, b, usize::MAX).unwrap();
                for most in 0..=5 {
                    let found = rows.slips(a, b, most);
                    assert_eq!(found, Some(whole).filter(|it| *it <= most), "{a:?} {b:?} {most}");
                }
            }
        }
    }

    #[test]
    fn of_equally_close_ones_the_first_wins_and_a_closer_one_before_it() {
        assert_eq!(nearest("pong", ["ping", "pang", "pung"]), Some("ping"));
        assert_eq!(nearest("weathr", ["wether", "weather"]), Some("weather"));
        assert_eq!(nearest("ping", ["pong", "PING", "ping"]), Some("PING"));
    }

    #[test]
    fn short_words_are_not_taken_for_each_other() {
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(nearest("up", ["in"]), None);
        assert_eq!(nearest("ehco", ["echo", "ping"]), Some("echo"));
        assert_eq!(nearest("weather", ["ping", "help"]), None);
        assert_eq!(nearest("x", []), None);
    }
}

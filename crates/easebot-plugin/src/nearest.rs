//! "Did you mean": the known name that a mistyped one is closest to.

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
    let word: Vec<char> = fold(word);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other = fold(candidate);
            let longer = word.len().max(other.len());
            let slips = slips(&word, &other);
            (longer > 1 && slips <= (longer / 3).clamp(1, 3)).then_some((slips, candidate))
        })
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

fn fold(word: &str) -> Vec<char> {
    // A name is short; what is longer is no slip of one, and the distance below is quadratic.
    word.chars().take(64).map(|c| c.to_ascii_lowercase()).collect()
}

/// Optimal string alignment distance, row by row.
fn slips(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut cost =
                (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                cost = cost.min(at(&before_last, j - 1) + 1);
            }
            row.push(cost);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_slip_counts_one() {
        let distance = |a: &str, b: &str| slips(&fold(a), &fold(b));
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
    fn short_words_are_not_taken_for_each_other() {
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(nearest("up", ["in"]), None);
        assert_eq!(nearest("ehco", ["echo", "ping"]), Some("echo"));
        assert_eq!(nearest("weather", ["ping", "help"]), None);
        assert_eq!(nearest("x", []), None);
    }
}

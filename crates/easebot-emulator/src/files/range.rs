//! The part of a file that a request asks for.

/// What to answer with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Span {
    /// Bytes `start..=end`, which exist.
    Part {
        start: u64,
        end: u64,
    },
    /// Nothing of what was asked for exists.
    Unsatisfiable,
    Whole,
}

impl Span {
    /// What a `Range` header means for a file of `n_bytes`. Several ranges at once, and what cannot be read, are answered
    /// with the whole file, as RFC 9110 allows.
    pub(crate) fn parse(range: &str, n_bytes: u64) -> Self {
        let asked = range.trim().strip_prefix("bytes=").and_then(|span| span.split_once('-'));
        let Some((start, end)) = asked else { return Self::Whole };
        let last = n_bytes.checked_sub(1);
        match (start.trim(), end.trim()) {
            ("", suffix) => match (suffix.parse::<u64>(), last) {
                (Err(_), _) => Self::Whole,
                (Ok(0), _) | (_, None) => Self::Unsatisfiable,
                (Ok(n), Some(last)) => Self::Part { start: n_bytes.saturating_sub(n), end: last },
            },
            (start, end) => {
                let end = if end.is_empty() { Ok(u64::MAX) } else { end.parse::<u64>() };
                match (start.parse::<u64>(), end, last) {
                    (Err(_), _, _) | (_, Err(_), _) => Self::Whole,
                    (Ok(start), Ok(end), _) if end < start => Self::Whole,
                    (Ok(start), Ok(end), Some(last)) if start <= last => {
                        Self::Part { start, end: end.min(last) }
                    }
                    _ => Self::Unsatisfiable,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_what_exists() {
        let part = |start, end| Span::Part { start, end };
        for (range, n_bytes, span) in [
            ("bytes=0-4", 10, part(0, 4)),
            ("bytes=5-", 10, part(5, 9)),
            ("bytes=5-99", 10, part(5, 9)),
            ("bytes=-3", 10, part(7, 9)),
            ("bytes=-99", 10, part(0, 9)),
            ("bytes=10-", 10, Span::Unsatisfiable),
            ("bytes=-0", 10, Span::Unsatisfiable),
            ("bytes=0-", 0, Span::Unsatisfiable),
            ("bytes=-1", 0, Span::Unsatisfiable),
            ("bytes=4-2", 10, Span::Whole),
            ("bytes=0-1,3-4", 10, Span::Whole),
            ("lines=1-2", 10, Span::Whole),
            ("bytes=--1", 10, Span::Whole),
            ("bytes=99999999999999999999-", 10, Span::Whole),
        ] {
            assert_eq!(Span::parse(range, n_bytes), span, "{range} of {n_bytes}");
        }
    }
}

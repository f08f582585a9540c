//! Which part of a file an answer holds.

use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap};

/// Which part of a file an answer holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Range {
    /// Nothing, because all of it is there already.
    Nothing,
    /// Another part than was asked for, or none because there is no such part.
    Other,
    /// What is missing.
    Rest { total_bytes: Option<u64> },
    /// All of it.
    Whole { total_bytes: Option<u64> },
}

/// Reads the answer to a request for everything from byte `from` on.
pub(super) fn range_of(status: u16, headers: &HeaderMap, from: u64) -> Range {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let range = text(CONTENT_RANGE).and_then(|text| text.trim().strip_prefix("bytes "));
    let (place, total) = range.and_then(|range| range.split_once('/')).unwrap_or_default();
    let total_bytes = total.trim().parse().ok();
    match status {
        206 => {
            let first = place.split_once('-').and_then(|(first, _)| first.trim().parse().ok());
            if first == Some(from) { Range::Rest { total_bytes } } else { Range::Other }
        }
        416 if from > 0 && total_bytes == Some(from) => Range::Nothing,
        416 => Range::Other,
        _ => Range::Whole {
            total_bytes: text(CONTENT_LENGTH).and_then(|text| text.trim().parse().ok()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_which_part_it_holds() {
        let (rest, whole) =
            (|total_bytes| Range::Rest { total_bytes }, |total_bytes| Range::Whole { total_bytes });
        let table = [
            (200, "", "9", 0, whole(Some(9))),
            (200, "", "9", 5, whole(Some(9))),
            (200, "", "-1", 0, whole(None)),
            (206, "bytes 5-8/9", "4", 5, rest(Some(9))),
            (206, "bytes 5-8/*", "4", 5, rest(None)),
            (206, "bytes 0-8/9", "9", 5, Range::Other),
            (206, "bytes=5-8/9", "4", 5, Range::Other),
            (206, "", "4", 5, Range::Other),
            (206, "bytes 99999999999999999999-1/9", "4", 5, Range::Other),
            (416, "bytes */5", "0", 5, Range::Nothing),
            (416, "bytes */4", "0", 5, Range::Other),
            (416, "bytes */0", "0", 0, Range::Other),
        ];
        for (status, range, length, from, expected) in table {
            let mut headers = HeaderMap::new();
            if !range.is_empty() {
                headers.insert(CONTENT_RANGE, range.parse().unwrap());
            }
            headers.insert(CONTENT_LENGTH, length.parse().unwrap());
            assert_eq!(range_of(status, &headers, from), expected, "{status} {range} {length}");
        }
    }
}

//! Letters and marks as Chinese and Japanese keyboards type them.

/// `text` as names are compared: in lower case, and full-width letters, digits and marks (`／ｓａｙ`) as plain ones.
///
/// Nothing else is changed: what looks alike by other rules of Unicode is another name.
#[must_use]
pub fn folded(text: &str) -> String {
    text.chars().map(narrow).flat_map(char::to_lowercase).collect()
}

/// The plain form of a full-width one. Source: Unicode, the block Halfwidth and Fullwidth Forms, U+FF01 to U+FF5E.
pub(crate) fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => {
            u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c)
        }
        _ => c,
    }
}

/// What follows `prefix` in `text`, whatever the width of either.
pub(crate) fn behind<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let mut rest = text.chars();
    let begins = prefix.chars().all(|c| rest.next().is_some_and(|own| narrow(own) == narrow(c)));
    begins.then_some(rest.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_compared_without_case_and_width() {
        for (text, expected) in [
            ("ＳａＹ", "say"),
            ("／ｓａｙ２", "/say2"),
            ("~！～", "~!~"),
            ("点名", "点名"),
            ("ÄＢ", "äb"),
            ("。ｶ", "。ｶ"),
        ] {
            assert_eq!(folded(text), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_folded_stays_as_it_is(text in any::<String>()) {
            // One letter in capitals may be two in small ones, and those stay.
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }

        #[test]
        fn a_prefix_is_found_in_either_width(prefix in "[!-~]{1,3}", rest in any::<String>()) {
            let wide: String = prefix.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xfee0)).collect();
            for (written, prefix) in [(&wide, &prefix), (&prefix, &wide), (&wide, &wide)] {
                let text = format!("{written}{rest}");
                prop_assert_eq!(behind(&text, prefix), Some(rest.as_str()));
            }
        }
    }
}

//! A text read as a command.

use std::ops::Range;

use crate::width::behind;

/// A text that begins like a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Call<'t> {
    /// The prefix that it begins with, as it was given.
    pub prefix: &'t str,
    /// What stands between the prefix and the first white space, without the bot's name, as it was written. Not empty. Names are
    /// compared [folded](crate::folded).
    pub name: &'t str,
    /// The bot that is addressed, in `/name@bot`, as it was written.
    pub bot: Option<&'t str>,
    /// What stands behind, without white space around it.
    pub rest: &'t str,
    /// Where `rest` begins in the text, in bytes.
    pub rest_at: usize,
}

impl<'t> Call<'t> {
    /// Reads `text`, if its first word begins with one of `prefixes` and goes on. Of several that fit, the longest counts.
    ///
    /// The full-width marks of Chinese and Japanese keyboards are plain ones in the prefix and in front of the bot's name:
    /// `／say＠bot` is `/say@bot`. What stands behind the first word stays as it was written.
    pub fn parse(text: &'t str, prefixes: &'t [impl AsRef<str>]) -> Option<Self> {
        let trimmed = text.trim_end();
        let start = trimmed.len() - trimmed.trim_start().len();
        let behind_space = trimmed.get(start..)?;
        let word_bytes = behind_space.find(char::is_whitespace).unwrap_or(behind_space.len());
        let (word, rest) = behind_space.split_at_checked(word_bytes)?;
        let (prefix, word) = prefixes
            .iter()
            .map(AsRef::as_ref)
            .filter_map(|prefix| Some((prefix, behind(word, prefix)?)))
            .min_by_key(|(_, word)| word.len())?;
        let (name, bot) = match word.split_once(['@', '＠']) {
            Some((name, bot)) => (name, Some(bot)),
            None => (word, None),
        };
        let rest = rest.trim_start();
        let rest_at = trimmed.len() - rest.len();
        (!name.is_empty()).then_some(Self { prefix, name, bot, rest, rest_at })
    }

    /// A place in `rest` as a place in the whole text.
    #[must_use]
    pub fn in_text(&self, in_rest: Range<usize>) -> Range<usize> {
        in_rest.start + self.rest_at..in_rest.end + self.rest_at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_command_is_a_first_word_that_begins_with_the_prefix() {
        let call = |name, bot, rest| Some((name, bot, rest));
        for (text, expected) in [
            ("/ping", call("ping", None, "")),
            ("  /ping \n", call("ping", None, "")),
            ("/ping a  b ", call("ping", None, "a  b")),
            ("/ping\nline", call("ping", None, "line")),
            ("/ping\u{3000}你好", call("ping", None, "你好")),
            ("/ping@bot x", call("ping", Some("bot"), "x")),
            ("/ping@", call("ping", Some(""), "")),
            ("／ping ／ａ", call("ping", None, "／ａ")),
            ("／ｐｉｎｇ＠ｂｏｔ\u{3000}x", call("ｐｉｎｇ", Some("ｂｏｔ"), "x")),
            ("／", None),
            ("/", None),
            ("/ ping", None),
            ("/@bot", None),
            ("ping", None),
            ("say /ping", None),
            ("", None),
        ] {
            let read = Call::parse(text, &["/"]).map(|call| (call.name, call.bot, call.rest));
            assert_eq!(read, expected, "{text:?}");
        }
        assert_eq!(Call::parse("你好帮助", &["你好"]).unwrap().name, "帮助");
    }

    #[test]
    fn of_several_prefixes_the_longest_counts() {
        let read =
            |text| Call::parse(text, &["!", "!!", "＃"]).map(|call| (call.prefix, call.name));
        assert_eq!(read("!!go"), Some(("!!", "go")));
        assert_eq!(read("!go"), Some(("!", "go")));
        assert_eq!(read("！！go"), Some(("!!", "go")), "the prefix is the one that was given");
        assert_eq!(read("＃go"), Some(("＃", "go")));
        assert_eq!(read("#go"), Some(("＃", "go")));
        assert_eq!(read("!!"), None, "a prefix alone is no command");
        assert_eq!(read("/go"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_the_rest_is_where_it_says(text in any::<String>(), prefix in "[/!]{1,2}") {
            if let Some(call) = Call::parse(&text, &[&prefix]) {
                prop_assert_eq!(text.get(call.in_text(0..call.rest.len())), Some(call.rest));
                prop_assert!(call.prefix == prefix && text.contains(call.name));
            }
        }

        #[test]
        fn what_looks_like_a_command_is_one(name in "[a-z你好]{1,8}", rest in "[a-z \"]{0,9}", space in "[ \n\t]{0,3}") {
            let text = format!("{space}/{name} {rest}");
            let call = Call::parse(&text, &["/"]).unwrap();
            prop_assert_eq!((call.name, call.rest), (name.as_str(), rest.trim()));
        }
    }
}

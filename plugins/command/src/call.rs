//! A text read as a command.

/// A text that begins like a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Call<'t> {
    /// What stands between the prefix and the first white space, without the bot's name. Not empty.
    pub(crate) name: &'t str,
    /// The bot that is addressed, in `/name@bot`.
    pub(crate) bot: Option<&'t str>,
    /// What stands behind, without white space around it.
    pub(crate) rest: &'t str,
}

impl<'t> Call<'t> {
    /// Reads `text`, if its first word begins with `prefix` and goes on.
    pub(crate) fn parse(text: &'t str, prefix: &str) -> Option<Self> {
        let text = text.trim();
        let word_bytes = text.find(char::is_whitespace).unwrap_or(text.len());
        let (word, rest) = text.split_at_checked(word_bytes)?;
        let word = word.strip_prefix(prefix)?;
        let (name, bot) = match word.split_once('@') {
            Some((name, bot)) => (name, Some(bot)),
            None => (word, None),
        };
        (!name.is_empty()).then(|| Self { name, bot, rest: rest.trim_start() })
    }

    /// The words of the rest. `"…"` keeps words together, `\"` within is a quote; a quote that is not closed is a character like
    /// any other.
    pub(crate) fn args(&self) -> Vec<String> {
        let mut args = Vec::new();
        let mut rest = self.rest.trim_start();
        while !rest.is_empty() {
            let (arg, behind) = quoted(rest).unwrap_or_else(|| {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (word.to_owned(), behind)
            });
            args.push(arg);
            rest = behind.trim_start();
        }
        args
    }
}

/// What a quoted word at the beginning of `text` says, and what stands behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut word = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let behind = inner.get(at + 1..)?;
                let is_over = behind.is_empty() || behind.starts_with(char::is_whitespace);
                return is_over.then_some((word, behind));
            }
            '\\' if inner.get(at + 1..)?.starts_with(['"', '\\']) => {
                word.extend(chars.next().map(|(_, escaped)| escaped));
            }
            c => word.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call<'t>(name: &'t str, bot: Option<&'t str>, rest: &'t str) -> Option<Call<'t>> {
        Some(Call { name, bot, rest })
    }

    #[test]
    fn a_command_is_a_first_word_that_begins_with_the_prefix() {
        for (text, expected) in [
            ("/ping", call("ping", None, "")),
            ("  /ping \n", call("ping", None, "")),
            ("/ping a  b ", call("ping", None, "a  b")),
            ("/ping\nline", call("ping", None, "line")),
            ("/ping\u{3000}你好", call("ping", None, "你好")),
            ("/ping@bot x", call("ping", Some("bot"), "x")),
            ("/ping@", call("ping", Some(""), "")),
            ("/", None),
            ("/ ping", None),
            ("/@bot", None),
            ("ping", None),
            ("say /ping", None),
            ("", None),
        ] {
            assert_eq!(Call::parse(text, "/"), expected, "{text:?}");
        }
        assert_eq!(Call::parse("你好帮助", "你好"), call("帮助", None, ""));
    }

    #[test]
    fn quotes_keep_words_together() {
        for (rest, expected) in [
            ("", &[][..]),
            ("a  b", &["a", "b"]),
            (r#""a b" c"#, &["a b", "c"]),
            (r#""""#, &[""]),
            (r#""say \"hi\" \\" x"#, &[r#"say "hi" \"#, "x"]),
            (r#""C:\dir""#, &[r"C:\dir"]),
            (r#"it's "open"#, &["it's", r#""open"#]),
            (r#"a"b c"d"#, &[r#"a"b"#, r#"c"d"#]),
            (r#""a"b c"#, &[r#""a"b"#, "c"]),
        ] {
            let call = Call { name: "x", bot: None, rest };
            assert_eq!(call.args(), expected, "{rest:?}");
        }
    }

    proptest! {
        #[test]
        fn any_words_survive_being_quoted(words in prop::collection::vec(any::<String>(), 0..5)) {
            let escape = |word: &String| format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""));
            let rest = words.iter().map(escape).collect::<Vec<_>>().join(" ");
            let call = Call { name: "x", bot: None, rest: &rest };
            prop_assert_eq!(call.args(), words);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), prefix in "[/!]{1,2}") {
            if let Some(call) = Call::parse(&text, &prefix) {
                prop_assert!(text.contains(call.name));
                call.args();
            }
        }
    }
}

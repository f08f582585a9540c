//! Which messages are relayed.

use std::collections::HashSet;

use easebot_model::{BodyKind, Message, UserId};
use easebot_plugin::{Problem, Problems};
use regex::{Regex, RegexBuilder};

use crate::keys::FilterKeys;

/// Conditions of a message, which must all hold.
#[derive(Debug)]
pub(crate) struct Filter {
    /// None of them: any text will do.
    contains: Vec<String>,
    regex: Option<Regex>,
    kinds: Vec<BodyKind>,
    from: HashSet<UserId>,
}

/// What one expression may take when compiled, in bytes.
const MAX_BYTES: usize = 1 << 20;

impl Filter {
    /// None if the expression cannot be used, which then is among `problems`.
    pub(crate) fn build(keys: FilterKeys, problems: &mut Problems) -> Option<Self> {
        let FilterKeys { contains, regex, kinds, from } = keys;
        if contains.is_none() && regex.is_none() && kinds.is_none() && from.is_none() {
            problems.push(
                Problem::error(None, "a filter without a condition holds for every message")
                    .hint("give it `contains`, `regex`, `kinds` or `from`"),
            );
        }
        let compile = |text: &str| RegexBuilder::new(text).size_limit(MAX_BYTES).build();
        let regex = match &regex {
            None => None,
            Some(text) => match compile(text) {
                Ok(regex) => Some(regex),
                Err(regex::Error::CompiledTooBig(limit)) => {
                    let message = format!(
                        "the regular expression takes more than {limit} bytes when compiled"
                    );
                    problems.push(Problem::error(text.span(), message).hint("repeat less"));
                    return None;
                }
                Err(error) => {
                    // The last line of what the library says is the reason; those before it are a drawing.
                    let reason = error.to_string();
                    let reason = reason.lines().last().unwrap_or_default();
                    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
                    let message = format!("no regular expression: {reason}");
                    problems.push(Problem::error(text.span(), message));
                    return None;
                }
            },
        };
        let words = |words: Option<easebot_plugin::Words>| -> Vec<String> {
            words.iter().flat_map(|words| words.iter().map(|word| word.to_string())).collect()
        };
        Some(Self {
            contains: words(contains),
            regex,
            kinds: kinds.iter().flat_map(|kinds| kinds.iter().copied().map(Into::into)).collect(),
            from: words(from).into_iter().map(UserId::from).collect(),
        })
    }

    pub(crate) fn holds(&self, message: &Message) -> bool {
        let text = message.body.as_text();
        let says = |is_said: &dyn Fn(&str) -> bool| text.is_some_and(is_said);
        (self.kinds.is_empty() || self.kinds.contains(&message.body.kind()))
            && (self.from.is_empty() || self.from.contains(&message.from))
            && (self.contains.is_empty()
                || says(&|text| self.contains.iter().any(|part| text.contains(part.as_str()))))
            && self.regex.as_ref().is_none_or(|regex| says(&|text| regex.is_match(text)))
    }
}

//! Rules as people write them, and messages of which one in ten is meant by one.

use easebot_model::Message;

use crate::bot;
use crate::corpus::{Corpus, Language};
use crate::random::Random;

/// How many messages there are in each language.
const N_MESSAGES: u64 = 100;

/// A rule, in two ways of writing that mean the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Rule {
    /// As conditions of a `[[rule]]` of `auto-reply`.
    pub(crate) conditions: String,
    /// As one regular expression.
    pub(crate) regex: String,
}

/// Rule number `n`.
pub(crate) fn rule(n: usize) -> Rule {
    let regex = match n % 10 {
        0 | 1 => {
            return Rule {
                conditions: format!("contains = ['关键词{n}号', 'keyword{n}.']"),
                regex: format!(r"关键词{n}号|keyword{n}\."),
            };
        }
        6 => {
            return Rule {
                conditions: format!("contains = ['话头{n}号', 'Topic{n}.']\nignore_case = true"),
                regex: format!(r"话头{n}号|(?i-u:topic{n}\.)"),
            };
        }
        2 => format!(r"^(?:命令|command){n}\s+(?<rest>.+)$"),
        3 => format!(r"(?<what>\S+) (?:价格|price){n}"),
        4 => format!(r"\b(?:单号|order){n}\b"),
        5 => format!("退款{n}|refund {n}"),
        7 => format!(r"(?:话题|subject){n}(?:是|：| is)\s*(\d+)"),
        8 => format!(r"(?:查|查询)订单{n}号|look up {n}\."),
        _ => format!("^/office{n} (?<day>mon|tue)"),
    };
    Rule { conditions: format!("regex = '{regex}'"), regex }
}

/// What somebody writes who means rule number `n`, and whether it stands in front.
fn meaning(n: usize, language: Language) -> (String, bool) {
    let (chinese, english, is_first) = match n % 10 {
        0 | 1 => (format!("关键词{n}号"), format!("keyword{n}."), false),
        2 => (format!("命令{n} "), format!("command{n} "), true),
        3 => (format!("苹果 价格{n}"), format!("apples price{n}"), false),
        4 => (format!(" 单号{n} "), format!(" order{n} "), false),
        5 => (format!("退款{n}"), format!("refund {n}"), false),
        6 => (format!("话头{n}号"), format!("tOPIC{n}."), false),
        7 => (format!("话题{n}是 3"), format!("subject{n} is 3"), false),
        8 => (format!("查询订单{n}号"), format!("look up {n}."), false),
        _ => (format!("/office{n} tue "), format!("/office{n} tue "), true),
    };
    (if language == Language::Chinese { chinese } else { english }, is_first)
}

/// Messages of about 60 characters for `n_rules` rules.
pub(crate) fn messages(language: Language, n_rules: usize) -> Vec<Message> {
    let (mut corpus, mut random) = (Corpus::new(60), Random::new(10));
    let texts = (0..N_MESSAGES).map(|id| {
        if id % 10 != 0 {
            return bot::message(id + 1, corpus.letters(language, 60));
        }
        let (meant, is_first) = meaning(random.below(n_rules), language);
        let rest = 60_usize.saturating_sub(meant.chars().count());
        let before = if is_first { 0 } else { random.below(rest) };
        let (before, after) =
            (corpus.letters(language, before), corpus.letters(language, rest - before));
        bot::message(id + 1, format!("{before}{meant}{after}"))
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn whoever_means_a_rule_writes_what_it_looks_for() {
        for n in 0..20 {
            let regex = Regex::new(&rule(n).regex).unwrap();
            for language in [Language::Chinese, Language::English] {
                let (meant, is_first) = meaning(n, language);
                let text = if is_first { format!("{meant}abc") } else { format!("。{meant}。") };
                assert!(regex.is_match(&text), "{n}: {text}");
            }
        }
    }

    #[test]
    fn english_messages_are_ascii() {
        let messages = messages(Language::English, 1_000);
        assert!(messages.iter().all(|message| message.text().is_ascii()));
        assert_eq!(messages.len(), 100);
    }
}

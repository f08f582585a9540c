//! The side `matcher`: one way to find the rules that hold for a message.

use std::hint::black_box;
use std::time::Duration;

use anyhow::bail;
use easebot_model::Message;
use easebot_plugin::BotInfo;
use easebot_plugin_auto_reply::AutoReply;
use regex::{Regex, RegexSet, RegexSetBuilder};

use super::texts;
use crate::bot;
use crate::clock::thread_cpu;
use crate::console::Console;
use crate::corpus::Language;
use crate::cost::cost;
use crate::solo::{self, Words};

/// What a large `RegexSet` may take when it is compiled; its own default refuses a thousand rules.
const SET_BYTES: usize = 1 << 30;

enum Matcher {
    AutoReply { plugin: Box<AutoReply>, bot: BotInfo },
    RegexSet(RegexSet),
    Sequential(Vec<Regex>),
}

impl Matcher {
    fn new(strategy: &str, n_rules: usize) -> anyhow::Result<Self> {
        let regexes = || (0..n_rules).map(|n| texts::rule(n).regex);
        Ok(match strategy {
            "auto-reply" => {
                let rule = |n| format!("[[rule]]\n{}\nreply = 'x'\n", texts::rule(n).conditions);
                let rules: String = (0..n_rules).map(rule).collect();
                let plugin = bot::plugin::<AutoReply>(&format!("match = 'all'\n{rules}"))?;
                Self::AutoReply { plugin: Box::new(plugin), bot: bot::bot()? }
            }
            "regex-set" => {
                Self::RegexSet(RegexSetBuilder::new(regexes()).size_limit(SET_BYTES).build()?)
            }
            "sequential" => {
                Self::Sequential(regexes().map(|it| Regex::new(&it)).collect::<Result<_, _>>()?)
            }
            other => bail!("`{other}` is no way to match"),
        })
    }

    /// The numbers of the rules that hold, in order.
    fn find(&self, message: &Message) -> Vec<usize> {
        match self {
            Self::AutoReply { plugin, bot } => plugin.rules_for(message, bot),
            Self::RegexSet(set) => set.matches(message.text()).into_iter().collect(),
            Self::Sequential(all) => {
                let hits = all.iter().enumerate().filter(|(_, it)| it.is_match(message.text()));
                hits.map(|(n, _)| n).collect()
            }
        }
    }
}

/// # Errors
/// If the words are wrong, or the rules cannot be read.
pub(crate) fn side(words: &[String]) -> anyhow::Result<()> {
    let mut words = Words::new(words);
    let (strategy, n_rules) = (words.text("strategy")?, words.number("n_rules")?);
    let window: Duration = words.window()?;
    let before = thread_cpu()?;
    let matcher = Matcher::new(strategy, n_rules)?;
    let build_ms = thread_cpu()?.saturating_sub(before).as_secs_f64() * 1e3;
    let (mut pairs, mut digest) = (0_u32, 0_u32);
    let mut measure = |language| {
        let messages = texts::messages(language, n_rules);
        for (place, message) in messages.iter().enumerate() {
            for n in matcher.find(message) {
                pairs += 1;
                let mark = u32::try_from(place * n_rules + n).unwrap_or_default();
                digest = digest.wrapping_mul(31).wrapping_add(mark);
            }
        }
        cost(window, messages.len(), |n| {
            messages.get(n).map(|message| black_box(matcher.find(black_box(message))));
            Ok(())
        })
    };
    let (chinese, english) = (measure(Language::Chinese)?, measure(Language::English)?);
    let found = [
        ("chinese", chinese),
        ("english", english),
        ("build_ms", build_ms),
        ("pairs", f64::from(pairs)),
        ("digest", f64::from(digest)),
    ];
    solo::tell(Console, &found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_find_the_same_rules_and_at_least_those_that_are_meant() {
        let strategies = ["auto-reply", "regex-set", "sequential"];
        let matchers = strategies.map(|strategy| Matcher::new(strategy, 40).unwrap());
        for language in [Language::Chinese, Language::English] {
            for (n, message) in texts::messages(language, 40).iter().enumerate() {
                let [ours, set, sequential] = matchers.each_ref().map(|it| it.find(message));
                assert_eq!(ours, sequential, "{}", message.text());
                assert_eq!(set, sequential, "{}", message.text());
                assert!(n % 10 != 0 || !ours.is_empty(), "{}", message.text());
            }
        }
    }
}

//! From the keys of a rule to the rule.

mod answers;

use std::{collections::HashMap, time::Duration};

use easebot_model::BodyKind;
use easebot_plugin::{At, BotInfo, BuildEnv, Problem, Problems, Templates, Values, Words, nearest};
use regex::Regex;
use serde_json::json;

use super::{super::regular, texts, users};
use crate::{
    conditions::{Conditions, Place},
    keys::RuleKeys,
    matcher::Pattern,
    rule::Rule,
    when::Window,
};

/// What rules are made with.
pub(super) struct Workshop<'a> {
    env: &'a BuildEnv,
    bot: BotInfo,
    has_zone: bool,
    templates: &'a mut Templates,
    problems: &'a mut Problems,
    /// How many rules there are so far that look for the same.
    alike: HashMap<u64, usize>,
}

impl<'a> Workshop<'a> {
    pub(super) fn new(
        env: &'a BuildEnv,
        has_zone: bool,
        templates: &'a mut Templates,
        problems: &'a mut Problems,
    ) -> Self {
        let bot =
            BotInfo { name: env.bot.clone(), user: env.user.clone(), app_key: env.app_key.clone() };
        Self { env, bot, has_zone, templates, problems, alike: HashMap::new() }
    }

    /// What a rule looks for, and the rest of it. None if nothing can be made of it; then, or if something else is wrong with
    /// it, the problems are noted.
    pub(super) fn rule(&mut self, rule: At<RuleKeys>, number: usize) -> Option<(Pattern, Rule)> {
        let name = format!("rule#{number}");
        let span = rule.span();
        let mut keys = rule.into_inner();
        let saved_as = self.saved_as(&keys);
        if !has_condition(&keys) {
            self.problems.push(
                Problem::error(span, "the rule has no condition")
                    .hint("`regex = \"\"` matches every text")
                    .perhaps_a_consequence(),
            );
        }
        let regex = keys.regex.as_ref().map(|text| regular::compile(text, self.problems));
        let groups = regex.as_ref().map(|regex| self.groups(regex.as_ref(), &keys.regex));
        // If the groups are not known, nothing can be said about the variables of the answer.
        let groups = groups.unwrap_or_else(|| Some(Vec::new()));
        let sample = groups.as_ref().map(|groups| {
            let values = Values::sample(&self.bot);
            groups.iter().fold(values, |values, group| values.text(group, ""))
        });
        let (reply, answer) = (keys.reply.take(), keys.answer.take());
        let answers = self.answers(&name, span, reply, answer, sample.as_ref());
        let conditions = self.conditions(&mut keys);
        let cooldown = keys.cooldown_secs;
        self.check_bounds(cooldown, (1, 604_800), "seconds");
        self.check_bounds(Some(keys.delay_ms), (0, 10_000), "milliseconds");
        let pattern = Pattern {
            contains: texts(keys.contains.as_ref()),
            equals: texts(keys.equals.as_ref()),
            regex: regex.flatten(),
            ignore_case: keys.ignore_case,
        };
        let rule = Rule {
            saved_as,
            conditions,
            groups: groups?,
            cooldown: cooldown.map(|secs| Duration::from_secs(u64::from(*secs))),
            delay: Duration::from_millis(u64::from(*keys.delay_ms)),
            quotes: keys.quote,
            ext: keys.ext.into_iter().collect(),
            answers,
        };
        Some((pattern, rule))
    }

    /// Under what it is saved that a rule has answered: by what it looks for, so that rules that are put before it, and other
    /// answers, change nothing. Of rules that look for the same, the further ones are counted.
    fn saved_as(&mut self, keys: &RuleKeys) -> String {
        let conditions = json!([
            keys.contains,
            keys.equals,
            keys.regex,
            keys.ignore_case,
            keys.body,
            keys.within,
            keys.not_in,
            keys.from,
            keys.not_from,
            keys.mention,
            keys.when,
            keys.not_when,
        ]);
        let hash = hash(conditions.to_string().as_bytes());
        let n_alike = self.alike.entry(hash).or_default();
        *n_alike += 1;
        match *n_alike {
            1 => format!("{hash:016x}"),
            number => format!("{hash:016x}#{number}"),
        }
    }

    /// The named groups of an expression; none if it is none, or one of them would hide another variable.
    fn groups(&mut self, regex: Option<&Regex>, text: &Option<At<String>>) -> Option<Vec<String>> {
        let groups: Vec<String> = regex?.capture_names().flatten().map(str::to_owned).collect();
        let hides = groups.iter().find(|group| matches!(group.as_str(), "bot" | "message"));
        if let Some(group) = hides {
            let message = format!("the group `{group}` would hide the variable of this name");
            let span = text.as_ref().and_then(At::span);
            self.problems.push(Problem::error(span, message).hint("give the group another name"));
            return None;
        }
        Some(groups)
    }

    fn conditions(&mut self, keys: &mut RuleKeys) -> Conditions {
        let bodies = match &keys.body {
            Some(body) => body.iter().map(|kind| BodyKind::from(*kind)).collect(),
            None => vec![BodyKind::Text],
        };
        let reads = keys.contains.is_some() || keys.equals.is_some() || keys.regex.is_some();
        if let Some(body) = keys.body.as_ref()
            && reads
            && let Some(other) = bodies.iter().find(|body| **body != BodyKind::Text)
        {
            let message =
                format!("the rule looks for a text, which {} messages do not have", other.as_str());
            let problem = Problem::error(body.span(), message);
            self.problems.push(problem.hint("make a rule of its own for them"));
        }
        Conditions {
            bodies,
            within: keys.within.take().map(|places| self.places(&places)),
            not_in: keys.not_in.take().map(|places| self.places(&places)).unwrap_or_default(),
            from: keys.from.take().map(|names| users(&names, self.problems)),
            not_from: users(
                &keys.not_from.take().map_or_else(Vec::new, |names| names.to_vec()),
                self.problems,
            ),
            mention: keys.mention,
            when: keys.when.take().map(|words| self.windows(&words)),
            not_when: keys.not_when.take().map(|words| self.windows(&words)).unwrap_or_default(),
        }
    }

    fn places(&mut self, texts: &[At<String>]) -> Vec<Place> {
        let mut places = Vec::new();
        for text in texts {
            match Place::parse(text) {
                Some(place) => places.push(place),
                None => {
                    let message =
                        "must be `user`, `group`, `room`, or one of them as in `group:ID`";
                    let mut problem = Problem::error(text.span(), message);
                    if let Some(close) = nearest(text, ["user", "group", "room"]) {
                        problem = problem.hint(format!("did you mean `{close}`?"));
                    }
                    self.problems.push(problem);
                }
            }
        }
        places
    }

    fn windows(&mut self, words: &Words) -> Vec<Window> {
        if !self.has_zone {
            let span = words.first().and_then(At::span);
            self.problems.push(
                Problem::error(span, "it is not said in which time zone this is meant")
                    .hint("add `time_zone = \"Asia/Shanghai\"` or the like to the plugin")
                    .perhaps_a_consequence(),
            );
        }
        let mut windows = Vec::new();
        for word in words.iter() {
            match Window::parse(word) {
                Ok(window) => windows.push(window),
                Err(error) => {
                    let problem = Problem::error(word.span(), error.to_string());
                    let problem = match error.at() {
                        Some(range) => problem.inside(range),
                        None => problem,
                    };
                    self.problems.push(problem.hint(
                        "write it as `mon-fri 09:00-18:00`, `sat,sun`, `22:00-06:00` or `2026-10-01..2026-10-07`",
                    ));
                }
            }
        }
        windows
    }

    fn check_bounds(&mut self, value: Option<At<u32>>, (least, most): (u32, u32), unit: &str) {
        if let Some(value) = value.filter(|value| !(least..=most).contains(&**value)) {
            let message = format!("must be {least} to {most} {unit}");
            self.problems.push(Problem::error(value.span(), message));
        }
    }
}

/// FNV-1a of 64 bits. What is saved by it is found again by every build of the program, which the hashers of `std` do not
/// promise.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn has_condition(keys: &RuleKeys) -> bool {
    let texts = keys.contains.is_some() || keys.equals.is_some() || keys.regex.is_some();
    let places = keys.within.is_some() || keys.not_in.is_some();
    let people = keys.from.is_some() || keys.not_from.is_some() || keys.mention.is_some();
    let times = keys.when.is_some() || keys.not_when.is_some();
    texts || places || people || times || keys.body.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: the test vectors of draft-eastlake-fnv.
    #[test]
    fn the_hash_is_the_one_that_everybody_has() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }
}

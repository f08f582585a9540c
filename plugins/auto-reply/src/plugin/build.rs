//! From the keys to the plugin.

mod workshop;

use std::{collections::HashSet, time::Duration};

use easebot_model::{BodyKind, UserId};
use easebot_plugin::{
    At, BuildEnv, Configured, Interest, Problem, Problems, Templates, Words, nearest,
};
use jiff::tz::TimeZone;

use self::workshop::Workshop;
use super::AutoReply;
use crate::{
    keys::{AutoReplyKeys, TakeoverKeys},
    matcher::Matcher,
    memory::{Sweeper, Takeover},
    rule::Rule,
};

impl Configured for AutoReply {
    const KIND: &'static str = "auto-reply";
    const ABOUT: &'static str =
        "Answers messages by rules: what they say, where, when and of whom they are.";
    type Config = AutoReplyKeys;

    fn build(keys: AutoReplyKeys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        if keys.rule.is_empty() {
            problems.push(
                Problem::error(None, "there are no rules").hint("add a `[[bot.plugin.rule]]`"),
            );
        }
        let zone = keys.time_zone.as_ref().and_then(|name| time_zone(name, problems));
        let takeover = keys.takeover.and_then(|keys| build_takeover(keys, problems));
        let mut templates = Templates::new();
        let mut workshop = Workshop::new(env, keys.time_zone.is_some(), &mut templates, problems);
        let rules = keys.rule.into_iter().zip(1..);
        let (patterns, rules): (Vec<_>, Vec<_>) =
            rules.filter_map(|(rule, number)| workshop.rule(rule, number)).unzip();
        let matcher = Matcher::new(patterns)
            .map_err(|error| {
                problems.push(Problem::error(None, format!("the rules are too many: {error}")))
            })
            .ok()?;
        let not_texts = rules.iter().enumerate().filter(|(_, rule): &(usize, &Rule)| {
            rule.conditions.bodies.iter().any(|body| *body != BodyKind::Text)
        });
        let pause = takeover.as_ref().map(|takeover| takeover.pause);
        Some(Self {
            name: env.plugin.clone(),
            interest: interest(&rules, takeover.is_some()),
            matching: keys.matching,
            shows_typing: keys.typing,
            zone,
            takeover,
            matcher,
            textless: not_texts.map(|(index, _)| index).collect(),
            longest: rules.iter().filter_map(|rule| rule.cooldown).chain(pause).max(),
            rules,
            templates,
            sweeper: Sweeper::default(),
        })
    }
}

/// What the rules want to see, and what a person writes who takes over.
fn interest(rules: &[Rule], sees_people: bool) -> Interest {
    if sees_people {
        return Interest::messages().with_own();
    }
    Interest::messages().bodies(rules.iter().flat_map(|rule| rule.conditions.bodies.clone()))
}

fn time_zone(name: &At<String>, problems: &mut Problems) -> Option<TimeZone> {
    let zone = TimeZone::get(name).ok();
    if zone.is_none() {
        let message = format!("there is no time zone `{}`", name.as_str());
        let known: Vec<String> =
            jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        let problem = Problem::error(name.span(), message);
        problems.push(problem.hint(match nearest(name, known.iter().map(String::as_str)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "write its IANA name, such as `Asia/Shanghai` or `UTC`".to_owned(),
        }));
    }
    zone
}

fn build_takeover(keys: At<TakeoverKeys>, problems: &mut Problems) -> Option<Takeover> {
    let span = keys.span();
    let keys = keys.into_inner();
    if keys.agents.is_empty() && !keys.own_devices {
        problems.push(
            Problem::error(span, "nobody can take a conversation over")
                .hint("name users in `agents`, or leave `own_devices` on"),
        );
    }
    if !(1..=10_080).contains(&*keys.pause_minutes) {
        problems.push(Problem::error(keys.pause_minutes.span(), "must be 1 to 10080 minutes"));
        return None;
    }
    Some(Takeover {
        pause: Duration::from_secs(u64::from(*keys.pause_minutes) * 60),
        agents: users(&keys.agents, problems),
        own_devices: keys.own_devices,
        resume: texts(keys.resume.as_ref()),
    })
}

/// The texts of a key that need not be there.
fn texts(words: Option<&Words>) -> Vec<String> {
    words.into_iter().flat_map(|words| words.iter().map(|word| word.to_string())).collect()
}

/// The users that a key names. What can be no user's name is worth a notice: it would never be found.
fn users(names: &[At<String>], problems: &mut Problems) -> HashSet<UserId> {
    for name in names.iter().filter(|name| !UserId::new(name.as_str()).is_legal()) {
        let message = format!("no user can be called `{}`", name.as_str());
        let hint = "write the bare name, of letters, digits and `_-.`";
        problems.push(Problem::notice(name.span(), message).hint(hint));
    }
    names.iter().map(|name| UserId::new(name.as_str())).collect()
}

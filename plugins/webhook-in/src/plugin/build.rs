//! From the keys to the plugin, or to every problem in them.

use std::sync::RwLock;

use easebot_model::{Conversation, Secret};
use easebot_plugin::{
    At, BotInfo, BuildEnv, Configured, Hook, Problem, Problems, Span, Templates, Values,
};
use easebot_role::webhook::Rate;
use serde_json::Value;

use super::{Rule, WebhookIn};
use crate::{
    fetch::Fetcher,
    guard::guard,
    keys::{Format, HookKeys, WebhookInKeys},
};

impl Configured for WebhookIn {
    const KIND: &'static str = "webhook-in";
    const ABOUT: &'static str = "Says what webhooks bring: Slack, Alertmanager, GitHub, GitLab, CloudEvents, Easemob's callbacks and others.";
    type Config = WebhookInKeys;

    fn build(keys: WebhookInKeys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        if keys.hook.is_empty() {
            problems.push(
                Problem::error(None, "there are no hooks").hint("add a `[[bot.plugin.hook]]`"),
            );
        }
        let bot =
            BotInfo { name: env.bot.clone(), user: env.user.clone(), app_key: env.app_key.clone() };
        let mut templates = Templates::new().with_open_conditions();
        let mut rules: Vec<Rule> = Vec::new();
        let mut taken: Vec<(Hook, Option<Span>)> = Vec::new();
        for keys in keys.hook {
            let span = keys.path.span();
            let rule = build_rule(keys, env, &bot, &mut templates, problems);
            let hook = rule.hook();
            let is_same = |other: &Hook| {
                other.takes(&hook.path).is_some() || hook.takes(&other.path).is_some()
            };
            if let Some((other, first)) = taken.iter().find(|(other, _)| is_same(other)) {
                let message =
                    format!("requests to this path are taken already, by `{}`", other.path);
                problems.push(Problem::error(span, message).related(*first, "first used"));
            }
            taken.push((hook, span));
            rules.push(rule);
        }
        Some(Self {
            name: env.plugin.clone(),
            folder: env.folder.clone(),
            rules,
            templates,
            fetcher: Fetcher::default(),
        })
    }
}

/// How many refusals of a hook are warned of in a minute; the others are for who looks closer.
const WARNINGS_PER_MINUTE: u32 = 10;

/// What is wrong is among `problems`; the rule is made all the same, so that all of it is found.
fn build_rule(
    keys: HookKeys,
    env: &BuildEnv,
    bot: &BotInfo,
    templates: &mut Templates,
    problems: &mut Problems,
) -> Rule {
    check_path(&keys.path, problems);
    if let Some(secret) = &keys.secret {
        match keys.format {
            Format::StandardWebhooks => {
                let fault = |secret: &Secret| {
                    let guard = guard(Format::StandardWebhooks, secret);
                    guard.err().map(|error| error.to_string())
                };
                env.check_secret_of(secret, fault, problems)
            }
            _ => env.check_secret(secret, problems),
        };
    }
    if keys.to.name().is_empty() {
        problems.push(Problem::error(keys.to.span(), "the conversation has no name"));
    }
    problems.within(&keys.limit_bytes, 1024..=25 << 20);
    problems.within(&keys.per_minute, 1..=60_000);
    problems.within(&keys.max_chars, 100..=100_000);
    problems.within(&keys.file_bytes, 1..=10 << 20);
    let allowed = keys.allowed.iter().filter_map(|text| {
        text.parse::<Conversation>()
            .map_err(|error| problems.push(Problem::error(text.span(), error.to_string())))
            .ok()
    });
    let allowed = allowed.collect();
    if let Some(template) = &keys.template {
        let sample = ["body", "headers", "query"]
            .into_iter()
            .fold(Values::of_bot(bot).text("text", "").text("hook", ""), |values, name| {
                values.json(name, &Value::Object(serde_json::Map::new()))
            });
        templates.add(&keys.path, template, &sample, problems);
    }
    Rule {
        path: keys.path.to_string(),
        format: keys.format,
        secret: keys.secret.map(At::into_inner),
        guard: RwLock::new(None),
        to: Conversation::from(&*keys.to),
        allowed,
        has_template: keys.template.is_some(),
        limit_bytes: *keys.limit_bytes,
        per_minute: *keys.per_minute,
        rate: Rate::new(*keys.per_minute),
        warnings: Rate::new(WARNINGS_PER_MINUTE),
        max_chars: *keys.max_chars,
        fetch: keys.fetch,
        file_bytes: *keys.file_bytes,
    }
}

fn check_path(path: &At<String>, problems: &mut Problems) {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    let is_path = path.len() > 1
        && path.starts_with('/')
        && !path.ends_with('/')
        && !path.contains("//")
        // Callers leave such parts out, so that nothing would ever come.
        && !path.split('/').any(|part| matches!(part, "." | ".."))
        && path.chars().all(is_plain);
    if !is_path {
        problems
            .push(Problem::error(path.span(), "requests cannot be taken under this path").hint(
            "a path is such as `/hooks/alerts`: letters, digits, `-`, `.`, `_` and `~` between `/`",
        ));
    }
}

//! The plugin itself.

mod regular;

use async_trait::async_trait;
use easebot_model::{ConversationKind, Draft, Event, Ext};
use easebot_plugin::{
    At, BotInfo, BuildEnv, Configured, Context, Flow, Interest, Plugin, PluginError, Problem,
    Problems, Templates, Values,
};

use crate::{
    keys::{AutoReplyKeys, RuleKeys},
    matcher::{Matcher, Pattern},
};

/// Answers texts by rules.
#[derive(Debug)]
pub struct AutoReply {
    name: String,
    is_first_match_only: bool,
    shows_typing: bool,
    matcher: Matcher,
    /// One for each pattern of the matcher.
    rules: Vec<Rule>,
    templates: Templates,
}

#[derive(Debug)]
struct Rule {
    /// Name of its template, and of the rule in errors.
    name: String,
    /// Kinds of conversation that it holds in; all if there are none.
    within: Vec<ConversationKind>,
    /// Names of the groups in its regular expression.
    groups: Vec<String>,
    ext: Ext,
}

impl Rule {
    fn holds_in(&self, kind: ConversationKind) -> bool {
        self.within.is_empty() || self.within.contains(&kind)
    }
}

#[async_trait]
impl Plugin for AutoReply {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let Some(message) = event.as_message() else { return Ok(Flow::Continue) };
        let kind = message.conversation.kind();
        let mut drafts = Vec::new();
        for hit in self.matcher.hits(message.text()) {
            let Some(rule) = self.rules.get(hit.pattern).filter(|rule| rule.holds_in(kind)) else {
                continue;
            };
            let mut values = Values::of(message, cx.bot());
            for group in &rule.groups {
                let captures = hit.captures.as_ref();
                let taken = captures.and_then(|captures| captures.name(group));
                values = values.text(group, taken.map_or("", |taken| taken.as_str()));
            }
            let text = self.templates.render(&rule.name, &values)?;
            drafts.push(Draft { ext: rule.ext.clone(), ..Draft::new(text) });
            if self.is_first_match_only {
                break;
            }
        }
        if drafts.is_empty() {
            return Ok(Flow::Continue);
        }
        drafts.retain(|draft| draft.body.as_text().is_some_and(|text| !text.trim().is_empty()));
        if self.shows_typing && !drafts.is_empty() && kind != ConversationKind::Room {
            cx.show_typing();
        }
        for draft in drafts {
            cx.reply(draft).await?;
        }
        Ok(Flow::Stop)
    }
}

impl Configured for AutoReply {
    const KIND: &'static str = "auto-reply";
    const ABOUT: &'static str =
        "Answers texts by rules: what a message contains, equals or looks like.";
    type Config = AutoReplyKeys;

    fn build(keys: AutoReplyKeys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        if keys.rule.is_empty() {
            problems.push(
                Problem::error(None, "there are no rules").hint("add a `[[bot.plugin.rule]]`"),
            );
        }
        let bot =
            BotInfo { name: env.bot.clone(), user: env.user.clone(), app_key: env.app_key.clone() };
        let mut templates = Templates::new();
        let (mut patterns, mut rules) = (Vec::new(), Vec::new());
        for (index, rule) in keys.rule.into_iter().enumerate() {
            let name = format!("rule#{}", index + 1);
            if let Some((pattern, rule)) = build_rule(rule, name, &bot, &mut templates, problems) {
                patterns.push(pattern);
                rules.push(rule);
            }
        }
        let matcher = Matcher::new(patterns)
            .map_err(|error| {
                problems.push(Problem::error(None, format!("the rules are too many: {error}")))
            })
            .ok()?;
        Some(Self {
            name: env.plugin.clone(),
            is_first_match_only: keys.first_match,
            shows_typing: keys.typing,
            matcher,
            rules,
            templates,
        })
    }
}

/// What a rule looks for and what it answers. None if there was an error, which then is among `problems`.
fn build_rule(
    rule: At<RuleKeys>,
    name: String,
    bot: &BotInfo,
    templates: &mut Templates,
    problems: &mut Problems,
) -> Option<(Pattern, Rule)> {
    let span = rule.span();
    let keys = rule.into_inner();
    if keys.contains.is_none() && keys.equals.is_none() && keys.regex.is_none() {
        problems.push(
            Problem::error(span, "the rule has no condition: `contains`, `equals` or `regex`")
                .hint("`regex = \"\"` matches every text"),
        );
    }
    let regex = match &keys.regex {
        Some(text) => {
            let Some(regex) = regular::compile(text, problems) else {
                // Its groups are not known, so nothing can be said about the variables of the reply.
                templates.check(&keys.reply, problems);
                return None;
            };
            Some(regex)
        }
        None => None,
    };
    let groups: Vec<String> =
        regex.iter().flat_map(|regex| regex.capture_names().flatten().map(str::to_owned)).collect();
    if let (Some(regex), Some(group)) =
        (&keys.regex, groups.iter().find(|group| matches!(group.as_str(), "bot" | "message")))
    {
        let message = format!("the group `{group}` would hide the variable of this name");
        problems.push(Problem::error(regex.span(), message).hint("give the group another name"));
        return None;
    }
    let sample = groups.iter().fold(Values::sample(bot), |values, group| values.text(group, ""));
    if !templates.add(&name, &keys.reply, &sample, problems) {
        return None;
    }
    let words = |words: Option<easebot_plugin::Words>| {
        words.iter().flat_map(|words| words.iter().map(|word| word.to_string())).collect()
    };
    let pattern = Pattern {
        contains: words(keys.contains),
        equals: words(keys.equals),
        regex,
        ignore_case: keys.ignore_case,
    };
    let within = keys.within.unwrap_or_default().into_iter().map(ConversationKind::from).collect();
    Some((pattern, Rule { name, within, groups, ext: keys.ext.into_iter().collect() }))
}

#[cfg(test)]
mod tests;

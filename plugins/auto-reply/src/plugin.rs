//! The plugin itself.

mod build;
mod explain;
mod regular;

use std::time::Duration;

use async_trait::async_trait;
use easebot_model::{Draft, Event, Message, Timestamp};
use easebot_plugin::{BotInfo, Context, Env, Explanation, Interest, PluginError, Templates};
use easebot_role::{AutoResponder, Reply};
use jiff::tz::TimeZone;

use crate::{
    keys::Match,
    matcher::{Hit, Matcher},
    memory::{Memory, Step, Sweeper, Takeover},
    rule::Rule,
    said::Said,
};

/// Answers messages by rules.
#[derive(Debug)]
pub struct AutoReply {
    name: String,
    interest: Interest,
    matching: Match,
    shows_typing: bool,
    zone: Option<TimeZone>,
    takeover: Option<Takeover>,
    matcher: Matcher,
    /// One for each pattern of the matcher.
    rules: Vec<Rule>,
    /// Rules for other messages than texts.
    textless: Vec<usize>,
    templates: Templates,
    /// The longest time for which something that is saved can count; none if nothing is saved.
    longest: Option<Duration>,
    sweeper: Sweeper,
}

#[async_trait]
impl AutoResponder for AutoReply {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        self.interest
    }

    async fn respond(&self, message: &Message, cx: &Context) -> Result<Option<Reply>, PluginError> {
        let now = cx.time_of(message);
        if let Some(step) = self.step(message, cx.bot()) {
            self.hand_over(step, message, now, cx).await?;
            return Ok(None);
        }
        if message.from == cx.bot().user {
            return Ok(None);
        }
        let mut hits = self.found(message, cx.bot());
        let key = Memory::key(&message.conversation);
        let mut memory = None;
        if self.remembers(&hits) {
            let saved = cx.state::<Memory>().load(&key).await?.unwrap_or_default();
            if self.takeover.as_ref().is_some_and(|it| saved.is_paused(now, it.pause)) {
                return Ok(None);
            }
            hits.retain(|hit| !self.is_cooling(hit, &saved, now));
            memory = Some(saved);
        }
        if self.matching == Match::First {
            hits.truncate(1);
        }
        if hits.is_empty() {
            return Ok(None);
        }
        let mut answers = Vec::with_capacity(hits.len());
        for hit in &hits {
            let Some(rule) = self.rules.get(hit.pattern) else { continue };
            answers.push((rule, rule.drafts(hit, &self.templates, message, cx.bot())?));
        }
        answers.retain(|(_, drafts)| !drafts.is_empty());
        if let Some(memory) = memory {
            self.note_answers(&answers, memory, &key, now, cx).await?;
        }
        Ok(Some(self.reply(answers)))
    }

    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        match self.longest {
            Some(longest) => self.sweeper.run(env, longest).await,
            None => Ok(()),
        }
    }

    fn explain(&self, event: &Event, bot: &BotInfo) -> Explanation {
        self.explanation(event, bot)
    }
}

easebot_role::plugin!(AutoReply: AutoResponder);

impl AutoReply {
    /// The rules, counted from 0, that hold for `message` as far as the message tells: without what is known of its conversation,
    /// which is whether a rule has answered there lately, or a person has taken it over. In order; only the first one if only
    /// the first answers.
    #[must_use]
    pub fn rules_for(&self, message: &Message, bot: &BotInfo) -> Vec<usize> {
        let mut hits = self.found(message, bot);
        if self.matching == Match::First {
            hits.truncate(1);
        }
        hits.into_iter().map(|hit| hit.pattern).collect()
    }

    /// The rules that hold for `message`, up to the first one that answers in any case if only the first answers.
    fn found<'m>(&self, message: &'m Message, bot: &BotInfo) -> Vec<Hit<'m>> {
        let said = Said::new(message, bot, self.zone.as_ref());
        let text = message.body.as_text().and(said.text());
        let mut hits = Vec::new();
        let holds = |index: usize| {
            self.rules.get(index).is_some_and(|rule| rule.conditions.obstacle(&said).is_none())
        };
        let texts = text.into_iter().flat_map(|text| self.matcher.hits(text, holds));
        let others = self.textless.iter().copied().filter(|index| text.is_none() && holds(*index));
        for hit in texts.chain(others.map(Hit::without_text)) {
            let is_certain =
                self.rules.get(hit.pattern).is_some_and(|rule| rule.cooldown.is_none());
            hits.push(hit);
            if is_certain && self.matching == Match::First {
                break;
            }
        }
        hits
    }

    fn step(&self, message: &Message, bot: &BotInfo) -> Option<Step> {
        self.takeover.as_ref()?.step(message, &bot.user)
    }

    async fn hand_over(
        &self,
        step: Step,
        message: &Message,
        now: Timestamp,
        cx: &Context,
    ) -> Result<(), PluginError> {
        let key = Memory::key(&message.conversation);
        let mut memory = cx.state::<Memory>().load(&key).await?.unwrap_or_default();
        memory.person = match step {
            Step::GivesBack => None,
            Step::TakesOver => memory.person.max(Some(now)),
        };
        self.save(memory, &key, now, cx).await
    }

    /// Whether something is saved that has to do with `hits`.
    fn remembers(&self, hits: &[Hit<'_>]) -> bool {
        let cools =
            |hit: &Hit<'_>| self.rules.get(hit.pattern).is_some_and(|rule| rule.cooldown.is_some());
        !hits.is_empty() && (self.takeover.is_some() || hits.iter().any(cools))
    }

    fn is_cooling(&self, hit: &Hit<'_>, memory: &Memory, now: Timestamp) -> bool {
        self.rules.get(hit.pattern).is_some_and(|rule| {
            rule.cooldown.is_some_and(|cooldown| memory.is_cooling(&rule.saved_as, now, cooldown))
        })
    }

    async fn note_answers(
        &self,
        answers: &[(&Rule, Vec<Draft>)],
        mut memory: Memory,
        key: &str,
        now: Timestamp,
        cx: &Context,
    ) -> Result<(), PluginError> {
        let cooling = answers.iter().filter(|(rule, _)| rule.cooldown.is_some());
        let rules: Vec<String> = cooling.map(|(rule, _)| rule.saved_as.clone()).collect();
        if rules.is_empty() {
            return Ok(());
        }
        memory.answered.extend(rules.into_iter().map(|rule| (rule, now)));
        self.save(memory, key, now, cx).await
    }

    async fn save(
        &self,
        mut memory: Memory,
        key: &str,
        now: Timestamp,
        cx: &Context,
    ) -> Result<(), PluginError> {
        memory.forget(now, self.longest.unwrap_or_default());
        self.sweeper.note(key).await;
        let state = cx.state::<Memory>();
        if memory.is_empty() {
            state.remove(key);
        } else {
            state.save(key, &memory)?;
        }
        Ok(())
    }

    /// The answers of several rules, each after the delay of its rule.
    fn reply(&self, answers: Vec<(&Rule, Vec<Draft>)>) -> Reply {
        let mut reply = Reply::new();
        for (rule, drafts) in answers {
            let mut delay = rule.delay;
            for draft in drafts {
                reply = reply.and_after(std::mem::take(&mut delay), draft);
            }
        }
        if self.shows_typing { reply.with_typing() } else { reply }
    }
}

#[cfg(test)]
mod tests;

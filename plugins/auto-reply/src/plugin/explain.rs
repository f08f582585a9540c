//! What the rules would do with a message, in words.

use easebot_model::{Event, Message};
use easebot_plugin::{BotInfo, Explanation, Plugin, Verdict};

use super::AutoReply;
use crate::{answer::describe, keys::Match, matcher::Hit, memory::Step, rule::Rule, said::Said};

impl AutoReply {
    pub(super) fn explanation(&self, event: &Event, bot: &BotInfo) -> Explanation {
        if let Some(reason) = self.interest().refuses(event, &bot.user) {
            return Explanation::leaves(reason);
        }
        let Some(message) = event.as_message() else {
            return Explanation::leaves("it wants messages only");
        };
        let place = &message.conversation;
        match self.step(message, bot) {
            Some(Step::TakesOver) => {
                let minutes = self.pause_minutes();
                return Explanation::leaves(format!(
                    "a person takes {place} over: the rules are silent there for {minutes} min"
                ));
            }
            Some(Step::GivesBack) => {
                return Explanation::leaves(format!("a person gives {place} back to the rules"));
            }
            None if message.from == bot.user => {
                return Explanation::leaves("the bot wrote it itself, on another device");
            }
            None => {}
        }
        self.explain_rules(message, bot)
    }

    fn explain_rules(&self, message: &Message, bot: &BotInfo) -> Explanation {
        let said = Said::new(message, bot, self.zone.as_ref());
        let takers = self.rules_for(message, bot);
        let number = |index: usize| format!("rule {}", index + 1);
        let names: Vec<String> = takers.iter().copied().map(number).collect();
        let mut explanation = match takers.as_slice() {
            [] => Explanation::leaves("no rule holds for it"),
            [_] => Explanation::takes(format!("{} holds for it", names.join(""))),
            _ => Explanation::takes(format!("{} hold for it", names.join(", "))),
        };
        for (index, rule) in self.rules.iter().enumerate() {
            let (verdict, reason) = match self.hit(index, rule, &said) {
                Err(reason) => (Verdict::Leaves, reason),
                Ok(hit) if takers.contains(&index) => {
                    explanation = self.says(explanation, rule, &hit, message, bot);
                    (Verdict::Takes, "it holds for the message".to_owned())
                }
                Ok(_) => (Verdict::Leaves, format!("{} is tried before it", names.join(", "))),
            };
            explanation = explanation.rule(number(index), verdict, reason);
        }
        if self.takeover.is_some() && !takers.is_empty() {
            let (place, minutes) = (&message.conversation, self.pause_minutes());
            explanation = explanation
                .depends_on(format!("no person has taken {place} over in the last {minutes} min"));
        }
        explanation
    }

    /// What rule number `index` finds in a message, or why it does not hold.
    fn hit<'m>(&self, index: usize, rule: &Rule, said: &Said<'m, '_>) -> Result<Hit<'m>, String> {
        if let Some(obstacle) = rule.conditions.obstacle(said) {
            return Err(obstacle.to_string());
        }
        match said.text() {
            None => Ok(Hit::without_text(index)),
            Some(text) => self.matcher.hit(index, text).map_err(str::to_owned),
        }
    }

    fn says(
        &self,
        mut explanation: Explanation,
        rule: &Rule,
        hit: &Hit<'_>,
        message: &Message,
        bot: &BotInfo,
    ) -> Explanation {
        match rule.drafts(hit, &self.templates, message, bot) {
            Ok(drafts) => {
                for draft in &drafts {
                    explanation = explanation.says(describe(draft));
                }
            }
            Err(error) => explanation = explanation.depends_on(format!("it fails: {error}")),
        }
        let number = hit.pattern + 1;
        if let Some(cooldown) = rule.cooldown {
            explanation = explanation.depends_on(format!(
                "rule {number} has not answered in {} in the last {} s{}",
                message.conversation,
                cooldown.as_secs(),
                if self.matching == Match::First {
                    ", or the next one that holds does"
                } else {
                    ""
                },
            ));
        }
        if let [_, _, ..] = rule.answers.as_slice() {
            explanation = explanation.depends_on(format!(
                "chance: rule {number} has {} answers, of which this message gets this one",
                rule.answers.len()
            ));
        }
        explanation
    }

    fn pause_minutes(&self) -> u64 {
        self.takeover.as_ref().map_or(0, |takeover| takeover.pause.as_secs() / 60)
    }
}

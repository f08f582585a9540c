//! What stands in the conversations of a test, so that people can change it, take it back and react to it.

use anyhow::{Context, Result};
use easebot_config::TestStep;
use easebot_model::{AppKey, Conversation, MessageId, UserId};
use easebot_plugin::BotInfo;
use easebot_testkit::parts::{Deed, Heard, shown};

/// A conversation with a bot.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    app_key: AppKey,
    bot: String,
    /// As the bot sees it.
    place: Conversation,
}

#[derive(Debug)]
struct Line {
    spot: Spot,
    /// None for a bot.
    by: Option<UserId>,
    id: MessageId,
    text: String,
}

/// Everything that was written and not taken back, in order.
#[derive(Debug, Default)]
pub(super) struct Board(Vec<Line>);

impl Spot {
    pub(super) fn of(step: &TestStep, bot: &BotInfo) -> Self {
        let (app_key, bot) = (bot.app_key.clone(), bot.name.clone());
        Self { app_key, bot, place: step.conversation() }
    }

    /// In a group all bots of an app are in the same place.
    fn is(&self, other: &Self) -> bool {
        let is_alone = matches!(self.place, Conversation::User(_));
        self.app_key == other.app_key
            && self.place == other.place
            && (!is_alone || self.bot == other.bot)
    }
}

impl Board {
    /// Somebody wrote something.
    pub(super) fn write(&mut self, spot: Spot, by: &UserId, id: MessageId, text: String) {
        self.0.push(Line { spot, by: Some(by.clone()), id, text });
    }

    /// Bots said something, changed it or took it back.
    pub(super) fn hear(&mut self, heard: &[Heard]) {
        for heard in heard {
            let (id, text) = (heard.message.id, shown(&heard.message.body));
            match heard.deed {
                Deed::Edited => self.change(id, &text),
                Deed::Recalled => self.remove(id),
                _ => {
                    let (app_key, bot) = (heard.app_key.clone(), heard.bot.clone());
                    let spot = Spot { app_key, bot, place: heard.place.clone() };
                    self.0.push(Line { spot, by: None, id, text });
                }
            }
        }
    }

    pub(super) fn change(&mut self, id: MessageId, text: &str) {
        for line in self.0.iter_mut().filter(|line| line.id == id) {
            text.clone_into(&mut line.text);
        }
    }

    pub(super) fn remove(&mut self, id: MessageId) {
        self.0.retain(|line| line.id != id);
    }

    /// What `by` wrote there last, with the text `of` if that is named.
    pub(super) fn own(&self, spot: &Spot, by: &UserId, of: Option<&str>) -> Result<MessageId> {
        let is_own = |line: &&Line| line.by.as_ref() == Some(by);
        let found = self.at(spot, of).find(is_own).map(|line| line.id);
        found.with_context(|| format!("there is no message {}of {by} here", named(of)))
    }

    /// What a bot said there last, or the last message of anybody with the text `of`.
    pub(super) fn any(&self, spot: &Spot, of: Option<&str>) -> Result<MessageId> {
        let is_it = |line: &&Line| of.is_some() || line.by.is_none();
        let found = self.at(spot, of).find(is_it).map(|line| line.id);
        let whose = if of.is_some() { "" } else { "of a bot " };
        found.with_context(|| format!("there is no message {}{whose}here", named(of)))
    }

    /// From the last one on.
    fn at(&self, spot: &Spot, of: Option<&str>) -> impl Iterator<Item = &Line> {
        self.0
            .iter()
            .rev()
            .filter(move |line| line.spot.is(spot) && of.is_none_or(|of| line.text == of))
    }
}

fn named(of: Option<&str>) -> String {
    of.map(|of| format!("`{of}` ")).unwrap_or_default()
}

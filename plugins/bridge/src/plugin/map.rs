//! Which message is a copy of which.

use std::time::Duration;

use easebot_model::{MessageId, Quote, Timestamp, UserId, chain};
use easebot_plugin::{BotInfo, Env, PluginError};
use tokio::time::sleep;
use tracing::debug;

use super::{Bridge, Side};
use crate::{
    place::{Original, Place},
    record::{MAP, Record, of_key, to_key},
};

/// How many saved values are read at once.
const PAGE: usize = 1_000;

/// How long it is waited for a copy that was said a moment ago: so long each time.
const QUICK: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(250), Duration::from_millis(1_000)];

/// From one side to another one.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) source: &'a Side,
    pub(super) target: &'a Side,
    pub(super) bots: &'a [BotInfo],
    pub(super) env: &'a Env,
}

impl Bridge {
    /// What the quoted message, which stands at the beginning of the way, is at its end, and who wrote it there. None if that is
    /// not known.
    ///
    /// Whoever is quick may quote a copy of which our bot has not learnt yet that it was sent, so that is waited for a little.
    pub(super) async fn counterpart(
        &self,
        quote: &Quote,
        way: Way<'_>,
    ) -> Option<(MessageId, UserId)> {
        for wait in QUICK {
            let found = self.counterpart_now(quote.message, way).await;
            let is_of_bot = way.bots.iter().any(|bot| {
                bot.name == way.source.place.bot && bot.user == UserId::new(&quote.sender)
            });
            if found.is_some() || !is_of_bot {
                return found;
            }
            sleep(wait).await;
        }
        self.counterpart_now(quote.message, way).await
    }

    async fn counterpart_now(
        &self,
        message: MessageId,
        Way { source, target, bots, env }: Way<'_>,
    ) -> Option<(MessageId, UserId)> {
        let user = |place: &Place| {
            bots.iter().find(|bot| bot.name == place.bot).map(|bot| bot.user.clone())
        };
        let original = match self.find(&of_key(&source.place, message), env).await {
            Some(Record::Of { original, .. }) => original,
            // It is an original itself, or nothing is known of it.
            _ => Original {
                place: source.place.clone(),
                message,
                from: user(&source.place).unwrap_or_default(),
            },
        };
        if original.place == target.place {
            return Some((original.message, original.from));
        }
        match self.find(&to_key(&original, &target.place), env).await {
            Some(Record::To { copy, .. }) => Some((copy, user(&target.place)?)),
            _ => None,
        }
    }

    /// What is saved under `key` by the bridge of any bot of the sides. Who said a copy knows of it.
    async fn find(&self, key: &str, env: &Env) -> Option<Record> {
        let own = env.bot().name.as_str();
        let mut asked = vec![own];
        asked.extend(self.sides.iter().map(|side| side.place.bot.as_str()));
        let mut seen = Vec::new();
        for bot in asked {
            if seen.contains(&bot) {
                continue;
            }
            seen.push(bot);
            match env.load_of::<Record>(bot, key).await {
                Ok(Some(record)) => return Some(record),
                Ok(None) => {}
                // A quote that is shown as text is better than none.
                Err(error) => debug!(%bot, reason = %chain(&error), "a copy cannot be looked up"),
            }
        }
        None
    }

    /// Forgets copies that are too old or too many.
    pub(super) async fn forget(&self, env: &Env) -> Result<(), PluginError> {
        let shelf = env.shelf::<Record>();
        let mut known: Vec<(Timestamp, String)> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = shelf.list(MAP, after.as_deref(), PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            let dated = page.into_iter().map(|(key, record)| (record.saved(), key));
            known.extend(dated.filter_map(|(saved, key)| saved.map(|saved| (saved, key))));
        }
        // Two values for each copy.
        let n_over = known.len().saturating_sub(self.keep_messages.saturating_mul(2));
        known.sort_unstable();
        let now = env.now();
        let is_old =
            |saved: Timestamp| Duration::from_millis(now.0.saturating_sub(saved.0)) > self.keep;
        let gone: Vec<(String, Option<Record>)> = known
            .into_iter()
            .enumerate()
            .take_while(|(index, (saved, _))| *index < n_over || is_old(*saved))
            .map(|(_, (_, key))| (key, None))
            .collect();
        let mut gone = gone.into_iter().peekable();
        while gone.peek().is_some() {
            shelf.change(gone.by_ref().take(PAGE)).await?;
        }
        Ok(())
    }
}

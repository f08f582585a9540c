//! The plugin itself.

mod role;

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use easebot_model::{BodyKind, Conversation, Edited, Message, Recalled};
use easebot_plugin::{At, BuildEnv, Configured, Context, PluginError, Problem, Problems};
use easebot_role::archive::{Fetcher, Fetching};

use crate::{
    error::WriteError,
    keys::{ArchiveKeys, Messages, SwitchKeys},
    record::Record,
    scope::Scope,
    writer::{Limits, Writer},
};

/// Keeps messages with everything in them.
#[derive(Debug)]
pub struct Archive {
    name: String,
    messages: Messages,
    conversations: Scope,
    except: Scope,
    switch: Option<SwitchKeys>,
    limits: Limits,
    fetcher: Fetcher,
    /// From start to stop.
    writer: RwLock<Option<Writer>>,
}

impl Archive {
    fn writer(&self) -> Result<Writer, WriteError> {
        let writer = self.writer.read().unwrap_or_else(PoisonError::into_inner).clone();
        writer.ok_or(WriteError::Closed)
    }

    async fn hear(&self, message: &Message, cx: &Context) -> Result<(), PluginError> {
        // What the bot itself says is no order to it.
        let order = if cx.is_said() { None } else { self.order(message) };
        if let Some((is_on, reply)) = order {
            let (place, user) = (message.conversation.to_string(), message.from.to_string());
            self.writer()?.switch(place, is_on, user, ms(cx.now().0)).await?;
            if !reply.is_empty() && !cx.is_onlooker() {
                cx.reply(reply).await?;
            }
            return Ok(());
        }
        if self.wants(message.body.kind()) && self.covers(message).await? {
            self.keep(message, cx).await?;
        }
        Ok(())
    }

    async fn keep(&self, message: &Message, cx: &Context) -> Result<(), PluginError> {
        let is_new = self.writer()?.keep(Record::of(message)?, ms(cx.now().0)).await?;
        if is_new && message.body.attachment().is_some() {
            self.fetcher.wake(cx.env().busy());
        }
        Ok(())
    }

    async fn edit(&self, edited: &Edited, cx: &Context) -> Result<(), PluginError> {
        let message = &edited.message;
        let (until, operator) = match &message.edited {
            Some(edit) => (edit.time, edit.operator.to_string()),
            None => (cx.now(), message.from.to_string()),
        };
        let is_known = self.writer()?.edit(Record::of(message)?, ms(until.0), operator).await?;
        // What it was before is not known, but what it is now is.
        if !is_known && self.wants(message.body.kind()) && self.covers(message).await? {
            self.keep(message, cx).await?;
        }
        Ok(())
    }

    async fn recall(&self, recalled: &Recalled, cx: &Context) -> Result<(), PluginError> {
        let (by, now) = (recalled.from.to_string(), ms(cx.now().0));
        self.writer()?.recall(recalled.message, by, now).await?;
        Ok(())
    }

    /// What a message switches the archive to, and the answer to it.
    fn order(&self, message: &Message) -> Option<(bool, &str)> {
        let switch = self.switch.as_ref()?;
        let said = message.body.as_text()?.trim().to_lowercase();
        let may = switch.by.is_empty() || switch.by.iter().any(|user| message.from == **user);
        let is_one = |words: &[At<String>]| words.iter().any(|word| word.to_lowercase() == said);
        match () {
            () if !may => None,
            () if is_one(&switch.on) => Some((true, &switch.on_reply)),
            () if is_one(&switch.off) => Some((false, &switch.off_reply)),
            () => None,
        }
    }

    fn wants(&self, body: BodyKind) -> bool {
        match self.messages {
            Messages::All => body != BodyKind::Cmd,
            Messages::Combine => body == BodyKind::Combine,
        }
    }

    async fn covers(&self, message: &Message) -> Result<bool, WriteError> {
        let place = &message.conversation;
        if self.switch.is_some()
            && let Some(is_on) = self.writer()?.switched(place.to_string()).await?
        {
            return Ok(is_on);
        }
        Ok(self.names(place))
    }

    fn names(&self, place: &Conversation) -> bool {
        self.conversations.covers(place) && !self.except.covers(place)
    }
}

fn ms(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

impl Configured for Archive {
    const KIND: &'static str = "archive";
    const ABOUT: &'static str = "Keeps combined messages, or all, with their media; `easebot archive` lists, searches and exports them.";
    type Config = ArchiveKeys;

    fn build(keys: ArchiveKeys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        let conversations = Scope::read(&keys.conversations, problems);
        let except = Scope::read(&keys.except, problems);
        if conversations.is_empty() && keys.switch.is_none() && keys.conversations.is_empty() {
            problems.push(
                Problem::error(None, "nothing is archived: `conversations` is empty")
                    .hint("name some, or let people switch it on with `switch`"),
            );
        }
        problems.within(&keys.max_file_bytes, 1..=2 << 30);
        problems.within(&keys.max_media_bytes, 1..=u64::MAX);
        problems.within(&keys.max_messages, 1..=100_000);
        problems.within(&keys.give_up_hours, 1..=8_760);
        if let Some(days) = &keys.keep_days {
            problems.within(days, 1..=36_500);
        }
        if *keys.max_file_bytes > *keys.max_media_bytes {
            let span = keys.max_media_bytes.span().or(keys.max_file_bytes.span());
            let message = "one file (`max_file_bytes`) may take more than all (`max_media_bytes`)";
            problems.push(Problem::error(span, message));
        }
        if let Some(switch) = &keys.switch {
            for word in switch.off.iter() {
                if switch.on.iter().any(|other| other.to_lowercase() == word.to_lowercase()) {
                    let message = "this switches the archive on already";
                    problems.push(Problem::error(word.span(), message));
                }
            }
        }
        let hours = |hours: u64| Duration::from_secs(hours.saturating_mul(60 * 60));
        let fetching = Fetching {
            leaves_files: (!keys.media).then_some("`media = false`: files are not fetched"),
            limit_bytes: *keys.max_file_bytes,
            give_up: hours(u64::from(*keys.give_up_hours)),
        };
        Some(Self {
            name: env.plugin.clone(),
            messages: keys.messages,
            conversations,
            except,
            switch: keys.switch,
            limits: Limits {
                media_bytes: *keys.max_media_bytes,
                n_messages: u64::from(*keys.max_messages),
                keep: keys.keep_days.map(|days| hours(24 * u64::from(*days))),
            },
            fetcher: Fetcher::new(fetching),
            writer: RwLock::new(None),
        })
    }
}

#[cfg(test)]
mod tests;

//! The plugin itself.

mod build;
mod desk;
mod late;
mod map;
mod relay;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use easebot_model::{
    BodyKind, Conversation, ConversationKind, Event, EventKind, Ext, Message, UserId,
};
use easebot_plugin::{
    BotInfo, Context, Env, Explanation, Flow, Interest, Language, Plugin, PluginError, RenderError,
    Templates, Values, Verdict,
};
use tokio::sync::{Mutex, mpsc};

use self::late::Late;
use crate::{content::words, filter::Filter, names::Names, place::Place, record::Job};

/// Says in some conversations what is said in others.
#[derive(Debug)]
pub struct Bridge {
    name: String,
    sides: Vec<Side>,
    /// One of them has to hold, if there are any.
    only: Vec<Filter>,
    /// None of them may hold.
    except: Vec<Filter>,
    templates: Templates,
    /// None: people are called by their user.
    names: Option<Names>,
    language: Language,
    shows_typing: bool,
    file_bytes: u64,
    keep: Duration,
    keep_messages: usize,
    /// For the work besides events; each job is saved before.
    jobs: mpsc::Sender<Queued>,
    queue: Mutex<mpsc::Receiver<Queued>>,
    /// A job did not find room there, or could not be done: it is only saved.
    has_missed: AtomicBool,
    late: Late,
}

/// One of the conversations that are joined.
#[derive(Debug)]
struct Side {
    place: Place,
    /// What templates call it.
    name: String,
    /// What is said here is said on the other sides.
    is_heard: bool,
    /// What is said on the other sides is said here.
    is_told: bool,
}

/// A job with the key that it is saved under.
#[derive(Debug)]
struct Queued {
    key: String,
    job: Job,
}

/// The key of `ext` that marks what a bridge said: no bridge says it once more. Its value is the id of the original.
pub(crate) const MARK: &str = "easebot_bridge";

/// The name of the one template.
const TEMPLATE: &str = "template";

/// How many jobs may wait in memory.
const N_QUEUED: usize = 1_024;

#[async_trait]
impl Plugin for Bridge {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        let kinds: Vec<ConversationKind> =
            self.heard().map(|side| side.place.conversation.kind()).collect();
        let interest = Interest::messages().and(EventKind::Edited).and(EventKind::Recalled);
        let interest = if self.shows_typing { interest.and(EventKind::Typing) } else { interest };
        interest.conversations(kinds).observing()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        match event {
            Event::Message(message) => self.relay(message, cx).await?,
            Event::Edited(edited) => self.relay_edit(edited, cx).await?,
            Event::Recalled(recalled) => self.relay_recall(recalled, cx).await?,
            Event::Typing(typing) => self.relay_typing(typing, cx),
            _ => {}
        }
        Ok(Flow::Continue)
    }

    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        self.work(env).await
    }

    fn explain(&self, event: &Event, bot: &BotInfo) -> Explanation {
        if let Some(reason) = self.interest().refuses(event, &bot.user) {
            return Explanation::leaves(reason);
        }
        let same = || Explanation::asked("it does the same to the copies of the message");
        let message = match event {
            Event::Message(message) => message,
            Event::Edited(edited) => &edited.message,
            _ => return same(),
        };
        let Some(source) = self.source(&message.conversation) else {
            return Explanation::leaves("no side of the bridge is this conversation");
        };
        if message.ext.get(MARK).is_some() {
            return Explanation::leaves("a bridge said it");
        }
        if let Some(reason) = self.refuses(message) {
            return Explanation::leaves(reason);
        }
        if event.as_message().is_none() {
            return same();
        }
        let explanation = Explanation::asked(format!("it is said in `{}`", source.name));
        let explanation = self.others(source).fold(explanation, |explanation, side| {
            explanation.rule(side.name.clone(), Verdict::Asked, format!("said as {}", side.place))
        });
        match self.render(
            message,
            message.from.as_str(),
            &words(&message.body, self.language),
            source,
            bot,
        ) {
            Ok(text) if text.trim().is_empty() => {
                Explanation::leaves("nothing comes out of its template")
            }
            Ok(text) => explanation.says(text),
            Err(error) => Explanation::leaves(error.to_string()),
        }
    }
}

impl Bridge {
    /// The sides that are heard, which are this bot's own.
    fn heard(&self) -> impl Iterator<Item = &Side> {
        self.sides.iter().filter(|side| side.is_heard)
    }

    /// The side that something in `conversation` is said on.
    fn source(&self, conversation: &Conversation) -> Option<&Side> {
        self.heard().find(|side| side.place.conversation == *conversation)
    }

    /// The sides on which it is said what is said on `source`.
    fn others<'a>(&'a self, source: &'a Side) -> impl Iterator<Item = &'a Side> {
        self.sides.iter().filter(|side| side.is_told && side.place != source.place)
    }

    /// The same, without those that are the same conversation, seen by another bot.
    fn targets<'a>(&'a self, source: &'a Side, bots: &[BotInfo]) -> Vec<&'a Side> {
        let app = |side: &Side| {
            bots.iter().find(|bot| bot.name == side.place.bot).map(|bot| bot.app_key.clone())
        };
        let here = app(source);
        let is_same = |side: &Side| {
            side.place.conversation == source.place.conversation
                && side.place.conversation.kind() != ConversationKind::User
                && app(side) == here
        };
        self.others(source).filter(|side| !is_same(side)).collect()
    }

    /// Why `message` is not relayed, in words.
    fn refuses(&self, message: &Message) -> Option<&'static str> {
        if message.body.kind() == BodyKind::Cmd {
            Some("cmd messages are not relayed")
        } else if !self.only.is_empty() && !self.only.iter().any(|filter| filter.holds(message)) {
            Some("no `only` holds for it")
        } else if self.except.iter().any(|filter| filter.holds(message)) {
            Some("an `except` holds for it")
        } else {
            None
        }
    }

    fn render(
        &self,
        message: &Message,
        name: &str,
        text: &str,
        source: &Side,
        bot: &BotInfo,
    ) -> Result<String, RenderError> {
        let values = Values::of(message, bot)
            .text("name", name)
            .text("text", text)
            .text("kind", message.body.kind().as_str())
            .text("side", &source.name);
        self.templates.render(TEMPLATE, &values)
    }

    /// Has `job`, which is saved under `key`, done besides events.
    fn hand_over(&self, key: String, job: Job) {
        if self.jobs.try_send(Queued { key, job }).is_err() {
            self.has_missed.store(true, Ordering::Relaxed);
        }
    }
}

/// Whether a bridge said it, or a bot of this runtime: to relay that could go on without end.
fn is_of_bots(from: &UserId, ext: &Ext, me: &BotInfo, bots: &[BotInfo]) -> bool {
    ext.get(MARK).is_some() || bots.iter().any(|bot| bot.user == *from && bot.app_key == me.app_key)
}

#[cfg(test)]
mod tests;

//! What the people of a test have heard.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use easebot_model::{AppKey, Conversation, Event, Message, UserId};
use easebot_plugin::{BotInfo, Context, Flow, Interest, Plugin, PluginError};
use tokio::sync::watch;

/// What a bot said, as one person heard it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Heard {
    /// The app of both.
    pub app_key: AppKey,
    /// Who heard it.
    pub by: UserId,
    /// The bot, by its name.
    pub bot: String,
    /// Where, as the bot sees it: one to one it is the person.
    pub place: Conversation,
    /// What.
    pub message: Message,
}

impl Heard {
    /// What the bot named `bot` said, as `by` heard it.
    #[must_use]
    pub fn new(by: &BotInfo, bot: String, message: Message) -> Self {
        let place = match &message.conversation {
            Conversation::User(_) => Conversation::User(by.user.clone()),
            other => other.clone(),
        };
        Self { app_key: by.app_key.clone(), by: by.user.clone(), bot, place, message }
    }
}

/// What all people of a test have heard of bots and not yet told. Cheap to clone.
///
/// Of what is older than 10,000 messages, and as many other events, the oldest is forgotten.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    /// Changes with each message.
    news: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    bots: Vec<BotInfo>,
    heard: VecDeque<Heard>,
    /// What else came, with who saw it.
    seen: VecDeque<(AppKey, UserId, Event)>,
}

/// How much is kept of either.
const MAX_KEPT: usize = 10_000;

impl Memory {
    /// One that knows whom people listen to.
    #[must_use]
    pub fn new(bots: Vec<BotInfo>) -> Self {
        let kept = Mutex::new(Kept { bots, ..Kept::default() });
        Self(Arc::new(Shared { kept, news: watch::Sender::new(0) }))
    }

    /// People listen to these bots from now on.
    pub fn listen_to(&self, bots: Vec<BotInfo>) {
        self.kept().bots = bots;
    }

    /// What was heard since the last time, in the order in which it was said, what several people heard only once.
    #[must_use = "it is forgotten here"]
    pub fn take(&self) -> Vec<Heard> {
        let mut heard = Vec::from(std::mem::take(&mut self.kept().heard));
        // The server counts its ids up.
        heard.sort_by_key(|heard| heard.message.id);
        heard.dedup_by(|a, b| a.message.id == b.message.id && a.bot == b.bot);
        heard
    }

    /// What `by` of `app` heard since the last time, in the order in which it was said.
    #[must_use = "it is forgotten here"]
    pub fn take_of(&self, app: &AppKey, by: &UserId) -> Vec<Heard> {
        let mut kept = self.kept();
        let all = std::mem::take(&mut kept.heard);
        let (mut theirs, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|heard| heard.by == *by && heard.app_key == *app);
        kept.heard = others.into();
        theirs.sort_by_key(|heard| heard.message.id);
        theirs
    }

    /// What [`take_of`](Self::take_of) would give, which stays.
    #[must_use]
    pub fn of(&self, app: &AppKey, by: &UserId) -> Vec<Heard> {
        let kept = self.kept();
        let theirs = kept.heard.iter().filter(|heard| heard.by == *by && heard.app_key == *app);
        let mut theirs: Vec<_> = theirs.cloned().collect();
        theirs.sort_by_key(|heard| heard.message.id);
        theirs
    }

    /// Forgets one message that somebody heard. False if it is not here.
    #[must_use = "it may have been taken meanwhile"]
    pub fn forget(&self, heard: &Heard) -> bool {
        let mut kept = self.kept();
        let at = kept.heard.iter().position(|kept| {
            kept.message.id == heard.message.id
                && kept.by == heard.by
                && kept.app_key == heard.app_key
        });
        at.and_then(|at| kept.heard.remove(at)).is_some()
    }

    /// The events besides messages that `by` of `app` saw since the last time, in the order in which they came.
    #[must_use = "they are forgotten here"]
    pub fn take_seen(&self, app: &AppKey, by: &UserId) -> Vec<Event> {
        let mut kept = self.kept();
        let all = std::mem::take(&mut kept.seen);
        let is_theirs = |(of, user, _): &(AppKey, UserId, Event)| user == by && of == app;
        let (theirs, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_theirs);
        kept.seen = others.into();
        theirs.into_iter().map(|(.., event)| event).collect()
    }

    /// Changes whenever something is heard.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<u64> {
        self.0.news.subscribe()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, event: &Event, me: &BotInfo) {
        let mut kept = self.kept();
        let Some(message) = event.as_message() else {
            kept.seen.push_back((me.app_key.clone(), me.user.clone(), event.clone()));
            if kept.seen.len() > MAX_KEPT {
                kept.seen.pop_front();
            }
            return;
        };
        let is_it = |bot: &&BotInfo| bot.user == message.from && bot.app_key == me.app_key;
        let Some(bot) = kept.bots.iter().find(is_it).map(|bot| bot.name.clone()) else { return };
        kept.heard.push_back(Heard::new(me, bot, message.clone()));
        if kept.heard.len() > MAX_KEPT {
            kept.heard.pop_front();
        }
        drop(kept);
        self.0.news.send_modify(|n| *n = n.wrapping_add(1));
    }
}

/// What a person listens with.
pub(super) struct Ear(pub(super) Memory);

#[async_trait]
impl Plugin for Ear {
    fn name(&self) -> &str {
        "ear"
    }

    fn interest(&self) -> Interest {
        Interest::all()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        self.0.note(event, cx.bot());
        Ok(Flow::Stop)
    }
}

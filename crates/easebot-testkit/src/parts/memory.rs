//! What the people of a test have heard.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use easebot_model::{AppKey, Conversation, Event, Message, MessageId, UserId};
use easebot_plugin::{BotInfo, Context, Flow, Interest, Plugin, PluginError};
use tokio::sync::watch;

/// What a bot did with a message.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Deed {
    /// It changed what it had said.
    Edited,
    /// It took back what it had said.
    Recalled,
    /// It said it.
    Said,
}

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
    /// What: after an edit as it is then, before a recall as it was.
    pub message: Message,
    /// What became of it.
    pub deed: Deed,
    /// Where it stands among all that people heard.
    order: u64,
}

impl Heard {
    /// What the bot named `bot` said, as `by` heard it.
    #[must_use]
    pub fn new(by: &BotInfo, bot: String, message: Message) -> Self {
        let place = match &message.conversation {
            Conversation::User(_) => Conversation::User(by.user.clone()),
            other => other.clone(),
        };
        let (app_key, by) = (by.app_key.clone(), by.user.clone());
        Self { app_key, by, bot, place, message, deed: Deed::Said, order: 0 }
    }

    /// The same, of what became of the message.
    #[must_use]
    pub fn with_deed(self, deed: Deed) -> Self {
        Self { deed, ..self }
    }

    /// What is the same however many people heard it.
    fn identity(&self) -> (AppKey, String, MessageId, Deed, u32) {
        let n_edits = self.message.edited.as_ref().map_or(0, |edited| edited.count);
        (self.app_key.clone(), self.bot.clone(), self.message.id, self.deed, n_edits)
    }
}

/// What all people of a test have heard of bots and not yet told. Cheap to clone.
///
/// Of more than 10,000 messages, and as many other events, the oldest is forgotten.
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
    /// What bots edited and took back.
    changed: VecDeque<Heard>,
    /// What bots said and did not take back, as it is now.
    known: VecDeque<Heard>,
    /// What else came, with who saw it.
    seen: VecDeque<(AppKey, UserId, Event)>,
    n_heard: u64,
}

/// How much is kept of each.
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

    /// What [`take`](Self::take) gives, together with what bots edited and took back since then: within a conversation in the order in
    /// which that was done.
    #[must_use = "it is forgotten here"]
    pub fn take_all(&self) -> Vec<Heard> {
        let mut kept = self.kept();
        let (heard, changed) = (std::mem::take(&mut kept.heard), std::mem::take(&mut kept.changed));
        let mut all: Vec<_> = heard.into_iter().chain(changed).collect();
        // To each of the people things come in their order, so the first of each is heard in that order, too.
        all.sort_by_key(|heard| heard.order);
        let mut known = HashSet::new();
        all.retain(|heard| known.insert(heard.identity()));
        all
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
            push(&mut kept.seen, (me.app_key.clone(), me.user.clone(), event.clone()));
            kept.note_change(event, me);
            return;
        };
        let Some(bot) = kept.bot(&message.from, me) else { return };
        let heard = kept.in_order(Heard::new(me, bot, message.clone()));
        push(&mut kept.known, heard.clone());
        push(&mut kept.heard, heard);
        drop(kept);
        self.0.news.send_modify(|n| *n = n.wrapping_add(1));
    }
}

impl Kept {
    /// The name of the bot that is this user of the app of `me`.
    fn bot(&self, user: &UserId, me: &BotInfo) -> Option<String> {
        let is_it = |bot: &&BotInfo| bot.user == *user && bot.app_key == me.app_key;
        self.bots.iter().find(is_it).map(|bot| bot.name.clone())
    }

    fn in_order(&mut self, heard: Heard) -> Heard {
        self.n_heard += 1;
        Heard { order: self.n_heard, ..heard }
    }

    /// What a bot edited or took back, as `me` sees it.
    fn note_change(&mut self, event: &Event, me: &BotInfo) {
        let (id, by) = match event {
            Event::Edited(edited) => (edited.message.id, &edited.message.from),
            Event::Recalled(recalled) => (recalled.message, &recalled.from),
            _ => return,
        };
        let Some(bot) = self.bot(by, me) else { return };
        let is_it = |known: &Heard| {
            (known.message.id, &known.by, &known.app_key) == (id, &me.user, &me.app_key)
                && known.bot == bot
        };
        let at = self.known.iter().position(is_it);
        let changed = match event {
            Event::Edited(edited) => {
                let heard = Heard::new(me, bot, edited.message.clone());
                if let Some(known) = at.and_then(|at| self.known.get_mut(at)) {
                    known.message = heard.message.clone();
                }
                heard.with_deed(Deed::Edited)
            }
            _ => {
                let Some(known) = at.and_then(|at| self.known.remove(at)) else { return };
                known.with_deed(Deed::Recalled)
            }
        };
        let changed = self.in_order(changed);
        push(&mut self.changed, changed);
    }
}

fn push<T>(list: &mut VecDeque<T>, item: T) {
    list.push_back(item);
    if list.len() > MAX_KEPT {
        list.pop_front();
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

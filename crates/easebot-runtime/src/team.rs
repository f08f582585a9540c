//! Own bots that share groups and chat rooms: a message there is answered by one of them, and seen by the observers of all.
//!
//! The first in the order of the runtime that is online, a member and interested has it; the others stand by and take it
//! when that one does not. What was taken is claimed in the store as well, so that nothing is handled twice, whatever is
//! known here at the moment.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use easebot_model::{
    AppKey, Conversation, ConversationKind, Event, GroupId, MessageId, Muc, MucChange, UserId,
};
use easebot_plugin::Interest;
use tokio::sync::Notify;

use crate::{
    BotStatus,
    bot::{BotSpec, PluginSpec},
};

/// How long after a message came a bot stands by for one that is before it and seems to be online. Longer than a message
/// needs to reach all members, shorter than a dead link is noticed.
pub(crate) const STAND_BY: Duration = Duration::from_secs(10);

/// How many of the last claims are known without asking the store.
const N_CLAIMS: usize = 4_096;

/// The teams of a runtime: its bots by app.
#[derive(Debug, Default)]
pub(crate) struct Teams(Mutex<HashMap<AppKey, Arc<Team>>>);

/// Bots of one app.
#[derive(Debug, Default)]
struct Team {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In the order in which they were added.
    mates: BTreeMap<MateId, Mate>,
    n_added: MateId,
    by_user: HashMap<UserId, MateId>,
    /// Who is known to be in a group or room.
    members: HashMap<Conversation, BTreeSet<MateId>>,
    claims: HashMap<MessageId, Holder>,
    claimed: VecDeque<MessageId>,
    /// Who stands by for what.
    waiting: HashMap<MessageId, Vec<MateId>>,
}

/// Grows from one that is added to the next.
type MateId = u64;

/// Who has taken a message.
#[derive(Debug)]
enum Holder {
    Mate(MateId),
    /// Somebody whom only the store knows, and none of these, who have asked it.
    NoneOf(Vec<MateId>),
}

#[derive(Debug)]
struct Mate {
    user: UserId,
    /// It takes part. One that does not is known all the same, because what it says is no question to the others.
    shares: bool,
    interests: Vec<Interest>,
    is_online: bool,
    has_ended: bool,
    /// The groups and rooms that it is known to be in.
    places: HashSet<Conversation>,
    /// Something that it stands by for was taken, or somebody before it has gone.
    news: Arc<Notify>,
}

/// The place of one bot in its team. It is left when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    team: Arc<Team>,
    id: MateId,
    user: UserId,
    shares: bool,
    news: Arc<Notify>,
}

/// Whom an event is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// This bot, if no other one has claimed it.
    First(MessageId),
    /// This bot, whatever the others do.
    Mine,
    /// Another one. Here only observers see it.
    NotMine,
    /// One before this bot, if it takes it.
    StandBy(MessageId),
}

/// The message that an event is about.
struct Subject<'a> {
    message: MessageId,
    conversation: &'a Conversation,
    /// Who wrote it, if that is known.
    author: Option<&'a UserId>,
    /// An event about a message goes to its author; a message goes to everybody else.
    is_for_author: bool,
    named: Vec<&'a str>,
}

impl Teams {
    /// A seat for `bot`, behind those that sit there.
    pub(crate) fn seat(&self, bot: &BotSpec) -> Seat {
        let mut teams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let team = Arc::clone(teams.entry(bot.account.app_key.clone()).or_default());
        drop(teams);
        let (user, shares) = (bot.account.user.clone(), bot.options.shares_groups);
        let news = Arc::new(Notify::new());
        let mut state = team.state();
        state.n_added += 1;
        let id = state.n_added;
        state.by_user.insert(user.clone(), id);
        let mate = Mate {
            user: user.clone(),
            shares,
            interests: interests(&bot.plugins),
            is_online: false,
            has_ended: false,
            places: HashSet::new(),
            news: Arc::clone(&news),
        };
        state.mates.insert(id, mate);
        drop(state);
        Seat { team, id, user, shares, news }
    }
}

impl Team {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn mate_of(&self, user: &UserId) -> Option<(MateId, &Mate)> {
        let id = *self.by_user.get(user)?;
        Some((id, self.mates.get(&id)?))
    }

    fn wake(&self, waiting: &[MateId]) {
        for mate in waiting.iter().filter_map(|id| self.mates.get(id)) {
            mate.news.notify_one();
        }
    }

    fn wake_all_that_wait(&self) {
        let waiting: BTreeSet<_> = self.waiting.values().flatten().copied().collect();
        self.wake(&Vec::from_iter(waiting));
    }

    /// The one with this id is in `place` from now on, as far as is known.
    fn enters(&mut self, id: MateId, place: &Conversation) {
        let Some(mate) = self.mates.get_mut(&id) else { return };
        if !mate.places.contains(place) {
            mate.places.insert(place.clone());
            self.members.entry(place.clone()).or_default().insert(id);
        }
    }

    /// The one with this id is not in those of its places any more for which `has_left` says so.
    fn leaves(&mut self, id: MateId, has_left: impl Fn(&Conversation) -> bool) {
        let Some(mate) = self.mates.get_mut(&id) else { return };
        for place in mate.places.extract_if(|place| has_left(place)) {
            if let Some(members) = self.members.get_mut(&place) {
                members.remove(&id);
                if members.is_empty() {
                    self.members.remove(&place);
                }
            }
        }
    }

    /// Those before the one with this id who have a say in `place`, in their order.
    fn before(&self, id: MateId, place: &Conversation) -> impl Iterator<Item = (MateId, &Mate)> {
        let ids = self.members.get(place).into_iter().flat_map(move |ids| ids.range(..id));
        ids.filter_map(|id| Some((*id, self.mates.get(id)?))).filter(|(_, mate)| mate.shares)
    }

    /// Notes who has `message`, and forgets the oldest such note.
    fn hold(&mut self, message: MessageId, holder: Holder) {
        if self.claims.insert(message, holder).is_none() {
            self.claimed.push_back(message);
            if self.claimed.len() > N_CLAIMS
                && let Some(oldest) = self.claimed.pop_front()
            {
                self.claims.remove(&oldest);
            }
        }
    }
}

impl Mate {
    /// Whether one of its plugins may answer `event`.
    fn wants(&self, event: &Event) -> bool {
        let mut answering = self.interests.iter().filter(|interest| interest.is_answering());
        answering.any(|interest| interest.wants(event, &self.user))
    }

    /// Whether it gets what names it in `place`, now or later. Whoever is named there is taken for a member: which groups it is
    /// in is known only once it is online, and what named it before that must not be answered by two.
    fn will_hear(&self, place: &Conversation) -> bool {
        !self.has_ended && (self.is_online || place.kind() == ConversationKind::Group)
    }
}

impl Seat {
    /// Whom `event` is for.
    pub(crate) fn judge(&self, event: &Event) -> Verdict {
        if !self.shares {
            return Verdict::Mine;
        }
        let Some(subject) = Subject::of(event) else { return Verdict::Mine };
        let Subject { message, conversation, author, is_for_author, named } = subject;
        let state = self.team.state();
        if state.mates.len() < 2 {
            return Verdict::Mine;
        }
        if let Some((id, author)) = author.and_then(|user| state.mate_of(user)) {
            // What an own bot says is no question to the others, or they would talk without end.
            let is_mine = id == self.id || (is_for_author && !author.shares);
            return if is_mine { Verdict::Mine } else { Verdict::NotMine };
        }
        let mut is_for_others = false;
        for name in named {
            let mate = state.mate_of(&UserId::new(name)).filter(|(_, mate)| mate.shares);
            let Some((id, mate)) = mate else { continue };
            if id == self.id {
                return Verdict::Mine;
            }
            is_for_others |= mate.will_hear(conversation) && mate.wants(event);
        }
        if is_for_others {
            return Verdict::NotMine;
        }
        let refused: &[MateId] = match state.claims.get(&message) {
            Some(Holder::Mate(id)) if *id == self.id => return Verdict::First(message),
            Some(Holder::Mate(_)) => return Verdict::NotMine,
            Some(Holder::NoneOf(ids)) if ids.contains(&self.id) => return Verdict::NotMine,
            Some(Holder::NoneOf(ids)) => ids,
            None => &[],
        };
        if !state.mates.get(&self.id).is_some_and(|me| me.wants(event)) {
            return Verdict::NotMine;
        }
        let mut before = state.before(self.id, conversation);
        if before.any(|(id, mate)| mate.is_online && !refused.contains(&id) && mate.wants(event)) {
            Verdict::StandBy(message)
        } else {
            Verdict::First(message)
        }
    }

    /// Whether somebody else may answer in its place.
    pub(crate) fn has_mates(&self) -> bool {
        self.shares && self.team.state().mates.values().filter(|mate| mate.shares).count() > 1
    }

    /// [`news`](Self::news) tells when `message` is taken, or somebody before this bot has gone.
    pub(crate) fn stand_by(&self, message: MessageId) {
        self.team.state().waiting.entry(message).or_default().push(self.id);
    }

    /// This bot does not stand by for `message` any more.
    pub(crate) fn give_up(&self, message: MessageId) {
        let mut state = self.team.state();
        if let Some(waiting) = state.waiting.get_mut(&message) {
            waiting.retain(|id| *id != self.id);
            if waiting.is_empty() {
                state.waiting.remove(&message);
            }
        }
    }

    /// Ends when something has changed for what this bot stands by for. Cancel-safe.
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    /// `message` is claimed in the store, by this bot.
    pub(crate) fn claimed(&self, message: MessageId) {
        let mut state = self.team.state();
        state.hold(message, Holder::Mate(self.id));
        let waiting = state.waiting.remove(&message).unwrap_or_default();
        state.wake(&waiting);
    }

    /// `message` is claimed in the store, by another account: one that is known here, or one that took it before a restart.
    pub(crate) fn refused(&self, message: MessageId) {
        let mut state = self.team.state();
        match state.claims.get_mut(&message) {
            Some(Holder::Mate(_)) => {}
            Some(Holder::NoneOf(ids)) => ids.push(self.id),
            None => state.hold(message, Holder::NoneOf(vec![self.id])),
        }
        // It may be theirs, so they need not wait for this bot.
        if let Some(waiting) = state.waiting.get(&message) {
            state.wake(waiting);
        }
    }

    /// This bot stands so from now on: while it is not online, the next one takes what is said.
    pub(crate) fn set_status(&self, status: &BotStatus) {
        let mut state = self.team.state();
        let Some(mate) = state.mates.get_mut(&self.id) else { return };
        mate.is_online = status.is_online();
        mate.has_ended = matches!(status, BotStatus::Ended { .. });
        if !mate.is_online {
            // Rooms put out who is not online.
            state.leaves(self.id, |place| place.kind() == ConversationKind::Room);
            state.wake_all_that_wait();
        }
    }

    /// This bot has these plugins from now on.
    pub(crate) fn set_plugins(&self, plugins: &[PluginSpec]) {
        let mut state = self.team.state();
        if let Some(mate) = state.mates.get_mut(&self.id) {
            mate.interests = interests(plugins);
            state.wake_all_that_wait();
        }
    }

    /// This bot is a member of these groups and of no other ones.
    pub(crate) fn set_groups(&self, groups: impl IntoIterator<Item = GroupId>) {
        let groups: HashSet<_> = groups.into_iter().map(Conversation::Group).collect();
        let mut state = self.team.state();
        state.leaves(self.id, |place| {
            place.kind() == ConversationKind::Group && !groups.contains(place)
        });
        groups.iter().for_each(|group| state.enters(self.id, group));
    }

    /// Learns from an event that reached this bot in which groups and rooms it is.
    pub(crate) fn observe(&self, event: &Event) {
        let (place, is_in) = match event {
            Event::Group(muc) | Event::Room(muc) => {
                let Some(is_in) = membership(muc, &self.user) else { return };
                (&muc.conversation, is_in)
            }
            Event::Message(message) => (&message.conversation, true),
            _ => return,
        };
        if place.kind() == ConversationKind::User {
            return;
        }
        let mut state = self.team.state();
        if is_in {
            state.enters(self.id, place);
        } else {
            state.leaves(self.id, |left| left == place);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.team.state();
        state.leaves(self.id, |_| true);
        state.mates.remove(&self.id);
        // Another one may log in as the same user by now.
        if state.by_user.get(&self.user) == Some(&self.id) {
            state.by_user.remove(&self.user);
        }
        state.wake_all_that_wait();
    }
}

fn interests(plugins: &[PluginSpec]) -> Vec<Interest> {
    plugins.iter().map(|spec| spec.plugin.interest()).collect()
}

/// Whether `me` is a member after this change. None: it says nothing of that.
fn membership(muc: &Muc, me: &UserId) -> Option<bool> {
    let is_about_me = muc.targets.contains(me) || (muc.targets.is_empty() && muc.operator == *me);
    match &muc.change {
        MucChange::DirectJoined | MucChange::ApplyAccepted | MucChange::Joined => Some(true),
        MucChange::MembersPresent if is_about_me => Some(true),
        MucChange::Destroyed | MucChange::Left | MucChange::Blocked => Some(false),
        MucChange::Kicked | MucChange::Banned if is_about_me || muc.targets.is_empty() => {
            Some(false)
        }
        MucChange::MembersAbsent if is_about_me => Some(false),
        _ => None,
    }
}

impl<'a> Subject<'a> {
    /// None for what each bot handles for itself: one-to-one conversations, changes of groups, receipts, the connection.
    fn of(event: &'a Event) -> Option<Self> {
        let about = |message, conversation, author| Self {
            message,
            conversation,
            author,
            is_for_author: false,
            named: Vec::new(),
        };
        let subject = match event {
            Event::Message(message) => Self {
                named: message.mentions(),
                ..about(message.id, &message.conversation, Some(&message.from))
            },
            Event::Edited(edited) => Self {
                named: edited.message.mentions(),
                ..about(edited.message.id, &edited.message.conversation, Some(&edited.message.from))
            },
            Event::Recalled(it) => about(it.message, &it.conversation, Some(&it.from)),
            Event::Stream(chunk) => about(chunk.message, &chunk.conversation, Some(&chunk.from)),
            Event::Reaction(it) => {
                Self { is_for_author: true, ..about(it.message, &it.conversation, Some(&it.from)) }
            }
            Event::Pin(it) => about(it.message, &it.conversation, None),
            _ => return None,
        };
        let is_shared = subject.message != MessageId(0)
            && subject.conversation.kind() != ConversationKind::User;
        is_shared.then_some(subject)
    }
}

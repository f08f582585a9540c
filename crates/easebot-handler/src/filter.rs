//! When a handler is asked.

use std::{
    fmt,
    ops::{BitAnd, BitOr, Not},
    sync::Arc,
};

use easebot_model::{BodyKind, Conversation, ConversationKind, Event, EventKind, Message, UserId};
use easebot_plugin::{BotInfo, Interest};

use crate::{
    Needs, Questions, States, Steps,
    dialogue::{Answers, Loaded},
};

type Test = dyn Fn(&Event, &BotInfo) -> bool + Send + Sync;

type SavedTest = dyn Fn(&Event, &BotInfo, &States) -> bool + Send + Sync;

/// Says of an event whether a handler is asked. Filters compose with `&`, `|` and `!`.
///
/// What this account wrote on another device is never asked about, unless a filter has [`own`].
///
/// ```
/// use easebot_handler::filter::{contains, from, in_groups, mentions_me};
///
/// let asked = in_groups() & (mentions_me() | contains("easebot")) & !from("news-bot");
/// ```
#[derive(Clone)]
pub struct Filter {
    interest: Interest,
    /// What can be told of the event alone.
    test: Option<Arc<Test>>,
    /// What else has to hold, and is told by what is saved.
    saved: Option<Saved>,
}

/// A test that needs something loaded.
#[derive(Clone)]
struct Saved {
    test: Arc<SavedTest>,
    needs: Vec<fn(&mut Needs)>,
}

impl Filter {
    /// Agrees to what `interest` wants.
    #[must_use]
    pub const fn of(interest: Interest) -> Self {
        Self { interest, test: None, saved: None }
    }

    /// A superset of what it agrees to, that can be told by kinds alone.
    #[must_use]
    pub const fn interest(&self) -> Interest {
        self.interest
    }

    /// Whether it agrees to `event`, as far as that can be told without what is saved: [`at`] may refuse it still.
    #[must_use]
    pub fn agrees(&self, event: &Event, bot: &BotInfo) -> bool {
        self.interest.wants(event, &bot.user)
            && self.test.as_ref().is_none_or(|test| test(event, bot))
    }

    /// Whether it agrees to an event to which [`agrees`](Self::agrees) says yes, now that what it [needs](Self::needs) is there.
    pub(crate) fn agrees_to_saved(&self, event: &Event, bot: &BotInfo, states: &States) -> bool {
        self.saved.as_ref().is_none_or(|saved| (saved.test)(event, bot, states))
    }

    fn agrees_wholly(&self, event: &Event, bot: &BotInfo, states: &States) -> bool {
        self.agrees(event, bot) && self.agrees_to_saved(event, bot, states)
    }

    /// Says what is to be loaded before it is asked.
    pub(crate) fn needs(&self, needs: &mut Needs) {
        for need in self.saved.iter().flat_map(|saved| &saved.needs) {
            need(needs);
        }
    }

    fn needed(&self) -> impl Iterator<Item = fn(&mut Needs)> {
        self.saved.iter().flat_map(|saved| saved.needs.iter().copied())
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").field("interest", &self.interest).finish_non_exhaustive()
    }
}

/// Both agree.
impl BitAnd for Filter {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        let interest = self.interest.intersection(other.interest);
        let test: Option<Arc<Test>> = match (self.test, other.test) {
            (Some(one), Some(other)) => {
                Some(Arc::new(move |event, bot| one(event, bot) && other(event, bot)))
            }
            (one, other) => one.or(other),
        };
        let saved = match (self.saved, other.saved) {
            (Some(one), Some(other)) => {
                let needs = one.needs.into_iter().chain(other.needs).collect();
                let (one, other) = (one.test, other.test);
                let test: Arc<SavedTest> = Arc::new(move |event, bot, states| {
                    one(event, bot, states) && other(event, bot, states)
                });
                Some(Saved { test, needs })
            }
            (one, other) => one.or(other),
        };
        Self { interest, test, saved }
    }
}

/// One of them agrees, or both do.
impl BitOr for Filter {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        let interest = self.interest.union(other.interest);
        let needs: Vec<_> = self.needed().chain(other.needed()).collect();
        let saved = (!needs.is_empty()).then(|| {
            let (one, other) = (self.clone(), other.clone());
            let test: Arc<SavedTest> = Arc::new(move |event, bot, states| {
                one.agrees_wholly(event, bot, states) || other.agrees_wholly(event, bot, states)
            });
            Saved { test, needs }
        });
        let test =
            move |event: &Event, bot: &BotInfo| self.agrees(event, bot) || other.agrees(event, bot);
        Self { interest, test: Some(Arc::new(test)), saved }
    }
}

/// It does not agree.
impl Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        let needs: Vec<_> = self.needed().collect();
        if !needs.is_empty() {
            let test: Arc<SavedTest> =
                Arc::new(move |event, bot, states| !self.agrees_wholly(event, bot, states));
            return Self { saved: Some(Saved { test, needs }), ..any() };
        }
        let test = move |event: &Event, bot: &BotInfo| !self.agrees(event, bot);
        Self { interest: Interest::all(), test: Some(Arc::new(test)), saved: None }
    }
}

/// Agrees to every event.
#[must_use]
pub const fn any() -> Filter {
    Filter::of(Interest::all())
}

/// A message of any kind.
#[must_use]
pub const fn messages() -> Filter {
    Filter::of(Interest::messages())
}

/// A text message.
#[must_use]
pub const fn texts() -> Filter {
    Filter::of(Interest::texts())
}

/// A message with a body of this kind.
#[must_use]
pub fn body(kind: BodyKind) -> Filter {
    Filter::of(Interest::messages().bodies([kind]))
}

/// An event of this kind.
#[must_use]
pub const fn event(kind: EventKind) -> Filter {
    Filter::of(Interest::none().and(kind))
}

/// Also what this account wrote on another device.
#[must_use]
pub const fn own() -> Filter {
    Filter::of(Interest::all().with_own())
}

/// In a conversation with one user.
#[must_use]
pub fn in_users() -> Filter {
    in_kind(ConversationKind::User)
}

/// In a group.
#[must_use]
pub fn in_groups() -> Filter {
    in_kind(ConversationKind::Group)
}

/// In a chat room.
#[must_use]
pub fn in_rooms() -> Filter {
    in_kind(ConversationKind::Room)
}

fn in_kind(kind: ConversationKind) -> Filter {
    let of_it = when(move |event, _| event.conversation().is_some_and(|one| one.kind() == kind));
    Filter { interest: Interest::all().conversations([kind]), ..of_it }
}

/// In this conversation.
#[must_use]
pub fn in_conversation(conversation: Conversation) -> Filter {
    in_kind(conversation.kind())
        & when(move |event, _| event.conversation().as_ref() == Some(&conversation))
}

/// A message that `user` wrote.
#[must_use]
pub fn from(user: impl Into<UserId>) -> Filter {
    let user = user.into();
    message(move |message| message.from == user)
}

/// A text that contains `part`.
#[must_use]
pub fn contains(part: impl Into<String>) -> Filter {
    let part = part.into();
    texts() & message(move |message| message.text().contains(&part))
}

/// A text that is `whole`; white space around it does not count.
#[must_use]
pub fn equals(whole: impl Into<String>) -> Filter {
    let whole = whole.into();
    texts() & message(move |message| message.text().trim() == whole)
}

/// A text that begins with `start`.
#[must_use]
pub fn starts_with(start: impl Into<String>) -> Filter {
    let start = start.into();
    texts() & message(move |message| message.text().starts_with(&start))
}

/// A message that names the bot with `@`.
#[must_use]
pub fn mentions_me() -> Filter {
    let named = |event: &Event, bot: &BotInfo| {
        event.as_message().is_some_and(|message| message.mentions().contains(&bot.user.as_str()))
    };
    messages() & when(named)
}

/// A message of which `test` is true.
#[must_use]
pub fn message(test: impl Fn(&Message) -> bool + Send + Sync + 'static) -> Filter {
    messages() & when(move |event, _| event.as_message().is_some_and(&test))
}

/// An event of which `test` is true. It is asked on the way to the handlers, so it must not wait.
#[must_use]
pub fn when(test: impl Fn(&Event, &BotInfo) -> bool + Send + Sync + 'static) -> Filter {
    Filter { interest: Interest::all(), test: Some(Arc::new(test)), saved: None }
}

/// A message of somebody whose [dialogue](crate::Dialogue) in this conversation is at a step of which `test` is true. Who has
/// none is at `S::default()`. [`at!`](crate::at) takes a pattern instead.
#[must_use]
pub fn at<S: Steps>(test: impl Fn(&S) -> bool + Send + Sync + 'static) -> Filter {
    saved::<S>(move |loaded| test(&loaded.step))
}

/// A message of somebody who has begun a [dialogue](crate::Dialogue) of the steps `S` in this conversation.
#[must_use]
pub fn in_dialogue<S: Steps>() -> Filter {
    saved::<S>(|loaded| loaded.is_open)
}

/// A text of somebody who is asked the [questions](crate::Ask) `Q` in this conversation.
#[must_use]
pub fn asked<Q: Questions>() -> Filter {
    texts() & in_dialogue::<Answers<Q>>()
}

fn saved<S: Steps>(test: impl Fn(&Loaded<S>) -> bool + Send + Sync + 'static) -> Filter {
    let test: Arc<SavedTest> =
        Arc::new(move |_, _, states| states.get::<Loaded<S>>().is_some_and(|it| test(&it)));
    Filter { saved: Some(Saved { test, needs: vec![Needs::dialogue::<S>] }), ..messages() }
}

#[cfg(test)]
mod tests;

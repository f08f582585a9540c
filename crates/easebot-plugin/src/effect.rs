//! What a handler asks for while it runs, and how it learns what became of it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use easebot_model::{Conversation, Event, Outgoing, Receipt};
use tokio::sync::SetOnce;

use crate::{Context, Env, SendError};

/// One thing that a handler asked for. The runtime commits it together with the event.
#[derive(Debug)]
pub enum Effect {
    /// Say something. Its key is (event, plugin, ordinal).
    Send {
        /// How many sends of this handler run came before it.
        ordinal: u32,
        /// What.
        outgoing: Outgoing,
        /// How urgent it is.
        urgency: Urgency,
        /// Told what became of it.
        update: TicketUpdate,
    },
    /// Save or remove a value of the plugin's state.
    State {
        /// Under which key.
        key: String,
        /// New value; none removes it.
        value: Option<Vec<u8>>,
    },
}

/// How urgent something to say is.
///
/// Order is kept within a conversation and urgency. An answer leaves before bulk, in its own conversation and before that
/// of others, but not for ever: behind eight answers that overtook it, bulk has a turn.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Urgency {
    /// A person waits for it.
    #[default]
    Answer,
    /// It may wait: broadcasts, reports, what a bridge carries over.
    Bulk,
}

/// An event for one plugin, and what the plugin has asked for about it so far. Cheap to clone: clones share it.
#[derive(Clone)]
pub struct Effects(Arc<Matter>);

/// What there is to do about an event.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Part {
    /// It is the bot's own matter.
    #[default]
    Answer,
    /// The bot said it: it is for those who [listen to that](crate::Interest::with_said).
    Listen,
    /// Another bot answers: it is for [observers](crate::Interest::observing).
    LookOn,
}

/// What contexts and effects share: one piece of memory for each event of a plugin.
pub(crate) struct Matter {
    pub(crate) env: Env,
    pub(crate) conversation: Option<Conversation>,
    /// The conversation is a message thread.
    pub(crate) is_thread: bool,
    pub(crate) kind: &'static str,
    pub(crate) part: Part,
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    queued: Vec<Effect>,
    n_sends: u32,
    /// The try that is under way; what an earlier one still asks for is refused.
    attempt: u32,
    /// What of the plugin is at work.
    part: Option<Arc<str>>,
}

impl Effects {
    /// How many things one handler run may send.
    pub const MAX_SENDS: usize = 1_000;

    /// For a runtime: `event`, of which the plugin that `env` is of has this `part`.
    #[must_use]
    pub fn new(env: Env, event: &Event, part: Part) -> Self {
        Self(Arc::new(Matter {
            env,
            conversation: event.conversation(),
            is_thread: event.as_message().is_some_and(|message| message.thread.is_some()),
            kind: event.kind().as_str(),
            part,
            list: Mutex::default(),
        }))
    }

    pub(crate) fn matter(&self) -> &Matter {
        &self.0
    }

    /// For a runtime: the context of the first try.
    #[must_use]
    pub fn first_try(&self) -> Context {
        Context::new(self.clone(), 0)
    }

    /// Takes out what was asked for since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Effect> {
        std::mem::take(&mut self.lock().queued)
    }

    /// Takes out what is to be said since the last call, and leaves what is to be remembered.
    #[must_use]
    pub fn take_sends(&self) -> Vec<Effect> {
        self.lock().queued.extract_if(.., |effect| matches!(effect, Effect::Send { .. })).collect()
    }

    /// Whether something is to be said.
    #[must_use]
    pub fn has_sends(&self) -> bool {
        self.lock().queued.iter().any(|effect| matches!(effect, Effect::Send { .. }))
    }

    /// What of the plugin is at work in the try that is under way, as it says itself with
    /// [`Context::enter`](crate::Context::enter).
    #[must_use]
    pub fn part(&self) -> Option<Arc<str>> {
        self.lock().part.clone()
    }

    pub(crate) fn enter(&self, attempt: u32, part: Arc<str>) {
        let mut list = self.lock();
        if list.attempt == attempt {
            list.part = Some(part);
        }
    }

    /// For a runtime: the context of another try. What was asked for and not taken yet is dropped, what is left of earlier tries
    /// is not heard any more, and sends are counted from 0, so that the try says the same things under the same keys.
    #[must_use]
    pub fn next_try(&self) -> Context {
        let mut list = self.lock();
        let attempt = list.attempt.wrapping_add(1);
        *list = List { attempt, ..List::default() };
        Context::new(self.clone(), attempt)
    }

    /// Queues `parts`, which belong together, or none of them.
    pub(crate) fn send(
        &self,
        attempt: u32,
        parts: impl IntoIterator<Item = Outgoing, IntoIter: ExactSizeIterator>,
        urgency: Urgency,
    ) -> Result<Ticket, SendError> {
        let parts = parts.into_iter();
        let mut list = self.lock();
        if list.attempt != attempt {
            return Err(SendError::Closed);
        }
        if (list.n_sends as usize).saturating_add(parts.len()) > Self::MAX_SENDS {
            return Err(SendError::TooMany { limit: Self::MAX_SENDS });
        }
        let mut tickets = Ticket::default();
        if list.queued.is_empty() {
            list.queued.reserve_exact(parts.len());
        }
        for outgoing in parts {
            let ordinal = list.n_sends;
            list.n_sends += 1;
            let (update, ticket) = ticket();
            list.queued.push(Effect::Send { ordinal, outgoing, urgency, update });
            tickets = tickets.and(ticket);
        }
        Ok(tickets)
    }

    pub(crate) fn save(&self, attempt: u32, key: String, value: Option<Vec<u8>>) {
        let mut list = self.lock();
        if list.attempt == attempt {
            list.queued.push(Effect::State { key, value });
        }
    }

    /// The last value written for `key` in this run and not yet committed.
    pub(crate) fn unsaved(&self, key: &str) -> Option<Option<Vec<u8>>> {
        self.lock().queued.iter().rev().find_map(|effect| match effect {
            Effect::State { key: name, value } if name == key => Some(value.clone()),
            _ => None,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, List> {
        // The list is consistent between any two statements above, so a panic elsewhere does not spoil it.
        self.0.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effects").field("n_queued", &self.lock().queued.len()).finish()
    }
}

/// A promise to tell what became of something that was queued, be it sent in several parts.
#[derive(Debug, Default)]
pub struct Ticket {
    /// Nearly always the only one, which takes no list.
    first: Option<Arc<Promise>>,
    others: Vec<Arc<Promise>>,
}

/// What is told of one message of a [`Ticket`].
#[derive(Debug, Default)]
struct Promise {
    answer: SetOnce<Result<Receipt, SendError>>,
    /// The row of the store that it is, once it is saved.
    row: SetOnce<i64>,
}

/// The other end of a [`Ticket`]. Dropped before it is settled, it settles as closed.
#[derive(Debug)]
pub struct TicketUpdate(Arc<Promise>);

/// A ticket and its other end.
#[must_use]
pub fn ticket() -> (TicketUpdate, Ticket) {
    let promise = Arc::<Promise>::default();
    let ticket = Ticket { first: Some(Arc::clone(&promise)), others: Vec::new() };
    (TicketUpdate(promise), ticket)
}

impl Ticket {
    /// One ticket for this and what is said `behind` it.
    #[must_use]
    pub fn and(mut self, behind: Self) -> Self {
        if self.first.is_none() {
            return behind;
        }
        self.others.extend(behind.first);
        self.others.extend(behind.others);
        self
    }

    fn parts(&self) -> impl Iterator<Item = &Promise> {
        self.first.iter().chain(&self.others).map(|promise| &**promise)
    }

    /// Waits until the server has answered. Of several parts it is the answer to the last one, or the first failure.
    ///
    /// Dropping a ticket does not take the message back. Cancel-safe.
    ///
    /// # Errors
    /// [`SendError::Refused`] if it cannot be sent for good, [`SendError::InDoubt`] if nobody knows whether it was and the
    /// bot does not repeat such sends, [`SendError::Closed`] if the bot stops before.
    pub async fn receipt(self) -> Result<Receipt, SendError> {
        let mut last = Err(SendError::Closed);
        for part in self.parts() {
            last = Ok(part.answer.wait().await.clone()?);
        }
        last
    }
}

impl Ticket {
    /// For a runtime: the rows that the parts are saved as. Waits until they are. Those that were never saved are left out.
    pub async fn rows(self) -> Vec<i64> {
        let mut rows = Vec::with_capacity(self.n_parts());
        for Promise { answer, row } in self.parts() {
            tokio::select! {
                biased;
                row = row.wait() => rows.push(*row),
                // It was given up before it was saved.
                _ = answer.wait() => {}
            }
        }
        rows
    }

    /// Of how many messages it is.
    #[must_use]
    pub fn n_parts(&self) -> usize {
        self.parts().count()
    }
}

/// What is to be taken back.
#[derive(Debug)]
pub enum TakeBack {
    /// What was said under this key, in all of its parts.
    Key(String),
    /// What this ticket is about.
    Ticket(Ticket),
}

impl From<&str> for TakeBack {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for TakeBack {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<Ticket> for TakeBack {
    fn from(ticket: Ticket) -> Self {
        Self::Ticket(ticket)
    }
}

/// What became of something that was to be taken back, counted in messages.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct TakenBack {
    /// So many were not sent yet, and are not sent any more.
    pub n_cancelled: usize,
    /// So many had been sent, and were recalled from those who got them.
    pub n_recalled: usize,
}

impl TakenBack {
    /// For a runtime: so many of each.
    #[must_use]
    pub const fn new(n_cancelled: usize, n_recalled: usize) -> Self {
        Self { n_cancelled, n_recalled }
    }
}

impl TicketUpdate {
    /// For a runtime: it is saved as this row.
    pub fn saved_as(&self, row: i64) {
        if self.is_awaited() {
            // The row of a thing does not change.
            drop(self.0.row.set(row));
        }
    }

    /// Whether somebody still holds the ticket.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Tells the ticket's holder, if there still is one.
    pub fn settle(self, result: Result<Receipt, SendError>) {
        self.tell(result);
    }

    fn tell(&self, result: Result<Receipt, SendError>) {
        // A handler that does not care has dropped its ticket.
        if self.is_awaited() {
            // Settled once, it stays so.
            drop(self.0.answer.set(result));
        }
    }
}

impl Drop for TicketUpdate {
    fn drop(&mut self) {
        self.tell(Err(SendError::Closed));
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use easebot_model::{ClientMessageId, Conversation, MessageId, Timestamp};

    use super::*;
    use crate::{Flow, Interest, Plugin, PluginError, testing::Bench};

    fn effects() -> Effects {
        let bench = Bench::new();
        let env = bench.env(&Idle).unwrap();
        Effects::new(env, &Event::OfflineSyncStarted, Part::Answer)
    }

    struct Idle;

    #[async_trait]
    impl Plugin for Idle {
        fn name(&self) -> &str {
            "idle"
        }

        fn interest(&self) -> Interest {
            Interest::none()
        }

        async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
            Ok(Flow::Continue)
        }
    }

    fn say(cx: &Context, text: &str) -> Result<Ticket, SendError> {
        cx.say(Outgoing::text(Conversation::user("bob"), text), Urgency::Answer)
    }

    #[test]
    fn a_new_try_counts_from_the_first_send_and_forgets_what_was_not_taken() {
        let effects = effects();
        let first = effects.first_try();
        let _said = say(&first, "one").unwrap();
        assert_eq!(effects.take().len(), 1);
        let _dropped = say(&first, "two").unwrap();
        first.save("n", None);
        let second = effects.next_try();
        assert!(effects.take().is_empty());
        let _again = say(&second, "one").unwrap();
        let taken = effects.take();
        assert!(matches!(taken[..], [Effect::Send { ordinal: 0, .. }]), "{taken:?}");
    }

    #[tokio::test]
    async fn a_ticket_is_settled_once_and_closed_if_nobody_settles_it() {
        let receipt = |id| Receipt {
            client_id: ClientMessageId(id),
            message: MessageId(id),
            time: Timestamp(1),
            priority: None,
            replaced: None,
            edited: None,
            note: None,
            room: None,
        };
        let ((first, one), (second, two)) = (ticket(), ticket());
        let both = one.and(two);
        assert_eq!((both.n_parts(), Ticket::default().n_parts()), (2, 0));
        assert!(first.is_awaited());
        first.settle(Ok(receipt(1)));
        second.settle(Ok(receipt(2)));
        assert_eq!(both.receipt().await.unwrap().message, MessageId(2), "that of the last part");

        let ((first, one), (second, two)) = (ticket(), ticket());
        first.saved_as(7);
        drop(first);
        second.settle(Err(SendError::NotSaved));
        assert_eq!(one.and(two).rows().await, [7], "only what was saved has a row");

        let (update, unsettled) = ticket();
        drop(update);
        assert_eq!(unsettled.receipt().await, Err(SendError::Closed));
        let (update, ticket) = ticket();
        drop(ticket);
        assert!(!update.is_awaited());
    }

    #[test]
    fn what_is_left_of_an_earlier_try_is_not_heard() {
        let effects = effects();
        let first = effects.first_try();
        first.enter("first");
        let second = effects.next_try();
        assert_eq!(say(&first, "late").unwrap_err(), SendError::Closed);
        first.save("n", None);
        first.enter("late");
        assert!(effects.take().is_empty());
        assert_eq!(effects.part(), None);
        second.enter("second");
        assert_eq!(effects.part().as_deref(), Some("second"));
    }

    #[test]
    fn one_run_sends_a_thousand_things_and_nothing_of_what_would_be_more() {
        let effects = effects();
        let texts = |n: usize| vec![Outgoing::text(Conversation::user("alice"), "x"); n];
        effects.send(0, texts(999), Urgency::Answer).unwrap();
        let error = effects.send(0, texts(2), Urgency::Answer).unwrap_err();
        assert_eq!(error.to_string(), "one handler may send 1000 things for one event");
        effects.send(0, texts(1), Urgency::Answer).unwrap();
        assert_eq!(effects.take().len(), 1_000);
        assert!(
            effects.send(0, texts(1), Urgency::Answer).is_err(),
            "what was taken counts as well"
        );
    }
}

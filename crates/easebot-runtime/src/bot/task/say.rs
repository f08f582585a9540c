//! What is said: from what a plugin asks for, over the commit, to the link.

use std::sync::Arc;

use easebot_client::{Now, delivery_receipt};
use easebot_model::{
    Act, ClientMessageId, Conversation, Event, EventKey, MessageId, Outgoing, Receipt, Timestamp,
};
use easebot_plugin::{Effect, SendError, TicketUpdate, Urgency};
use easebot_store::{Answer, Effects, NewOutgoing, OutgoingState, Priority, Queued, StateWrite};
use tokio::{sync::oneshot, time::Instant};
use tracing::{Instrument, debug, warn};

use super::Task;
use crate::{
    bot::{
        host::unix_now,
        outbox::{Row, Words},
    },
    spans,
};

/// The part of something to say that is not saved.
pub(super) struct Local {
    pub(super) client_id: ClientMessageId,
    pub(super) words: Arc<Words>,
    pub(super) urgency: Urgency,
    pub(super) update: TicketUpdate,
    /// Length of what is saved; 0 until it was written down.
    pub(super) n_bytes: usize,
    /// Told that it is saved.
    pub(super) saved: Option<oneshot::Sender<Result<(), SendError>>>,
}

impl Task {
    /// Splits what plugins asked for into what is saved, which it gives, and what stays with us, which goes to `says`.
    pub(super) fn effects(
        &mut self,
        asked: impl IntoIterator<Item = (Arc<str>, Vec<Effect>)>,
        says: &mut Vec<Local>,
    ) -> Effects {
        let mut effects = Effects::default();
        for (plugin, asked) in asked {
            if effects.answers.is_empty() {
                effects.answers.reserve_exact(asked.len());
            }
            for effect in asked {
                match effect {
                    Effect::Send { ordinal, outgoing, urgency, update } => {
                        let client_id = self.ids.next(self.taken_at);
                        let mut local = Local {
                            client_id,
                            words: Words::new(outgoing),
                            urgency,
                            update,
                            n_bytes: 0,
                            saved: None,
                        };
                        match stored(&mut local) {
                            Some(outgoing) => {
                                effects.answers.push(Answer {
                                    plugin: Arc::clone(&plugin),
                                    ordinal,
                                    outgoing,
                                    is_followed: local.update.is_awaited(),
                                });
                                says.push(local);
                            }
                            None => local.refuse(),
                        }
                    }
                    Effect::State { key, value } => {
                        effects.state.push(StateWrite {
                            namespace: Arc::clone(&plugin),
                            key,
                            value,
                        });
                    }
                }
            }
        }
        effects
    }

    pub(super) fn queue_all(
        &mut self,
        says: impl IntoIterator<Item = Local>,
        answers: Vec<Queued>,
    ) {
        for (local, queued) in says.into_iter().zip(answers) {
            self.queue(local, queued);
        }
    }

    pub(super) fn queue(&mut self, local: Local, queued: Queued) {
        let Local { client_id, words, urgency, update, n_bytes, saved } = local;
        match queued {
            Queued::New { row } => {
                update.saved_as(row.0);
                let mut row = Row::new(row, client_id, words, urgency, n_bytes);
                if update.is_awaited() {
                    row.updates.push(update);
                }
                self.outbox.push(row);
            }
            Queued::Known { row, client_id, state: OutgoingState::Sent { message } } => {
                update.saved_as(row.0);
                let (time, note) = (Timestamp::default(), None);
                update.settle(Ok(Receipt {
                    client_id,
                    message,
                    time,
                    priority: words.priority(),
                    replaced: None,
                    edited: None,
                    note,
                    room: None,
                }));
            }
            Queued::Known { row, state: OutgoingState::Waiting, .. } => {
                update.saved_as(row.0);
                self.outbox.follow(&words.to, row, update);
            }
            Queued::Known { state: OutgoingState::Dead | OutgoingState::Dropped, .. }
            | Queued::Late => {
                let reason = "it was given up before".to_owned();
                update.settle(Err(SendError::Refused { reason }));
            }
        }
        if let Some(saved) = saved {
            // Who is told so and then asks how much there is to do has to see it.
            self.count_work();
            // Whoever sends may have gone away meanwhile.
            drop(saved.send(Ok(())));
        }
    }

    /// Lets leave what can leave: typing indicators first, then receipts, then what is in the outbox.
    pub(super) fn say(&mut self) {
        let now = clocks();
        for to in self.host.take_typing() {
            if self.client.is_online() && self.typing.allows(&to, Instant::from_std(now.at)) {
                self.send_unsaved(&Outgoing::typing(to));
            }
        }
        for receipt in std::mem::take(&mut self.round.receipts) {
            self.send_unsaved(&receipt);
        }
        for outcome in self.outbox.pump(&mut self.client, now) {
            self.settled(outcome);
        }
        for delivery in self.outbox.take_to_mark() {
            self.round.deliver(delivery);
        }
        for (id, outgoing) in self.outbox.take_to_attach() {
            let span = spans::upload(&outgoing.to, id);
            self.uploads.spawn(Arc::clone(&self.attachments).attach(id, outgoing).instrument(span));
        }
    }

    fn send_unsaved(&mut self, outgoing: &Outgoing) {
        let id = self.ids.next(unix_now());
        if let Err(error) = self.client.send(id, outgoing) {
            debug!(bot = %self.shared.name, %error, "a typing indicator or receipt was not sent");
        }
    }

    pub(super) fn owe_delivery_receipt(&mut self, key: EventKey, event: &Event) {
        if self.options.delivery_receipts {
            self.round.receipts.extend(delivery_receipt(key, event, self.client.me()));
        }
    }

    pub(super) fn owe_read_receipt(&mut self, event: &Event) {
        if let Event::Message(message) = event
            && self.options.read_receipts
            && matches!(message.conversation, Conversation::User(_))
            && message.from != self.client.me().user
            && message.id != MessageId(0)
        {
            let act = Act::MarkRead { message: message.id, content: None };
            self.round.receipts.push(Outgoing { to: message.conversation.clone(), act });
        }
    }
}

impl Local {
    /// It has no form in which it could be saved.
    pub(super) fn refuse(self) {
        let error = SendError::Refused { reason: "it cannot be written as JSON".to_owned() };
        warn!("something to say cannot be written as JSON");
        if let Some(saved) = self.saved {
            drop(saved.send(Err(error.clone())));
        }
        self.update.settle(Err(error));
    }
}

/// What both clocks show.
pub(super) fn clocks() -> Now {
    Now { at: Instant::now().into_std(), unix: unix_now() }
}

/// `local` as it is saved.
pub(super) fn stored(local: &mut Local) -> Option<NewOutgoing> {
    let payload = local.words.payload()?;
    local.n_bytes = payload.n_bytes();
    Some(NewOutgoing {
        conversation: local.words.to.clone(),
        client_id: local.client_id,
        priority: match local.urgency {
            Urgency::Answer => Priority::Answer,
            Urgency::Bulk => Priority::Bulk,
        },
        payload,
    })
}

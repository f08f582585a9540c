//! What was said is asked for or taken back.

use easebot_plugin::ticket;
use easebot_store::{Fate, ItemId, OutgoingState, SendName, StoreError};
use tokio::sync::oneshot;

use super::Task;
use crate::bot::Taken;

/// Something that is asked for or to be taken back.
pub(super) struct Cancel {
    pub(super) of: Vec<SendName>,
    /// What waits is said all the same.
    pub(super) only_looks: bool,
    pub(super) done: oneshot::Sender<Vec<Taken>>,
}

impl Task {
    /// Takes back what is not sent. All that became of rows has to be written before that.
    pub(super) async fn cancel_asked(&mut self) -> Result<(), StoreError> {
        for Cancel { of, only_looks, done } in std::mem::take(&mut self.cancels) {
            let mut taken = Vec::new();
            for name in of {
                for fate in self.shared.store.fates(&self.shared.account, name).await? {
                    taken.push(self.cancel(fate, only_looks).await?);
                }
            }
            // Whoever asked may have gone away meanwhile.
            drop(done.send(taken));
        }
        Ok(())
    }

    async fn cancel(&mut self, fate: Fate, only_looks: bool) -> Result<Taken, StoreError> {
        let Fate { row, conversation: to, state } = fate;
        match state {
            OutgoingState::Dead if only_looks => Ok(Taken::Gone),
            OutgoingState::Dead => {
                self.shared.store.drop_dead(ItemId::Outgoing(row)).await?;
                Ok(Taken::Cancelled)
            }
            OutgoingState::Dropped => Ok(Taken::Gone),
            OutgoingState::Sent { message } => Ok(Taken::Sent { to, message }),
            OutgoingState::Waiting if only_looks || self.outbox.may_have_left(&to, row) => {
                let (update, ticket) = ticket();
                self.outbox.follow(&to, row, update);
                Ok(Taken::OnItsWay { to, ticket })
            }
            OutgoingState::Waiting => {
                self.shared.store.drop_waiting(row).await?;
                self.outbox.cancel(&to, row);
                Ok(Taken::Cancelled)
            }
        }
    }
}

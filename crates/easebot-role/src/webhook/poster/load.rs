//! What stands on the shelf when the work begins, and what is put there for it meanwhile.

use std::time::Duration;

use easebot_plugin::{Env, StateError};
use serde_json::Value;
use tokio::time::Instant;
use tracing::warn;

use super::Poster;
use crate::webhook::{Delivery, queue::Queue, shelf};

const PAGE: usize = 200;

impl Poster {
    /// Everything that waits.
    pub(super) async fn load(&self, env: &Env) -> Result<Queue, StateError> {
        let mut queue = Queue::default();
        for_each(env, shelf::QUEUE, |_, delivery| self.enqueue(env, &mut queue, delivery)).await?;
        Ok(queue)
    }

    /// Puts an event that is saved into its place.
    pub(super) fn enqueue(&self, env: &Env, queue: &mut Queue, delivery: Delivery) -> bool {
        let wait = Duration::from_millis(delivery.due.0.saturating_sub(env.now().0));
        let holds = wait <= self.posting.hold;
        let Delivery { id, seq, conversation, .. } = delivery;
        queue.push(seq, id, conversation, Instant::now() + wait, holds)
    }

    /// Takes up what an operator, or an earlier self of this plugin, has laid out, as far as there is room: as new events.
    pub(super) async fn take_up(&self, env: &Env, queue: &mut Queue) -> Result<usize, StateError> {
        let (again, room) = (env.shelf::<Value>(), self.posting.queue.saturating_sub(queue.len()));
        let mut n_taken = 0;
        for (key, value) in again.list(shelf::AGAIN, None, PAGE.min(room)).await? {
            let Some(delivery) = read(env, &key, value) else {
                again.remove(&key).await?;
                continue;
            };
            let delivery = Delivery { seq: self.next_seq(env.now()), ..delivery.as_new() };
            let place = shelf::queue(&delivery.id);
            let changes = vec![(key, None), (place, Some(delivery.clone()))];
            env.shelf().change(changes).await?;
            n_taken += usize::from(self.enqueue(env, queue, delivery));
        }
        Ok(n_taken)
    }
}

/// Lays out an event that waits, for whoever posts now.
pub(super) async fn hand_over(env: &Env, id: &str) -> Result<(), StateError> {
    let (shelf, place) = (env.shelf::<Delivery>(), shelf::queue(id));
    match shelf.load(&place).await? {
        None => Ok(()),
        Some(delivery) => {
            shelf.change(vec![(place, None), (shelf::again(id), Some(delivery))]).await
        }
    }
}

/// Calls `see` for each event under `prefix`, with its key, in the order of keys.
pub(super) async fn for_each<T>(
    env: &Env,
    prefix: &str,
    mut see: impl FnMut(String, Delivery) -> T,
) -> Result<(), StateError> {
    let (values, mut after) = (env.shelf::<Value>(), None);
    loop {
        let page = values.list(prefix, after.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|(key, _)| key.clone());
        for (key, value) in page {
            if let Some(delivery) = read(env, &key, value) {
                see(key, delivery);
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

/// One that this version cannot read stays where it is, and keeps no other from being posted.
fn read(env: &Env, key: &str, value: Value) -> Option<Delivery> {
    let read = serde_json::from_value(value);
    if read.is_err() {
        let (bot, plugin) = (&env.bot().name, env.plugin());
        warn!(%bot, %plugin, key, "a saved event cannot be read, and is not posted");
    }
    read.ok()
}

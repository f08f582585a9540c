//! A queue into a task, with a size, that takes hardly any room while it is empty.
//!
//! A channel of tokio's has its first block of items and its cache lines from the beginning: 800 bytes, for queues of which
//! every bot has several and in which nearly always nothing is.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::coop,
};

/// The end at which items are taken out. Dropping it drops what is in it, and whoever posts something learns that it is gone.
pub(crate) struct Mailbox<T>(Arc<Inner<T>>);

/// The end at which items are posted; there can be many.
pub(crate) struct Slit<T>(Arc<Inner<T>>);

/// Room for one item.
pub(crate) struct Place<'s, T> {
    slit: &'s Slit<T>,
    permit: SemaphorePermit<'s>,
}

/// Nobody takes anything out any more.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Gone;

struct Inner<T> {
    state: Mutex<State<T>>,
    /// How many more there is room for. Closed when the mailbox is gone.
    room: Semaphore,
}

struct State<T> {
    items: VecDeque<T>,
    /// Who waits for an item.
    waker: Option<Waker>,
    is_gone: bool,
}

/// A mailbox for at most `size` items: whoever posts one more waits.
pub(crate) fn mailbox<T>(size: usize) -> (Slit<T>, Mailbox<T>) {
    let state = State { items: VecDeque::new(), waker: None, is_gone: false };
    let inner = Arc::new(Inner { state: Mutex::new(state), room: Semaphore::new(size) });
    (Slit(Arc::clone(&inner)), Mailbox(inner))
}

impl<T> Inner<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, item: T) {
        let mut state = self.state();
        if state.is_gone {
            // Dropped without the lock: an item may tell somebody that it is.
            drop(state);
            return drop(item);
        }
        state.items.push_back(item);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Slit<T> {
    /// Posts `item` behind the others, once there is room. Cancel-safe: it is posted or not at all.
    pub(crate) async fn send(&self, item: T) -> Result<(), Gone> {
        self.reserve().await?.send(item);
        Ok(())
    }

    /// Posts `item` if there is room at once, and drops it otherwise.
    pub(crate) fn offer(&self, item: T) {
        if let Ok(permit) = self.0.room.try_acquire() {
            Place { slit: self, permit }.send(item);
        }
    }

    /// Waits for room for one item, in the order of asking. Cancel-safe.
    pub(crate) async fn reserve(&self) -> Result<Place<'_, T>, Gone> {
        let permit = self.0.room.acquire().await.map_err(|_| Gone)?;
        Ok(Place { slit: self, permit })
    }
}

impl<T> Place<'_, T> {
    /// Posts `item`. If the mailbox is gone meanwhile, it is dropped.
    pub(crate) fn send(self, item: T) {
        // It is given back when the item is taken out.
        self.permit.forget();
        self.slit.0.push(item);
    }
}

impl<T> Mailbox<T> {
    /// Takes out the first item, once there is one. Cancel-safe.
    pub(crate) async fn recv(&mut self) -> T {
        coop::cooperative(poll_fn(|cx| self.poll_recv(cx))).await
    }

    fn poll_recv(&mut self, cx: &Context<'_>) -> Poll<T> {
        let mut state = self.0.state();
        let Some(item) = state.items.pop_front() else {
            match &mut state.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        };
        drop(state);
        self.0.room.add_permits(1);
        Poll::Ready(item)
    }

    /// Takes out the first item, if there is one.
    pub(crate) fn try_recv(&mut self) -> Option<T> {
        let item = self.0.state().items.pop_front()?;
        self.0.room.add_permits(1);
        Some(item)
    }
}

impl<T> Drop for Mailbox<T> {
    fn drop(&mut self) {
        self.0.room.close();
        let mut state = self.0.state();
        state.is_gone = true;
        let left = std::mem::take(&mut state.items);
        state.waker = None;
        drop(state);
        drop(left);
    }
}

impl<T> Clone for Slit<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Mailbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("n_items", &self.0.state().items.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;
    use tokio::{sync::oneshot, task::JoinSet};

    use super::*;

    #[test]
    fn items_come_in_the_order_in_which_they_were_posted_and_who_finds_it_full_waits() {
        let (slit, mut mailbox) = mailbox(2);
        let other = slit.clone();
        assert_eq!(slit.send(1).now_or_never(), Some(Ok(())));
        assert_eq!(other.send(2).now_or_never(), Some(Ok(())));
        let mut third = pin!(slit.send(3));
        assert_eq!(third.as_mut().now_or_never(), None, "it is full");
        other.offer(9);
        assert_eq!(mailbox.try_recv(), Some(1));
        assert_eq!(third.as_mut().now_or_never(), Some(Ok(())));
        other.offer(9);
        let taken = std::iter::from_fn(|| mailbox.try_recv());
        assert_eq!(taken.collect::<Vec<_>>(), [2, 3], "what was offered had no room");
        other.offer(4);
        assert_eq!(mailbox.recv().now_or_never(), Some(4));
    }

    #[test]
    fn a_place_that_is_not_used_is_given_back() {
        let (slit, mut mailbox) = mailbox(1);
        drop(slit.reserve().now_or_never().unwrap());
        assert_eq!(slit.send('a').now_or_never(), Some(Ok(())));
        let mut waits = pin!(slit.send('b'));
        assert_eq!(waits.as_mut().now_or_never(), None);
        assert_eq!((mailbox.try_recv(), mailbox.try_recv()), (Some('a'), None));
        assert_eq!(waits.as_mut().now_or_never(), Some(Ok(())));
    }

    #[tokio::test]
    async fn who_waits_for_an_item_is_woken_by_it() {
        let (slit, mut mailbox) = mailbox(1);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { mailbox.recv().await });
        tokio::task::yield_now().await;
        slit.send(7).await.unwrap();
        assert_eq!(tasks.join_next().await.unwrap().unwrap(), 7);
    }

    #[test]
    fn what_is_left_in_it_is_dropped_with_it_and_nothing_can_be_posted_any_more() {
        let (slit, mailbox) = mailbox(2);
        let (left, mut is_left) = oneshot::channel::<()>();
        let (late, mut is_late) = oneshot::channel();
        slit.send(left).now_or_never().unwrap().unwrap();
        let place = slit.reserve().now_or_never().unwrap().unwrap();
        let mut waits = pin!(slit.reserve());
        assert!(waits.as_mut().now_or_never().is_none());
        drop(mailbox);
        assert!(
            is_left.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed)
        );
        assert!(waits.as_mut().now_or_never().unwrap().is_err());
        place.send(late);
        assert!(
            is_late.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed)
        );
        assert_eq!(slit.reserve().now_or_never().unwrap().err(), Some(Gone));
    }
}

//! The run of a handler, which may end in the middle of it.

use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use easebot_plugin::Context;
use futures_util::task::AtomicWaker;

use super::saved;

/// One event's way through the handlers.
#[derive(Default)]
pub(crate) struct Run {
    has_ended: AtomicBool,
    waker: AtomicWaker,
    /// Keys of dialogues that are over when the handler that is asked returns.
    keys: Mutex<Vec<String>>,
}

impl Run {
    /// Ends the run of the handler that is asked: it is done with the event, and goes no further than this.
    pub(super) async fn end<T>(&self) -> T {
        self.has_ended.store(true, Ordering::Release);
        self.waker.wake();
        pending().await
    }

    /// The dialogue under `key` is over when the handler returns.
    pub(super) fn ends_with(&self, key: &str) {
        self.lock().push(key.to_owned());
    }

    /// Before another handler is asked: forgets what one that was not asked after all wanted.
    pub(crate) fn begin(&self) {
        self.lock().clear();
    }

    /// Runs a handler until it returns, or until its run [ends](Self::end): then None.
    pub(crate) async fn through<F: Future>(&self, handler: F) -> Option<F::Output> {
        let mut handler = pin!(handler);
        poll_fn(|task| {
            self.waker.register(task.waker());
            match handler.as_mut().poll(task) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if self.has_ended.load(Ordering::Acquire) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// The handler has returned: its dialogues are over.
    pub(crate) fn returned(&self, cx: &Context) {
        for key in self.lock().drain(..) {
            saved::remove(cx, &key);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! A bell that one task hears.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;

/// Tells one task that something is new. That it was rung is kept until the task hears it; how often is not.
///
/// A busy task begins to wait after each round, which with a `Notify` of tokio's is an entry in a list, and taking that out again, under
/// a lock each.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    is_rung: AtomicBool,
    waker: AtomicWaker,
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.is_rung.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Ends when it is rung, or at once if it was since this ended last. Cancel-safe. Of two that wait the later one hears it.
    pub(crate) async fn heard(&self) {
        poll_fn(|cx| self.poll_heard(cx)).await;
    }

    fn poll_heard(&self, cx: &Context<'_>) -> Poll<()> {
        // Before the look, so that no ring falls between the two.
        self.waker.register(cx.waker());
        if self.is_rung.swap(false, Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_ring_is_kept_for_who_hears_it_and_twice_is_once() {
        let bell = Bell::default();
        assert_eq!(bell.heard().now_or_never(), None);
        bell.ring();
        bell.ring();
        bell.heard().await;
        assert_eq!(bell.heard().now_or_never(), None);
    }

    #[tokio::test]
    async fn who_waits_is_woken_from_another_thread_each_time() {
        let bells = Arc::new((Bell::default(), Bell::default()));
        let other = Arc::clone(&bells);
        let answering = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for _ in 0..1_000 {
                runtime.block_on(other.0.heard());
                other.1.ring();
            }
        });
        for _ in 0..1_000 {
            bells.0.ring();
            bells.1.heard().await;
        }
        answering.join().unwrap();
    }
}

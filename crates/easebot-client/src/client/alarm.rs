//! A timer that is set anew again and again, and nearly never rings.

use std::{future::poll_fn, pin::Pin, task::Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// Rings at the time that it was last set to: for a loop that waits for something else, and nearly never for this.
///
/// Its timer stays where it is while what is waited for moves into the future, and looks again when it has run out:
/// entering one into tokio's wheel and taking it out again costs more than reading a frame.
#[derive(Debug, Default)]
pub struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Waits until `at`; for ever without one. Cancel-safe.
    pub async fn until(&mut self, at: Option<Instant>) {
        let Some(at) = at else { return std::future::pending().await };
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() > at || sleep.is_elapsed() {
            sleep.as_mut().reset(at);
        }
        poll_fn(|cx| {
            while sleep.as_mut().poll(cx).is_ready() {
                if sleep.deadline() >= at {
                    return Poll::Ready(());
                }
                sleep.as_mut().reset(at);
            }
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_rings_when_it_was_last_set_to() {
        let (mut alarm, start) = (Alarm::default(), Instant::now());
        let after = |seconds| Some(start + Duration::from_secs(seconds));
        assert_eq!(alarm.until(after(10)).now_or_never(), None);
        assert_eq!(alarm.until(after(30)).now_or_never(), None, "later");
        alarm.until(after(30)).await;
        assert_eq!(start.elapsed().as_secs(), 30, "and not when it was set to first");
        assert_eq!(alarm.until(after(60)).now_or_never(), None);
        alarm.until(after(40)).await;
        assert_eq!(start.elapsed().as_secs(), 40, "earlier");
        alarm.until(after(40)).await;
        assert_eq!(alarm.until(None).now_or_never(), None, "nothing to wait for");
        assert_eq!(start.elapsed().as_secs(), 40, "what is past rings at once");
    }
}

//! Whether somebody still uses something.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// Held by each of those who use something, so that another one can wait for the last of them. A clone is one more of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hold(Arc<Last>);

/// What is dropped with the last one: who waits is told by that.
#[derive(Debug, Default)]
struct Last(Mutex<Option<oneshot::Sender<()>>>);

impl Hold {
    /// Lets go, and waits until everybody has.
    pub(crate) async fn end(self) {
        let (last, ended) = oneshot::channel();
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        drop(self);
        // Nothing is ever sent: an error is the news.
        drop(ended.await);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn the_end_is_when_the_last_one_lets_go() {
        let hold = Hold::default();
        let (one, other) = (hold.clone(), hold.clone());
        let mut end = pin!(hold.end());
        assert_eq!(end.as_mut().now_or_never(), None);
        drop(one);
        let late = other.clone();
        drop(other);
        assert_eq!(end.as_mut().now_or_never(), None, "one more came while somebody waited");
        drop(late);
        assert_eq!(end.as_mut().now_or_never(), Some(()));
        assert_eq!(Hold::default().end().now_or_never(), Some(()), "nobody was there");
    }
}

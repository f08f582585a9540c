//! Tasks that belong to somebody, of whom most have none.

use std::task::{Context, Poll};

use tokio::task::{JoinError, JoinSet};

/// A [`JoinSet`] that takes no room before its first task. Dropping it ends its tasks.
#[derive(Debug)]
pub(crate) struct Crowd<T>(Option<JoinSet<T>>);

impl<T: Send + 'static> Crowd<T> {
    /// Runs `task` as one of them.
    pub(crate) fn spawn(&mut self, task: impl Future<Output = T> + Send + 'static) {
        self.0.get_or_insert_with(JoinSet::new).spawn(task);
    }

    /// Waits for the next one that is through; none if there are none. Cancel-safe.
    pub(crate) async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.0.as_mut()?.join_next().await
    }

    /// [`join_next`](Self::join_next) as a poll.
    pub(crate) fn poll_join_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<T, JoinError>>> {
        self.0.as_mut().map_or(Poll::Ready(None), |tasks| tasks.poll_join_next(cx))
    }

    /// The next one that is through.
    pub(crate) fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.0.as_mut()?.try_join_next()
    }

    /// Ends all of them. They are still to be waited for.
    pub(crate) fn abort_all(&mut self) {
        self.0.iter_mut().for_each(JoinSet::abort_all);
    }

    /// Ends all of them, and waits until each one has noticed.
    pub(crate) async fn shut_down(self) {
        if let Some(mut tasks) = self.0 {
            tasks.shutdown().await;
        }
    }

    /// Waits until all are through.
    ///
    /// # Panics
    /// If one of them has.
    pub(crate) async fn all_through(self) {
        if let Some(tasks) = self.0 {
            tasks.join_all().await;
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, JoinSet::len)
    }

    #[cfg(test)]
    pub(crate) const fn takes_room(&self) -> bool {
        self.0.is_some()
    }

    /// Gives its room back, if it has no task.
    pub(crate) fn rest(&mut self) {
        self.0.take_if(|tasks| tasks.is_empty());
    }
}

impl<T> Default for Crowd<T> {
    fn default() -> Self {
        Self(None)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn it_takes_room_from_its_first_task_until_it_rests_without_any() {
        let mut crowd = Crowd::default();
        assert!(crowd.join_next().await.is_none() && crowd.try_join_next().is_none());
        let (sender, told) = oneshot::channel();
        crowd.spawn(async { told.await.unwrap() });
        assert!(crowd.join_next().now_or_never().is_none(), "it waits");
        crowd.rest();
        sender.send(7).unwrap();
        assert_eq!(crowd.join_next().await.unwrap().unwrap(), 7, "one that has a task keeps it");
        assert!(crowd.takes_room());
        crowd.rest();
        assert!(!crowd.takes_room());
        crowd.all_through().await;
    }

    #[tokio::test]
    async fn what_it_is_asked_to_end_ends() {
        let mut crowd = Crowd::<()>::default();
        crowd.abort_all();
        crowd.spawn(std::future::pending());
        crowd.abort_all();
        assert!(crowd.join_next().await.unwrap().unwrap_err().is_cancelled());
        crowd.spawn(std::future::pending());
        crowd.shut_down().await;
    }
}

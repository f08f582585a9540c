//! The future of an answer.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::sync::oneshot;

use crate::StoreError;

/// The answer of a store, some time later.
///
/// The job is queued by the call that made this future, and is done even if the future is dropped. Only if the queue was full
/// at that moment does the future have to wait for a place first: then polling it queues the job, and dropping it before that
/// takes the job back. Like most futures it must not be polled again once it is ready.
#[must_use = "the job may not be queued before this is polled, and its error is told nowhere else"]
pub struct StoreFuture<T> {
    queueing: Option<Queueing>,
    answer: Answer<T>,
}

type Queueing = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

enum Answer<T> {
    Coming {
        answer: oneshot::Receiver<Result<T, StoreError>>,
        if_lost: fn() -> Result<T, StoreError>,
    },
    Ready(Option<Result<T, StoreError>>),
}

impl<T> StoreFuture<T> {
    /// For a store of another crate: the answer is what `job` gives. Dropping this future drops the job where it stands.
    pub fn of(job: impl Future<Output = Result<T, StoreError>> + Send + 'static) -> Self
    where
        T: Send + 'static,
    {
        let (answer, coming) = oneshot::channel();
        let job = async move {
            // Nobody takes the answer of a future that was dropped, and such a one is not polled.
            drop(answer.send(job.await));
            Ok(())
        };
        Self::queueing(job, coming)
    }

    pub(crate) const fn ready(result: Result<T, StoreError>) -> Self {
        Self { queueing: None, answer: Answer::Ready(Some(result)) }
    }

    pub(crate) const fn queued(answer: oneshot::Receiver<Result<T, StoreError>>) -> Self {
        Self::queued_or(answer, || Err(StoreError::Closed))
    }

    /// `if_lost` is the answer if nobody is there any more to give one.
    pub(crate) const fn queued_or(
        answer: oneshot::Receiver<Result<T, StoreError>>,
        if_lost: fn() -> Result<T, StoreError>,
    ) -> Self {
        Self { queueing: None, answer: Answer::Coming { answer, if_lost } }
    }

    /// The job is queued by polling `queueing`.
    pub(crate) fn queueing(
        queueing: impl Future<Output = Result<(), StoreError>> + Send + 'static,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Self {
        Self { queueing: Some(Box::pin(queueing)), ..Self::queued(answer) }
    }
}

/// Nothing is pinned in place: the only foreign future inside has a box of its own.
impl<T> Unpin for StoreFuture<T> {}

impl<T> Future for StoreFuture<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(queueing) = &mut self.queueing {
            let queued = ready!(queueing.as_mut().poll(cx));
            self.queueing = None;
            queued?;
        }
        match &mut self.answer {
            Answer::Coming { answer, if_lost } => {
                let result = ready!(Pin::new(answer).poll(cx));
                Poll::Ready(result.unwrap_or_else(|_| if_lost()))
            }
            Answer::Ready(result) => Poll::Ready(result.take().unwrap_or(Err(StoreError::Closed))),
        }
    }
}

impl<T> fmt::Debug for StoreFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreFuture")
            .field("is_queued", &self.queueing.is_none())
            .finish_non_exhaustive()
    }
}

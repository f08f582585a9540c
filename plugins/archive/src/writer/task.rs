//! A job of the thread: what to do, and whom to tell.

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::desk::Desk;
use crate::error::WriteError;

/// Whom to tell, and the place that is free then.
pub(super) struct Answer<T> {
    pub(super) to: oneshot::Sender<Result<T, WriteError>>,
    pub(super) place: OwnedSemaphorePermit,
}

impl<T> Answer<T> {
    fn give(self, result: Result<T, WriteError>) {
        drop(self.place);
        // Whoever asked may have stopped listening: that is their right.
        drop(self.to.send(result));
    }
}

/// A job that shares a transaction with others.
pub(super) trait SharedTask: Send {
    /// Does it and keeps the result.
    fn run(&mut self, at: &mut Desk<'_>) -> Result<(), WriteError>;

    /// Forgets the result, for this reason.
    fn fail(&mut self, error: WriteError);

    /// Tells whoever asked.
    fn answer(self: Box<Self>);
}

/// A job that can be done twice.
pub(super) struct Together<J, T> {
    pub(super) job: J,
    pub(super) result: Option<Result<T, WriteError>>,
    pub(super) answer: Answer<T>,
}

impl<J, T> SharedTask for Together<J, T>
where
    J: Fn(&mut Desk<'_>) -> Result<T, WriteError> + Send,
    T: Send,
{
    fn run(&mut self, at: &mut Desk<'_>) -> Result<(), WriteError> {
        self.result = Some(Ok((self.job)(at)?));
        Ok(())
    }

    fn fail(&mut self, error: WriteError) {
        self.result = Some(Err(error));
    }

    fn answer(self: Box<Self>) {
        let Self { result, answer, .. } = *self;
        answer.give(result.unwrap_or(Err(WriteError::Closed)));
    }
}

/// A job with a transaction of its own.
pub(super) trait LoneTask: Send {
    /// Does it and tells whoever asked.
    fn run(self: Box<Self>, at: &mut Desk<'_>);
}

/// A job that is done once.
pub(super) struct Alone<J, T> {
    pub(super) job: J,
    pub(super) answer: Answer<T>,
}

impl<J, T> LoneTask for Alone<J, T>
where
    J: FnOnce(&mut Desk<'_>) -> Result<T, WriteError> + Send,
    T: Send,
{
    fn run(self: Box<Self>, at: &mut Desk<'_>) {
        let Self { job, answer } = *self;
        answer.give(at.transact(job));
    }
}

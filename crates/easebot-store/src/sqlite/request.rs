//! A job of the store thread: what to do, and whom to tell.

use tokio::sync::oneshot;

use super::writer::Writer;
use crate::{Durability, StoreError};
use easebot_model::Timestamp;

/// What can be asked of the store thread. It may be run more than once, each time after its earlier run was rolled back.
pub(super) trait Request: Send + 'static {
    /// The answer.
    type Output: Send + 'static;

    /// Does it, within a transaction.
    fn run(&self, writer: &mut Writer<'_>) -> Result<Self::Output, rusqlite::Error>;

    /// Whether it changes something, so that a failure has to be rolled back.
    fn writes(&self) -> bool {
        false
    }

    /// Whether it looks for rows of the outbox, which may be [bundled](super::bundle), or for keys of events, which may stand
    /// [elsewhere](super::keys).
    fn looks_at_rows(&self) -> bool {
        true
    }

    /// What it has to outlive once it is answered.
    fn durability(&self) -> Durability {
        Durability::Process
    }

    /// The wall clock of whoever asks, if the request tells.
    fn now(&self) -> Option<Timestamp> {
        None
    }
}

/// A [`Request`] of any kind with its answer.
pub(super) trait Task: Send {
    /// Does it and keeps the answer. An error says that it has to be rolled back.
    fn run(&mut self, writer: &mut Writer<'_>) -> Result<(), Undo>;

    /// As [`Request::writes`].
    fn writes(&self) -> bool;

    /// As [`Request::looks_at_rows`].
    fn looks_at_rows(&self) -> bool;

    /// As [`Request::durability`]; what nobody waits for needs the disk's word as little.
    fn durability(&self) -> Durability;

    /// Whether somebody waits for the answer. What nobody waits for may be lost without harm, so it may wait itself.
    fn is_awaited(&self) -> bool;

    /// As [`Request::now`].
    fn now(&self) -> Option<Timestamp>;

    /// Forgets what was done, for this reason.
    fn fail(&mut self, error: StoreError);

    /// Whether there is no answer but an error.
    fn has_failed(&self) -> bool;

    /// Tells whoever asked.
    fn answer(self: Box<Self>);
}

/// The job failed, and remembers why.
#[derive(Debug)]
pub(super) struct Undo;

/// A request, its answer so far, and whom to tell it.
pub(super) struct Job<R: Request> {
    request: R,
    result: Option<Result<R::Output, StoreError>>,
    listener: Option<oneshot::Sender<Result<R::Output, StoreError>>>,
}

impl<R: Request> Job<R> {
    /// Without a listener, a failure is logged.
    pub(super) const fn new(
        request: R,
        listener: Option<oneshot::Sender<Result<R::Output, StoreError>>>,
    ) -> Self {
        Self { request, result: None, listener }
    }
}

impl<R: Request> Task for Job<R> {
    fn run(&mut self, writer: &mut Writer<'_>) -> Result<(), Undo> {
        let result = self.request.run(writer).map_err(StoreError::from_sqlite);
        let is_ok = result.is_ok();
        self.result = Some(result);
        if is_ok { Ok(()) } else { Err(Undo) }
    }

    fn writes(&self) -> bool {
        self.request.writes()
    }

    fn looks_at_rows(&self) -> bool {
        self.request.looks_at_rows()
    }

    fn durability(&self) -> Durability {
        if self.is_awaited() { self.request.durability() } else { Durability::Process }
    }

    fn is_awaited(&self) -> bool {
        self.listener.is_some()
    }

    fn now(&self) -> Option<Timestamp> {
        self.request.now()
    }

    fn fail(&mut self, error: StoreError) {
        self.result = Some(Err(error));
    }

    fn has_failed(&self) -> bool {
        !matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>) {
        let result = self.result.unwrap_or(Err(StoreError::Closed));
        match (self.listener, result) {
            // Whoever asked may have stopped listening: that is their right.
            (Some(listener), result) => drop(listener.send(result)),
            (None, Err(error)) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "a commit that nobody waits for was not written");
            }
            (None, Ok(_)) => {}
        }
    }
}

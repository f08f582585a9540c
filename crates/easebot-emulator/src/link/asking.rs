//! What waits while the app's own server is asked about a message.

use std::{collections::VecDeque, future::pending, pin::Pin, sync::Arc};

use bytes::Bytes;

use crate::{
    callbacks::{self, Verdict},
    shared::Shared,
    world::{LinkId, ViolationError, keeps_its_turn},
};

/// How many frames may wait behind a message that is asked about. Then nothing more is read from that client.
const MAX_WAITING: usize = 64;

type Ask = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// The message that is asked about, and what its sender said behind it. Meanwhile the client gets what is for it, and what
/// it asks for.
#[derive(Default)]
pub(super) struct Asking {
    about: Option<(Bytes, Ask)>,
    waiting: VecDeque<Bytes>,
}

impl Asking {
    /// Whether nothing more is to be read.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_WAITING
    }

    /// Takes a frame, or keeps it until its turn comes. Says whether the link has still to log in.
    pub(super) fn take(
        &mut self,
        link: LinkId,
        shared: &Arc<Shared>,
        bytes: Bytes,
    ) -> Result<bool, ViolationError> {
        if self.about.is_some() && keeps_its_turn(&bytes) {
            self.waiting.push_back(bytes);
            return Ok(false);
        }
        let Some(question) = shared.question(link, &bytes) else {
            return shared.receive(link, bytes);
        };
        let options = Arc::clone(&shared.options);
        let ask = Box::pin(async move { callbacks::ask(&options, &question).await });
        self.about = Some((bytes, ask));
        Ok(false)
    }

    /// What the app's own server says about the message; nothing if it is not asked. Cancel-safe.
    pub(super) async fn verdict(&mut self) -> Verdict {
        match &mut self.about {
            Some((_, ask)) => ask.await,
            None => pending().await,
        }
    }

    /// Takes the message as the verdict says, and what waited behind it up to the next one that is asked about.
    pub(super) fn judged(
        &mut self,
        link: LinkId,
        shared: &Arc<Shared>,
        verdict: Verdict,
    ) -> Result<(), ViolationError> {
        let Some((bytes, _)) = self.about.take() else { return Ok(()) };
        shared.receive_judged(link, bytes, verdict)?;
        while self.about.is_none()
            && let Some(bytes) = self.waiting.pop_front()
        {
            self.take(link, shared, bytes)?;
        }
        Ok(())
    }

    /// Takes all that waits, whose sender has gone.
    pub(super) async fn finish(
        &mut self,
        link: LinkId,
        shared: &Arc<Shared>,
    ) -> Result<(), ViolationError> {
        while self.about.is_some() {
            let verdict = self.verdict().await;
            self.judged(link, shared, verdict)?;
        }
        Ok(())
    }
}

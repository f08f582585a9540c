//! Contents that go up before their hash is known.

use std::{error::Error, sync::Arc};

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit};
use tracing::debug;

use super::{Shared, Source, Uploaded, known::Length, source::Digest};

/// A content that is no longer than this is hashed before it goes up: that takes a few milliseconds.
const MAX_HASHED_FIRST_BYTES: u64 = 8 * 1024 * 1024;

/// Kept by a content that goes up before its hash is known, until it is.
#[derive(Debug)]
pub(super) struct Later {
    /// Whoever has a content of the same length waits for it.
    pub(super) _turn: OwnedMutexGuard<()>,
    /// One of a few.
    pub(super) _permit: OwnedSemaphorePermit,
}

impl Shared {
    /// What is known of the length of a content that is to go up; `None` if it is not asked for, because the content is short
    /// or can be read once only.
    pub(super) fn length(&self, source: &Source) -> Option<Length> {
        if source.length_bytes() <= MAX_HASHED_FIRST_BYTES || !source.is_repeatable() {
            return None;
        }
        let permits = source.can_be_hashed_later().then(|| self.later_hashes());
        let permit = permits.and_then(|permits| Arc::clone(permits).try_acquire_owned().ok());
        Some(self.known().length(source.length_bytes(), permit))
    }

    /// Hashes a content that is up in the background, so that it is known the next time.
    pub(super) fn hash_later(
        &self,
        later: Later,
        source: Source,
        uploaded: Uploaded,
        key_of: impl FnOnce(&Digest) -> String + Send + 'static,
    ) {
        let known = Arc::clone(self.known());
        self.run_aside(async move {
            match source.digest().await {
                Ok(Some(digest)) if source.is_unchanged().await => {
                    known.add(key_of(&digest), &uploaded);
                }
                Ok(_) => debug!("a file was changed while it went up, so it is not remembered"),
                Err(error) => {
                    debug!(error = &error as &dyn Error, "a file that is up cannot be hashed");
                }
            }
            drop(later);
        });
    }
}

//! The end of a store at the end of a process.

use std::{mem, sync::Arc, time::Duration};

use easebot_store::{Store, StoreError};
use thiserror::Error;
use tokio::time::timeout;

/// Why a store was not closed. What was committed is safe all the same.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CloseStoreError {
    /// It says that it cannot be.
    #[error("the bots' data cannot be closed")]
    Failed {
        /// Why.
        #[source]
        source: StoreError,
    },
    /// Its disk does not answer.
    #[error("the bots' data was not closed within {} s: its disk does not answer", patience.as_secs_f64())]
    TookTooLong {
        /// How long it had.
        patience: Duration,
    },
}

/// Closes `store` behind what is queued there, within `patience`.
///
/// One that takes longer is left as it is until the process ends: to drop it would mean to wait for it. Meant for the end of a
/// process, behind [`Runtime::shutdown`](crate::Runtime::shutdown).
///
/// # Errors
/// [`CloseStoreError`].
pub async fn close_store(store: Arc<dyn Store>, patience: Duration) -> Result<(), CloseStoreError> {
    match timeout(patience, store.close()).await {
        Ok(closed) => closed.map_err(|source| CloseStoreError::Failed { source }),
        Err(_) => {
            mem::forget(store);
            Err(CloseStoreError::TookTooLong { patience })
        }
    }
}

//! The deadline of every wait.

use std::{future::Future, time::Duration};

use tokio::time::timeout;

/// How long a test waits for anything: far above what is needed, because other tests and builds may share the machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for `future`, which is called `what` in the complaint if it takes too long.
///
/// # Panics
/// When it does not come within [`PATIENCE`].
pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    let outcome = timeout(PATIENCE, future).await;
    outcome.unwrap_or_else(|_| panic!("waited {} s for {what}", PATIENCE.as_secs()))
}

//! When everybody is there, and when nobody has anything to do.

use easebot_emulator::Emulator;
use easebot_runtime::{BotStatus, Handle};
use thiserror::Error;

use super::patiently;

/// Why a bot or a person is not online.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum OnlineError {
    /// It has ended.
    #[error("`{name}` has ended: {cause}")]
    Ended {
        /// Who.
        name: String,
        /// Why, in words.
        cause: String,
    },
    /// It was not online within an hour.
    #[error("`{name}` did not come online within an hour")]
    Late {
        /// Who.
        name: String,
    },
}

/// Waits in stopped time until all of `handle` are online.
///
/// # Errors
/// [`OnlineError`] with the first that will never be.
pub async fn online(handle: &Handle) -> Result<(), OnlineError> {
    for name in handle.names() {
        let Some(mut status) = handle.watch(&name) else { continue };
        let status = patiently(status.wait_for(is_known)).await;
        match status.map(|status| status.map(|status| status.clone())) {
            Some(Ok(BotStatus::Ended { cause })) => {
                return Err(OnlineError::Ended { name, cause: cause.unwrap_or_default() });
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(OnlineError::Late { name }),
        }
    }
    Ok(())
}

/// Whether it is online, or never will be.
fn is_known(status: &BotStatus) -> bool {
    matches!(status, BotStatus::Online { .. } | BotStatus::Ended { .. })
}

/// Waits until all of `handles` are online or have ended, and neither they nor `emulator` have anything to do. Within
/// [`patiently`] if time may have to pass for it. Cancel-safe.
///
/// Gives how many events they have received and sent together since they started: while it stays the same nothing has happened.
pub async fn settle(emulator: &Emulator, handles: &[Handle]) -> u64 {
    let done = || {
        let activities = handles.iter().flat_map(|handle| {
            handle.names().filter_map(|name| handle.activity(&name)).collect::<Vec<_>>()
        });
        activities.map(|at| at.n_received + at.n_sent).sum()
    };
    loop {
        let before: u64 = done();
        for handle in handles {
            for name in handle.names() {
                let Some(mut status) = handle.watch(&name) else { continue };
                // An error means that the bot is gone.
                drop(status.wait_for(is_known).await);
            }
        }
        emulator.quiet().await;
        for handle in handles {
            handle.settled().await;
        }
        emulator.quiet().await;
        if done() == before {
            return before;
        }
    }
}

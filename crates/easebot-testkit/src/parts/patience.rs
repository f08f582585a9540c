//! Waiting in a time that stands still.
//!
//! tokio's stopped time jumps to the next timer as soon as nothing is left to do, also while something is under way that it
//! does not see: a request over a real socket, a thread that reads a file. So time is held while anything may still come of
//! itself, and let go only to get to a timer that somebody waits for, such as the pace or a retry.

use std::{
    pin::pin,
    sync::mpsc::{RecvTimeoutError, sync_channel},
    time::Duration,
};

use thiserror::Error;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::spawn_blocking,
    time::{self, sleep},
};

/// How long nothing has to come of itself, in real time, before time goes on. All of it is on this machine.
const QUIET: Duration = Duration::from_millis(25);

/// The first and the longest piece of time that passes at once.
const STEPS: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(30)];

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// Why time cannot be stopped.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "time can be stopped on a runtime of one thread only: use `#[tokio::test]` without a flavor"
)]
pub struct StopTimeError;

/// Stops tokio's time if it goes: from then on it only moves when nobody has anything to do. Also with
/// `#[tokio::test(start_paused = true)]`, which has stopped it already.
///
/// Must be called within a tokio runtime.
///
/// # Errors
/// [`StopTimeError`] on a runtime of several threads.
pub fn stop_time() -> Result<(), StopTimeError> {
    if Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread {
        return Err(StopTimeError);
    }
    let (ours, real) = (time::Instant::now(), std::time::Instant::now());
    // No more than a tick of the machine's clock.
    while real.elapsed() < Duration::from_micros(1) {
        std::hint::spin_loop();
    }
    if time::Instant::now() != ours {
        time::pause();
    }
    Ok(())
}

/// Lets everything that is ready run while time stands still, until nothing has come of itself for 25 ms of real time.
pub async fn hold() {
    let (_held, released) = sync_channel::<()>(0);
    // While such a task runs, tokio does not move its time.
    let quiet = spawn_blocking(move || released.recv_timeout(QUIET).is_err());
    // A runtime that ends takes the wait with it.
    drop(quiet.await);
}

/// Waits for `work` in stopped time. None if it is not done after an hour, which takes some seconds of real time.
///
/// Time stands still while anything may come of itself, and goes on in growing steps when nothing has come for 25 ms of real
/// time. Cancel-safe as `work` is.
pub async fn patiently<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let [mut step, longest] = STEPS;
    let mut passed = Duration::ZERO;
    while passed < LIMIT {
        let (done, held) = sync_channel::<()>(0);
        // While such a task runs, tokio does not move its time.
        let mut quiet =
            spawn_blocking(move || held.recv_timeout(QUIET) == Err(RecvTimeoutError::Timeout));
        tokio::select! {
            biased;
            output = &mut work => {
                drop(done);
                // It ends at once, and says nothing that is of interest now.
                drop(quiet.await);
                return Some(output);
            }
            _ = &mut quiet => {}
        }
        tokio::select! {
            biased;
            output = &mut work => return Some(output),
            () = sleep(step) => {}
        }
        passed += step;
        step = (step * 2).min(longest);
    }
    None
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        time::{Instant, timeout},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_stands_still_while_something_comes_by_itself() {
        let begin = Instant::now();
        let talk = async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            for _ in 0..100 {
                client.write_u8(1).await.unwrap();
                timeout(Duration::from_millis(1), server.read_u8()).await.unwrap().unwrap();
            }
        };
        patiently(talk).await.unwrap();
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn time_goes_on_for_who_waits_for_it_and_not_for_ever() {
        let begin = Instant::now();
        patiently(sleep(Duration::from_secs(90))).await.unwrap();
        assert_eq!(begin.elapsed(), Duration::from_secs(90));
        assert_eq!(patiently(std::future::pending::<()>()).await, None);
    }
}

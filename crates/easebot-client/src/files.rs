//! Attachments: up to the server and down from it, with constant memory.

mod body;
mod chunks;
mod download;
mod error;
mod fetch;
mod known;
mod later;
mod part_file;
mod part_length;
mod parts;
mod piece;
mod place;
mod range;
mod sink;
mod source;
mod upload;

use std::{
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

use tokio::{runtime::Handle, sync::Semaphore, task::JoinSet};

pub use self::{
    download::{ClaimedLength, DownloadOptions, Downloaded, Variant},
    error::{DownloadError, UploadError},
    known::KnownUpload,
    source::Source,
    upload::{UploadOptions, Uploaded},
};
use self::{known::Known, parts::DEFAULT_PART_BYTES};
use crate::Caller;

/// Attachments of one account. Cheap to clone; clones share what they know of earlier uploads, so use one for an account.
///
/// Whatever the length of a file, up and down it takes the memory of a few chunks of 256 KiB for each connection.
#[derive(Clone, Debug)]
pub struct Files {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    caller: Arc<Caller>,
    /// Made when it is needed, like the next one: few bots have files.
    known: OnceLock<Arc<Known>>,
    /// Length of a part as the server last said.
    part_bytes: AtomicU64,
    /// A part that took less is followed by a longer one.
    short_part: Duration,
    /// Whether no server has refused a part for being longer than it said.
    takes_longer_parts: AtomicBool,
    /// One is taken by each content that goes up before its hash is known.
    later_hashes: OnceLock<Arc<Semaphore>>,
    /// What goes on by itself: aborts of uploads whose future was dropped, and hashes.
    aside: Mutex<Option<JoinSet<()>>>,
}

/// How many contents may go up at the same time before their hash is known. One more is hashed first.
const MAX_LATER_HASHES: u32 = 4;

impl Files {
    /// The attachments of the account of `caller`. Nothing is asked before the first call.
    #[must_use]
    pub fn new(caller: &Arc<Caller>) -> Self {
        let shared = Shared {
            caller: Arc::clone(caller),
            known: OnceLock::new(),
            part_bytes: AtomicU64::new(DEFAULT_PART_BYTES),
            short_part: part_length::SHORT,
            takes_longer_parts: AtomicBool::new(true),
            later_hashes: OnceLock::new(),
            aside: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Earlier uploads that are still good, to be kept over a restart. A long content is among them a while after it is up:
    /// [`settled`](Self::settled) waits for it.
    #[must_use]
    pub fn known_uploads(&self) -> Vec<KnownUpload> {
        self.shared.known.get().map(|known| known.export()).unwrap_or_default()
    }

    /// Waits until everything that went up is known: the hash of a content above 8 MiB is made when it is up already. Those
    /// that go up meanwhile are waited for as well. Cancel-safe.
    pub async fn settled(&self) {
        if let Some(hashes) = self.shared.later_hashes.get() {
            // Nobody closes it.
            hashes.acquire_many(MAX_LATER_HASHES).await.map(drop).ok();
        }
    }

    /// Takes up what an earlier run of this account [knew](Self::known_uploads). What has ended is left out.
    pub fn remember(&self, uploads: impl IntoIterator<Item = KnownUpload>) {
        self.shared.known().import(uploads);
    }

    /// Forgets an upload, so that its content is uploaded anew: the server no longer has it.
    pub fn forget(&self, upload: &Uploaded) {
        self.shared.known().forget(&upload.url);
    }
}

impl Shared {
    fn known(&self) -> &Arc<Known> {
        self.known.get_or_init(Arc::default)
    }

    fn later_hashes(&self) -> &Arc<Semaphore> {
        self.later_hashes.get_or_init(|| Arc::new(Semaphore::new(MAX_LATER_HASHES as usize)))
    }

    /// Lets `task` run on its own until it is done or the last [`Files`] of the account is dropped.
    fn run_aside(&self, task: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime there is no network either.
        let Ok(runtime) = Handle::try_current() else { return };
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let aside = aside.get_or_insert_default();
        while aside.try_join_next().is_some() {}
        aside.spawn_on(task, &runtime);
    }
}

/// How far a file has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes that were handed to the connection, or written down. Falls when a part is sent again.
    pub n_bytes: u64,
    /// All bytes, if that is known.
    pub total_bytes: Option<u64>,
}

/// Hears of the progress of a file. Called often, between two chunks: it must not wait.
#[derive(Clone, Default)]
pub struct OnProgress(Option<Arc<dyn Fn(Progress) + Send + Sync>>);

impl OnProgress {
    /// Calls `hear`.
    pub fn new(hear: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hear)))
    }

    fn say(&self, n_bytes: u64, total_bytes: Option<u64>) {
        if let Some(hear) = &self.0 {
            hear(Progress { n_bytes, total_bytes });
        }
    }
}

impl fmt::Debug for OnProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "OnProgress(…)" } else { "OnProgress(nobody)" })
    }
}

#[cfg(test)]
mod tests;

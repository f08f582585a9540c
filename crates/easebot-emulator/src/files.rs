//! Attachments: what was uploaded, on disk, until its life is over.
//!
//! The world knows nothing of files and does no I/O; they live beside it. A file is written as it comes and read as it goes,
//! so that memory does not grow with it. The folder is made for the first upload and goes with the emulator.

mod blob;
mod multipart;
mod range;
mod thumbnail;
mod uploads;

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use easebot_model::{AppKey, Secret};
use tempfile::TempDir;
use tokio::{sync::OnceCell, task::spawn_blocking};
use tracing::{debug, warn};

use self::{blob::Space, thumbnail::thumbnail, uploads::Uploads};
pub(crate) use self::{
    blob::{Blob, Draft, WriteError},
    multipart::{Form, FormError, PartHead, first_file},
    range::Span,
    thumbnail::{DEFAULT_SIDE, MAX_SIDE, MIN_IMAGE_BYTES, frame},
    uploads::{CompleteError, MAX_PARTS},
};
use crate::{
    clock::as_millis,
    options::Options,
    world::{random_text, uuid},
};

/// How long it is remembered that a file has expired, in milliseconds.
const EXPIRED_KNOWN_MS: u64 = 24 * 60 * 60 * 1000;

/// All files of all apps.
#[derive(Debug)]
pub(crate) struct Files {
    options: Arc<Options>,
    dir: OnceCell<TempDir>,
    /// Bytes that all files take.
    used: Arc<AtomicU64>,
    kept: Mutex<HashMap<(AppKey, String), Kept>>,
    uploads: Mutex<Uploads>,
}

#[derive(Debug)]
enum Kept {
    /// Its life was over at this time.
    Expired {
        since_ms: u64,
    },
    There(Arc<Stored>),
}

/// What an upload says about its file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Label {
    pub(crate) media_type: String,
    /// Whether a download needs the secret.
    pub(crate) is_restricted: bool,
    /// Width and height that a thumbnail fits into, each from 1 to [`MAX_SIDE`].
    pub(crate) thumbnail: (u32, u32),
}

/// One file.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) uuid: String,
    pub(crate) blob: Blob,
    pub(crate) label: Label,
    pub(crate) secret: Secret,
    /// What a redirected download brings along instead of the secret.
    pub(crate) ticket: Secret,
    created_ms: u64,
    /// When its life is over.
    ends_ms: AtomicU64,
    thumbnail: OnceCell<Option<Thumbnail>>,
}

/// How long a file lives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Life {
    /// As long as the options say, from the upload on.
    Default,
    ForEver,
    /// As long as the options say, from now on.
    Refresh,
}

/// The thumbnail of a file.
#[derive(Debug)]
pub(crate) struct Thumbnail {
    pub(crate) blob: Blob,
    pub(crate) media_type: &'static str,
}

/// What became of a file.
#[derive(Debug)]
pub(crate) enum Found {
    Expired,
    Missing,
    There(Arc<Stored>),
}

impl Files {
    pub(crate) fn new(options: Arc<Options>) -> Self {
        Self {
            options,
            dir: OnceCell::new(),
            used: Arc::default(),
            kept: Mutex::default(),
            uploads: Mutex::default(),
        }
    }

    /// An empty file to write into.
    pub(crate) async fn draft(&self) -> Result<Draft, WriteError> {
        let made = self.dir.get_or_try_init(|| async {
            let made = spawn_blocking(|| tempfile::Builder::new().prefix("easebot-").tempdir());
            made.await.map_err(io::Error::other)?
        });
        let space = Space::new(Arc::clone(&self.used), self.options.file_store_bytes);
        Draft::create(made.await?.path(), space, self.options.max_file_bytes).await
    }

    /// Makes `blob` a file that can be downloaded.
    pub(crate) fn keep(&self, app: &AppKey, blob: Blob, label: Label) -> Arc<Stored> {
        let created_ms = self.options.clock.now_ms();
        let stored = Arc::new(Stored {
            uuid: uuid(),
            blob,
            label,
            secret: Secret::new(random_text(54)),
            ticket: Secret::new(random_text(32)),
            created_ms,
            ends_ms: AtomicU64::new(self.end_of(created_ms)),
            thumbnail: OnceCell::new(),
        });
        let key = (app.clone(), stored.uuid.clone());
        lock(&self.kept).insert(key, Kept::There(Arc::clone(&stored)));
        stored
    }

    /// The file `uuid`.
    pub(crate) fn find(&self, app: &AppKey, uuid: &str) -> Found {
        let now = self.options.clock.now_ms();
        match lock(&self.kept).get(&(app.clone(), uuid.to_owned())) {
            None => Found::Missing,
            Some(Kept::There(stored)) if !stored.is_over(now) => Found::There(Arc::clone(stored)),
            Some(Kept::Expired { .. } | Kept::There(_)) => Found::Expired,
        }
    }

    /// The thumbnail of `stored`, made when it is asked for first. `None` when the file is its own one: it is small, or no
    /// image.
    pub(crate) async fn thumbnail<'a>(&self, stored: &'a Arc<Stored>) -> Option<&'a Thumbnail> {
        if stored.blob.n_bytes() <= MIN_IMAGE_BYTES {
            return None;
        }
        stored.thumbnail.get_or_init(|| self.make_thumbnail(stored)).await.as_ref()
    }

    async fn make_thumbnail(&self, stored: &Arc<Stored>) -> Option<Thumbnail> {
        let of = Arc::clone(stored);
        let (width, height) = stored.label.thumbnail;
        let made = spawn_blocking(move || thumbnail(of.blob.path(), width, height)).await.ok()?;
        let picture =
            made.inspect_err(|error| debug!(uuid = stored.uuid, %error, "no thumbnail")).ok()?;
        let write = async {
            let mut draft = self.draft().await?;
            draft.write(&picture.bytes).await?;
            draft.finish().await
        };
        let blob = write
            .await
            .inspect_err(|error| warn!(uuid = stored.uuid, %error, "thumbnail not kept"))
            .ok()?;
        Some(Thumbnail { blob, media_type: picture.media_type })
    }

    /// Deletes what has had its life.
    pub(crate) fn sweep(&self) {
        let now = self.options.clock.now_ms();
        lock(&self.kept).retain(|_, kept| match kept {
            Kept::Expired { since_ms } => now.saturating_sub(*since_ms) < EXPIRED_KNOWN_MS,
            Kept::There(stored) => {
                if stored.is_over(now) {
                    *kept = Kept::Expired { since_ms: now };
                }
                true
            }
        });
        let before = now.saturating_sub(as_millis(self.options.file_life));
        lock(&self.uploads).forget_before(before);
    }

    /// Lets the file `uuid` live longer or shorter. False when there is none any more.
    pub(crate) fn set_life(&self, app: &AppKey, uuid: &str, life: Life) -> bool {
        let Found::There(stored) = self.find(app, uuid) else { return false };
        let ends_ms = match life {
            Life::Default => self.end_of(stored.created_ms),
            Life::ForEver => u64::MAX,
            Life::Refresh => self.end_of(self.options.clock.now_ms()),
        };
        stored.ends_ms.store(ends_ms, Ordering::Relaxed);
        true
    }

    /// When the life is over that begins at `start_ms`.
    fn end_of(&self, start_ms: u64) -> u64 {
        start_ms.saturating_add(as_millis(self.options.file_life))
    }
}

impl Stored {
    fn is_over(&self, now: u64) -> bool {
        now >= self.ends_ms.load(Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic inside is a bug of the emulator; the others may go on.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;

    fn label() -> Label {
        let media_type = "text/plain".to_owned();
        Label { media_type, is_restricted: false, thumbnail: (DEFAULT_SIDE, DEFAULT_SIDE) }
    }

    #[tokio::test]
    async fn a_file_lives_its_life_and_is_called_expired_for_a_day() {
        let clock = Arc::new(ManualClock::starting_at(1_785_000_000_000));
        let time: Arc<ManualClock> = Arc::clone(&clock);
        let file_life = Duration::from_secs(60);
        let files = Files::new(Arc::new(Options { clock: time, file_life, ..Options::default() }));
        let app: AppKey = "easebot#demo".parse().unwrap();
        let mut draft = files.draft().await.unwrap();
        draft.write(b"hi").await.unwrap();
        let stored = files.keep(&app, draft.finish().await.unwrap(), label());
        let (uuid, path) = (stored.uuid.clone(), stored.blob.path().to_owned());
        drop(stored);
        clock.advance(Duration::from_secs(59));
        files.sweep();
        assert!(matches!(files.find(&app, &uuid), Found::There(_)));
        assert!(matches!(files.find(&"other#app".parse().unwrap(), &uuid), Found::Missing));
        clock.advance(Duration::from_secs(1));
        assert!(matches!(files.find(&app, &uuid), Found::Expired), "also before it is swept");
        files.sweep();
        assert!(matches!(files.find(&app, &uuid), Found::Expired));
        assert!(!path.exists());
        clock.advance(Duration::from_millis(EXPIRED_KNOWN_MS));
        files.sweep();
        assert!(matches!(files.find(&app, &uuid), Found::Missing));
    }

    #[tokio::test]
    async fn the_folder_goes_with_the_files() {
        let files = Files::new(Arc::new(Options::default()));
        let draft = files.draft().await.unwrap();
        let dir = files.dir.get().unwrap().path().to_owned();
        assert!(dir.exists());
        drop(draft);
        drop(files);
        assert!(!dir.exists());
    }
}

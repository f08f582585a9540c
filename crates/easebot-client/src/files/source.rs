//! Where the bytes of an upload come from.

use std::{
    fmt,
    fs::Metadata,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest::{self, SHA256};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{
    UploadError,
    chunks::{Chunks, elsewhere},
};

/// Where the bytes of an upload come from.
#[derive(Debug)]
pub struct Source {
    kind: Kind,
    length_bytes: u64,
}

enum Kind {
    Bytes(Bytes),
    Path(PathBuf, Stamp),
    Reader(Chunks),
}

/// What changes when somebody writes to a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    length_bytes: u64,
    modified: Option<SystemTime>,
    /// Number, and time at which anything at it was changed.
    #[cfg(unix)]
    node: (u64, i64, i64),
}

/// SHA-256 of a content.
pub(super) type Digest = [u8; 32];

/// A content of a reader that is no longer than this is read into memory first, so that it can be sent again.
const MAX_KEPT_BYTES: u64 = 1024 * 1024;

/// Bytes that are hashed at once.
const HASH_BYTES: usize = 256 * 1024;

/// A file that was written to within this time may be written to again without another stamp: clocks of file systems are
/// that coarse.
const YOUTH: Duration = Duration::from_secs(2);

impl Source {
    /// These bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { length_bytes: bytes.len() as u64, kind: Kind::Bytes(bytes) }
    }

    /// The file at `path` with the length that it has now.
    ///
    /// # Errors
    /// [`UploadError::Read`] if it cannot be looked at, or is no file.
    pub async fn path(path: impl Into<PathBuf>) -> Result<Self, UploadError> {
        let path = path.into();
        let facts =
            tokio::fs::metadata(&path).await.map_err(|source| UploadError::Read { source })?;
        if !facts.is_file() {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "this is no regular file");
            return Err(UploadError::Read { source });
        }
        let stamp = Stamp::of(&facts);
        Ok(Self { length_bytes: stamp.length_bytes, kind: Kind::Path(path, stamp) })
    }

    /// The next `length_bytes` of `reader`.
    ///
    /// It can be read once only: above 1 MiB nothing is sent a second time, and parts go one after the other.
    pub fn reader(
        reader: impl AsyncRead + Send + Sync + Unpin + 'static,
        length_bytes: u64,
    ) -> Self {
        Self { kind: Kind::Reader(Chunks::Reader(Box::new(reader))), length_bytes }
    }

    /// Length in bytes.
    #[must_use]
    pub const fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// The name of the file, if it is one.
    pub(super) fn file_name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Path(path, _) => Path::file_name(path)?.to_str(),
            Kind::Bytes(_) | Kind::Reader(_) => None,
        }
    }

    /// Brings it into a form that can be read again, where that is possible.
    pub(super) async fn settle(self) -> Result<Self, UploadError> {
        let Self { kind: Kind::Reader(Chunks::Reader(mut reader)), length_bytes } = self else {
            return Ok(self);
        };
        if length_bytes > MAX_KEPT_BYTES {
            return Ok(Self { kind: Kind::Reader(Chunks::Reader(reader)), length_bytes });
        }
        let mut bytes = Vec::new();
        let read = (&mut reader).take(length_bytes).read_to_end(&mut bytes).await;
        read.map_err(|source| UploadError::Read { source })?;
        let got_bytes = bytes.len() as u64;
        if got_bytes < length_bytes {
            return Err(UploadError::CutShort { expected_bytes: length_bytes, got_bytes });
        }
        Ok(Self::bytes(bytes))
    }

    /// Whether it can be read again.
    pub(super) const fn is_repeatable(&self) -> bool {
        matches!(self.kind, Kind::Bytes(_) | Kind::Path(..))
    }

    /// Whether it is still there once it is up, and it can be told then that it is what went up.
    pub(super) fn can_be_hashed_later(&self) -> bool {
        match &self.kind {
            Kind::Bytes(_) => true,
            Kind::Path(_, stamp) => {
                let age = stamp.modified.and_then(|time| time.elapsed().ok());
                age.is_some_and(|age| age > YOUTH)
            }
            Kind::Reader(_) => false,
        }
    }

    /// Whether it is what it was when this was made, as far as its file system tells.
    pub(super) async fn is_unchanged(&self) -> bool {
        match &self.kind {
            Kind::Bytes(_) => true,
            Kind::Path(path, stamp) => {
                let facts = tokio::fs::metadata(path).await;
                facts.is_ok_and(|facts| Stamp::of(&facts) == *stamp)
            }
            Kind::Reader(_) => false,
        }
    }

    /// SHA-256 of the content; `None` if it can be read once only. Stops when it is dropped.
    pub(super) async fn digest(&self) -> Result<Option<Digest>, UploadError> {
        let failed = |source| UploadError::Read { source };
        let wanted = Arc::new(());
        let is_wanted = {
            let wanted = Arc::downgrade(&wanted);
            move || wanted.strong_count() > 0
        };
        let hash = match &self.kind {
            Kind::Bytes(bytes) if bytes.len() <= HASH_BYTES => return Ok(Some(of(bytes))),
            Kind::Bytes(bytes) => {
                let bytes = bytes.clone();
                elsewhere(move || hash(&*bytes, is_wanted)).await
            }
            Kind::Path(path, _) => {
                let (path, n_bytes) = (path.clone(), self.length_bytes);
                let of_file = move || {
                    let file = std::fs::File::open(path)?;
                    hash(io::Read::take(file, n_bytes), is_wanted)
                };
                elsewhere(of_file).await
            }
            Kind::Reader(_) => return Ok(None),
        };
        hash.map_err(failed).map(Some)
    }

    /// The content as it can be read; what is read once only is shown to `hash`.
    pub(super) fn content<'a>(&'a mut self, hash: &'a mut Option<digest::Context>) -> Content<'a> {
        match self.kind {
            Kind::Bytes(_) | Kind::Path(..) => Content::Again(self),
            Kind::Reader(ref mut chunks) => Content::Once { chunks, hash },
        }
    }

    /// The content from byte `start` on. One that can be read once only has ended here.
    pub(super) async fn open(&self, start: u64) -> Result<Chunks, UploadError> {
        Ok(match &self.kind {
            Kind::Bytes(bytes) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
                Chunks::Bytes(bytes.slice(start..))
            }
            Kind::Path(path, _) => {
                let opened = Chunks::of_file(path, start).await;
                opened.map_err(|source| UploadError::Read { source })?
            }
            Kind::Reader(_) => Chunks::Bytes(Bytes::new()),
        })
    }
}

/// A content, by how often it can be read.
pub(super) enum Content<'a> {
    /// As often as needed.
    Again(&'a Source),
    /// From start to end, once.
    Once { chunks: &'a mut Chunks, hash: &'a mut Option<digest::Context> },
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(_) => f.write_str("Bytes"),
            Self::Path(path, _) => f.debug_tuple("Path").field(path).finish(),
            Self::Reader(_) => f.write_str("Reader"),
        }
    }
}

impl Stamp {
    fn of(facts: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            length_bytes: facts.len(),
            modified: facts.modified().ok(),
            #[cfg(unix)]
            node: (facts.ino(), facts.ctime(), facts.ctime_nsec()),
        }
    }
}

fn of(bytes: &[u8]) -> Digest {
    finish(&digest::digest(&SHA256, bytes))
}

/// SHA-256 of what `content` has, as long as `is_wanted`.
fn hash(mut content: impl io::Read, is_wanted: impl Fn() -> bool) -> io::Result<Digest> {
    let mut context = digest::Context::new(&SHA256);
    let mut buffer = vec![0; HASH_BYTES];
    while is_wanted() {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(finish(&context.finish())),
            Ok(n_read) => context.update(buffer.get(..n_read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        // Whoever waits for the processor goes first: the message of a file that is up.
        thread::yield_now();
    }
    Err(io::Error::other("nobody waits for it any more"))
}

/// SHA-256 has 32 bytes.
pub(super) fn finish(digest: &digest::Digest) -> Digest {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    bytes
}

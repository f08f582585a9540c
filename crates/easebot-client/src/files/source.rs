//! Where the bytes of an upload come from.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};

use aws_lc_rs::digest::{self, SHA256};
use bytes::Bytes;
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncReadExt, AsyncSeekExt, ReadBuf},
};

use super::UploadError;

/// Where the bytes of an upload come from.
#[derive(Debug)]
pub struct Source {
    kind: Kind,
    length_bytes: u64,
}

enum Kind {
    Bytes(Bytes),
    Path(PathBuf),
    Reader(Reader),
}

pub(super) type Reader = Box<dyn AsyncRead + Send + Sync + Unpin>;

/// SHA-256 of a content.
pub(super) type Digest = [u8; 32];

/// A content of a reader that is no longer than this is read into memory first, so that it can be sent again.
const MAX_KEPT_BYTES: u64 = 1024 * 1024;

/// Bytes that are hashed at once.
const HASH_BYTES: usize = 256 * 1024;

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
        Ok(Self { length_bytes: facts.len(), kind: Kind::Path(path) })
    }

    /// The next `length_bytes` of `reader`.
    ///
    /// It can be read once only: above 1 MiB nothing is sent a second time, and parts go one after the other.
    pub fn reader(
        reader: impl AsyncRead + Send + Sync + Unpin + 'static,
        length_bytes: u64,
    ) -> Self {
        Self { kind: Kind::Reader(Box::new(reader)), length_bytes }
    }

    /// Length in bytes.
    #[must_use]
    pub const fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// The name of the file, if it is one.
    pub(super) fn file_name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Path(path) => Path::file_name(path)?.to_str(),
            Kind::Bytes(_) | Kind::Reader(_) => None,
        }
    }

    /// Brings it into a form that can be read again, where that is possible.
    pub(super) async fn settle(self) -> Result<Self, UploadError> {
        let Self { kind: Kind::Reader(mut reader), length_bytes } = self else { return Ok(self) };
        if length_bytes > MAX_KEPT_BYTES {
            return Ok(Self { kind: Kind::Reader(reader), length_bytes });
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

    /// SHA-256 of the content; `None` if it can be read once only.
    pub(super) async fn digest(&self) -> Result<Option<Digest>, UploadError> {
        let failed = |source| UploadError::Read { source };
        let hash = match &self.kind {
            Kind::Bytes(bytes) if bytes.len() <= HASH_BYTES => return Ok(Some(of(bytes))),
            Kind::Bytes(bytes) => {
                let bytes = bytes.clone();
                tokio::task::spawn_blocking(move || Ok(of(&bytes)))
            }
            Kind::Path(path) => {
                let (path, n_bytes) = (path.clone(), self.length_bytes);
                tokio::task::spawn_blocking(move || of_file(&path, n_bytes))
            }
            Kind::Reader(_) => return Ok(None),
        };
        // A task that was stopped with the runtime is an error of reading as well.
        hash.await.map_err(io::Error::other).and_then(|digest| digest).map_err(failed).map(Some)
    }

    /// The content as it can be read; what is read once only is shown to `hash`.
    pub(super) fn content<'a>(&'a mut self, hash: &'a mut Option<digest::Context>) -> Content<'a> {
        match self.kind {
            Kind::Bytes(_) | Kind::Path(_) => Content::Again(self),
            Kind::Reader(ref mut reader) => Content::Once { reader, hash },
        }
    }

    /// A new reader from byte `start` on. One that can be read once only has ended here.
    pub(super) async fn open(&self, start: u64) -> Result<Reader, UploadError> {
        let failed = |source| UploadError::Read { source };
        Ok(match &self.kind {
            Kind::Bytes(bytes) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
                Box::new(BytesReader(bytes.slice(start..)))
            }
            Kind::Path(path) => {
                let mut file = File::open(path).await.map_err(failed)?;
                if start > 0 {
                    file.seek(io::SeekFrom::Start(start)).await.map_err(failed)?;
                }
                Box::new(file)
            }
            Kind::Reader(_) => Box::new(tokio::io::empty()),
        })
    }
}

/// A content, by how often it can be read.
pub(super) enum Content<'a> {
    /// As often as needed.
    Again(&'a Source),
    /// From start to end, once.
    Once { reader: &'a mut Reader, hash: &'a mut Option<digest::Context> },
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(_) => f.write_str("Bytes"),
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Reader(_) => f.write_str("Reader"),
        }
    }
}

fn of(bytes: &[u8]) -> Digest {
    finish(&digest::digest(&SHA256, bytes))
}

fn of_file(path: &Path, n_bytes: u64) -> io::Result<Digest> {
    use io::Read;
    let mut file = std::fs::File::open(path)?.take(n_bytes);
    let mut context = digest::Context::new(&SHA256);
    let mut buffer = vec![0; HASH_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(finish(&context.finish())),
            n_read => context.update(buffer.get(..n_read).unwrap_or_default()),
        }
    }
}

/// SHA-256 has 32 bytes.
pub(super) fn finish(digest: &digest::Digest) -> Digest {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    bytes
}

/// Reads bytes in memory.
struct BytesReader(Bytes);

impl AsyncRead for BytesReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let n_bytes = buf.remaining().min(self.0.len());
        buf.put_slice(&self.0.split_to(n_bytes));
        Poll::Ready(Ok(()))
    }
}

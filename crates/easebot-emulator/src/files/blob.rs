//! Bytes on disk: written once, read often, deleted when the last who holds them lets go.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tempfile::{NamedTempFile, TempPath};
use thiserror::Error;
use tokio::{
    fs::File,
    io::{AsyncWriteExt as _, copy},
    task::spawn_blocking,
};

/// Why bytes were not kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum WriteError {
    /// All files together take as much as they may.
    #[error("the files together may take {limit_bytes} bytes")]
    Full { limit_bytes: u64 },
    /// The system said no.
    #[error("cannot write to the folder of temporary files")]
    Io(
        #[from]
        #[source]
        io::Error,
    ),
    /// The file is larger than files may be.
    #[error("a file has at most {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
}

/// The part of the quota that one file takes. Given back when dropped.
#[derive(Debug)]
pub(super) struct Space {
    used: Arc<AtomicU64>,
    limit_bytes: u64,
    n_bytes: u64,
}

impl Space {
    /// No space yet, out of a quota of `limit_bytes` of which `used` are taken.
    pub(super) const fn new(used: Arc<AtomicU64>, limit_bytes: u64) -> Self {
        Self { used, limit_bytes, n_bytes: 0 }
    }

    fn claim(&mut self, n_bytes: u64) -> Result<(), WriteError> {
        let limit_bytes = self.limit_bytes;
        let grown = |used: u64| used.checked_add(n_bytes).filter(|used| *used <= limit_bytes);
        self.used
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, grown)
            .map_err(|_| WriteError::Full { limit_bytes })?;
        self.n_bytes += n_bytes;
        Ok(())
    }

    /// Takes over what `other` holds.
    fn absorb(&mut self, mut other: Self) {
        self.n_bytes += std::mem::take(&mut other.n_bytes);
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        self.used.fetch_sub(self.n_bytes, Ordering::SeqCst);
    }
}

/// A file that is being written. Dropped unfinished, it is gone.
#[derive(Debug)]
pub(crate) struct Draft {
    file: File,
    path: TempPath,
    space: Space,
    n_bytes: u64,
    limit_bytes: u64,
}

impl Draft {
    /// An empty file in `dir` that may grow to `limit_bytes`.
    pub(super) async fn create(
        dir: &Path,
        space: Space,
        limit_bytes: u64,
    ) -> Result<Self, WriteError> {
        let dir = dir.to_owned();
        let created = spawn_blocking(move || NamedTempFile::new_in(dir)).await;
        let (file, path) = created.map_err(io::Error::other)??.into_parts();
        Ok(Self { file: File::from_std(file), path, space, n_bytes: 0, limit_bytes })
    }

    pub(crate) async fn write(&mut self, chunk: &[u8]) -> Result<(), WriteError> {
        let n_bytes = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let grown = self.grown(n_bytes)?;
        self.space.claim(n_bytes)?;
        self.n_bytes = grown;
        Ok(self.file.write_all(chunk).await?)
    }

    /// Appends what `blob` holds, in the place of it.
    pub(crate) async fn append(&mut self, blob: Blob) -> Result<(), WriteError> {
        self.n_bytes = self.grown(blob.n_bytes)?;
        copy(&mut blob.open().await?, &mut self.file).await?;
        self.space.absorb(blob.space);
        Ok(())
    }

    pub(crate) async fn finish(mut self) -> Result<Blob, WriteError> {
        self.file.flush().await?;
        Ok(Blob { path: self.path, n_bytes: self.n_bytes, space: self.space })
    }

    /// The length with `n_bytes` more.
    fn grown(&self, n_bytes: u64) -> Result<u64, WriteError> {
        let limit_bytes = self.limit_bytes;
        let grown = self.n_bytes.checked_add(n_bytes).filter(|n| *n <= limit_bytes);
        grown.ok_or(WriteError::TooLarge { limit_bytes })
    }
}

/// A file that was written.
#[derive(Debug)]
pub(crate) struct Blob {
    path: TempPath,
    n_bytes: u64,
    space: Space,
}

impl Blob {
    pub(crate) const fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn open(&self) -> io::Result<File> {
        File::open(&self.path).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    async fn draft(dir: &Path, used: &Arc<AtomicU64>, limit_bytes: u64) -> Draft {
        Draft::create(dir, Space::new(Arc::clone(used), 10), limit_bytes).await.unwrap()
    }

    #[tokio::test]
    async fn a_file_is_gone_with_the_last_who_holds_it_and_gives_its_space_back() {
        let dir = tempfile::tempdir().unwrap();
        let used = Arc::default();
        let mut first = draft(dir.path(), &used, 10).await;
        first.write(b"hello").await.unwrap();
        let first = first.finish().await.unwrap();
        let path = first.path().to_owned();
        assert!(path.exists());
        assert_eq!((first.n_bytes(), used.load(Ordering::SeqCst)), (5, 5));
        drop(first);
        assert!(!path.exists());
        assert_eq!(used.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn the_quota_is_for_all_files_and_the_limit_for_one() {
        let dir = tempfile::tempdir().unwrap();
        let used = Arc::default();
        let mut large = draft(dir.path(), &used, 6).await;
        large.write(b"123456").await.unwrap();
        let error = large.write(b"7").await.unwrap_err();
        assert!(matches!(error, WriteError::TooLarge { limit_bytes: 6 }), "{error}");
        let mut second = draft(dir.path(), &used, 6).await;
        let error = second.write(b"12345").await.unwrap_err();
        assert!(matches!(error, WriteError::Full { limit_bytes: 10 }), "{error}");
        drop(large);
        second.write(b"12345").await.unwrap();
    }

    #[tokio::test]
    async fn an_appended_file_takes_no_space_twice() {
        let dir = tempfile::tempdir().unwrap();
        let used = Arc::default();
        let mut whole = draft(dir.path(), &used, 10).await;
        for part in [b"hello", b"world"] {
            let mut draft = draft(dir.path(), &used, 10).await;
            draft.write(part).await.unwrap();
            whole.append(draft.finish().await.unwrap()).await.unwrap();
        }
        let whole = whole.finish().await.unwrap();
        assert_eq!(used.load(Ordering::SeqCst), 10);
        let mut text = String::new();
        whole.open().await.unwrap().read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "helloworld");
    }
}

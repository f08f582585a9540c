//! The unfinished file of a download.

use std::{
    fs::{OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{self, SHA256};
use tokio::{
    fs::File,
    io::{AsyncSeekExt, AsyncWriteExt},
};

use super::{DownloadError, known::hex};

/// The unfinished file of a download, `NAME.{address}.part` beside the place where it belongs. Locked while it is open.
///
/// `{address}` is made of the address that the bytes come from, so that a download never goes on with another's bytes.
#[derive(Debug)]
pub(super) struct PartFile {
    file: File,
    part: PathBuf,
    to: PathBuf,
    n_bytes: u64,
}

impl PartFile {
    /// Opens what an earlier try has left, or a new file.
    pub(super) async fn open(to: &Path, address: &str) -> Result<Self, DownloadError> {
        let failed = |source| DownloadError::Write { source };
        let part = part_of(to, address).map_err(failed)?;
        let opened = tokio::task::spawn_blocking({
            let part = part.clone();
            move || open(&part)
        });
        let opened = opened.await.map_err(io::Error::other).and_then(|opened| opened);
        let Some(file) = opened.map_err(failed)? else {
            return Err(DownloadError::InUse { path: part });
        };
        let mut file = File::from_std(file);
        let n_bytes = file.seek(io::SeekFrom::End(0)).await.map_err(failed)?;
        Ok(Self { file, part, to: to.to_owned(), n_bytes })
    }

    pub(super) const fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    pub(super) async fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.file.write_all(chunk).await?;
        self.n_bytes += chunk.len() as u64;
        Ok(())
    }

    /// Throws away what there is.
    pub(super) async fn restart(&mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.set_len(0).await?;
        self.file.rewind().await?;
        self.n_bytes = 0;
        Ok(())
    }

    /// Writes everything to the disk and moves the file to its place, over an older one.
    pub(super) async fn finish(mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.sync_data().await?;
        tokio::fs::rename(&self.part, &self.to).await
    }

    /// Removes the file.
    pub(super) async fn discard(self) -> io::Result<()> {
        tokio::fs::remove_file(&self.part).await
    }

    /// Leaves the file to a later try.
    pub(super) async fn keep(mut self) -> io::Result<()> {
        self.file.flush().await
    }
}

/// The open and locked file; `None` if another download has it.
fn open(part: &Path) -> io::Result<Option<std::fs::File>> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(part)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        // Not every file system has locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Another one may have finished between the two steps: then the file that is open here has another name by now.
    Ok(part.exists().then_some(file))
}

fn part_of(to: &Path, address: &str) -> io::Result<PathBuf> {
    let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
    let mut name = to.file_name().ok_or_else(no_name)?.to_owned();
    let digest = digest::digest(&SHA256, address.as_bytes());
    let short = digest.as_ref().get(..8).unwrap_or_default();
    name.push(format!(".{}.part", hex(short)));
    Ok(to.with_file_name(name))
}

//! Where the file of the process that works with it is: there, and nobody else's.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::lock::FileLock;
use crate::{OpenError, StoreError};

/// The place of an open database, and the lock on it.
///
/// A file that is deleted, moved or replaced while it is open goes on to be written, but nobody finds that again; and whose
/// lock is gone has no lock. Looking costs about two microseconds.
pub(super) struct Home {
    database: PathBuf,
    file: Identity,
    lock: FileLock,
}

/// What tells one file from another, whatever it is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Home {
    /// Of the file that has just been opened at `database`.
    pub(super) fn new(database: &Path, lock: FileLock) -> Result<Self, OpenError> {
        let refused = |source| OpenError::Lock { path: database.to_path_buf(), source };
        // The process may change its folder.
        let database = std::path::absolute(database).map_err(refused)?;
        let file = Identity::at(&database).map_err(refused)?;
        Ok(Self { database, file, lock })
    }

    /// Whether the file is still there. A lock that was deleted is taken again.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if it is not, or if another process took the lock.
    pub(super) fn check(&mut self) -> Result<(), StoreError> {
        let gone = || StoreError::Gone { path: self.database.clone() };
        if Identity::at(&self.database).ok() != Some(self.file) {
            return Err(gone());
        }
        if !self.lock.is_in_place(&self.database) {
            // Since the look above, the whole folder may have been moved away.
            self.lock = FileLock::take_in_place(&self.database).map_err(|_| gone())?;
            tracing::warn!("the lock of the database was deleted, and is taken again");
        }
        Ok(())
    }
}

impl Identity {
    fn at(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|file| Self::of(&file))
    }

    fn of(file: &Metadata) -> Self {
        Self { device: file.dev(), inode: file.ino() }
    }
}

/// Whether the file at `path` is the one of `file`.
pub(super) fn is_same(path: &Path, file: &fs::File) -> bool {
    let (there, here) = (Identity::at(path), file.metadata().map(|file| Identity::of(&file)));
    there.ok().zip(here.ok()).is_some_and(|(there, here)| there == here)
}

//! One opener at a time.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use super::home::is_same;
use crate::OpenError;

/// The lock on a database: held as long as this lives, and gone with the process however it ends.
///
/// The lock itself is the operating system's; the file's content only tells who holds it. The file stays when the lock goes,
/// because removing it could take it away from the next holder.
#[derive(Debug)]
pub(super) struct FileLock {
    file: File,
}

impl FileLock {
    /// Makes the folder of `database` if it is not there, and locks `DATABASE.lock` in it.
    pub(super) fn take(database: &Path) -> Result<Self, OpenError> {
        if let Some(folder) = database.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)
                .map_err(|source| OpenError::Folder { path: folder.to_path_buf(), source })?;
        }
        Self::take_in_place(database)
    }

    /// Locks `DATABASE.lock` in the folder of `database`, which has to be there: one that is made where it was moved away
    /// would keep it from being moved back.
    pub(super) fn take_in_place(database: &Path) -> Result<Self, OpenError> {
        let path = lock_path(database);
        let refused = |source| OpenError::Lock { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(refused)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse {
                    path: database.to_path_buf(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(refused(source)),
        }
        sign(&mut file).map_err(refused)?;
        Ok(Self { file })
    }

    /// Whether the file that is locked is the one that another opener of `database` would lock.
    pub(super) fn is_in_place(&self, database: &Path) -> bool {
        is_same(&lock_path(database), &self.file)
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Both only spare the next reader an outdated process id: the lock goes with the handle.
        drop(self.file.set_len(0));
        drop(self.file.unlock());
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(".lock");
    path.into()
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    file.flush()
}

/// `None` if it cannot be read, as on systems whose locks keep readers out.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_learns_who_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("deep/er/easebot.sqlite");
        let held = FileLock::take(&database).unwrap();
        let error = FileLock::take(&database).unwrap_err();
        let pid = std::process::id();
        assert_eq!(
            error.to_string(),
            format!("`{}` is in use by process {pid}", database.display())
        );
        drop(held);
        FileLock::take(&database).unwrap();
    }

    #[test]
    fn a_lock_file_left_behind_by_a_killed_process_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("easebot.sqlite");
        fs::write(lock_path(&database), "4294967295\n").unwrap();
        FileLock::take(&database).unwrap();
    }

    #[test]
    fn a_lock_that_is_taken_again_makes_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        FileLock::take_in_place(&data.join("easebot.sqlite")).unwrap_err();
        assert!(!data.exists());
    }
}

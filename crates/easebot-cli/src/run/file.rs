//! Whether a file has become another one.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// A file that is looked at now and then: that works on every file system, and through the links that editors and
/// orchestrators swap, where a watcher of the kernel's events needs a case for each.
pub(super) struct WatchedFile {
    path: PathBuf,
    /// As it was when it was read.
    known: Option<Stamp>,
    /// As it was at the last look.
    seen: Option<Stamp>,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    modified: SystemTime,
    length_bytes: u64,
    inode: u64,
}

impl WatchedFile {
    /// `path` is about to be read.
    pub(super) fn new(path: &Path) -> Self {
        let known = Stamp::of(path);
        Self { path: path.to_owned(), known, seen: known }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is another one than the one that was read, and was so at the last look already: whoever writes is through.
    pub(super) fn has_changed(&mut self) -> bool {
        let now = Stamp::of(&self.path);
        let is_settled = now == self.seen;
        self.seen = now;
        // While it is being replaced there may be none.
        is_settled && now.is_some() && now != self.known
    }

    /// It is about to be read again.
    pub(super) fn mark_read(&mut self) {
        self.known = Stamp::of(&self.path);
        self.seen = self.known;
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        // A pipe, which cannot be read again, changes by itself.
        let metadata = fs::metadata(path).ok().filter(Metadata::is_file)?;
        let modified = metadata.modified().ok()?;
        Some(Self { modified, length_bytes: metadata.len(), inode: metadata.ino() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_changed_when_two_looks_see_the_same_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bots.toml");
        fs::write(&path, "1").unwrap();
        let mut file = WatchedFile::new(&path);
        assert!(!file.has_changed());
        fs::write(&path, "22").unwrap();
        assert!(!file.has_changed(), "somebody may still write");
        fs::write(&path, "333").unwrap();
        assert!(!file.has_changed());
        assert!(file.has_changed());
        assert!(file.has_changed(), "it was not read yet");
        file.mark_read();
        assert!(!file.has_changed());

        // Replaced by one of the same length and time, as `mv` does with a copy that kept both.
        let copy = folder.path().join("copy");
        fs::write(&copy, "444").unwrap();
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::File::options().write(true).open(&copy).unwrap().set_modified(modified).unwrap();
        fs::rename(&copy, &path).unwrap();
        assert!(!file.has_changed());
        assert!(file.has_changed());
        file.mark_read();

        fs::remove_file(&path).unwrap();
        assert!(!file.has_changed());
        assert!(!file.has_changed(), "a file that is gone says nothing");
        fs::create_dir(&path).unwrap();
        assert!(!file.has_changed());
        assert!(!file.has_changed(), "what is no file says nothing");
    }
}

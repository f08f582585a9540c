//! Whether a configuration has become another one.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use easebot_config::paths;

/// A file, or the files of a folder, looked at now and then: that works on every file system, and through the links that
/// editors and orchestrators swap, where a watcher of the kernel's events needs a case for each.
pub(super) struct WatchedFile {
    path: PathBuf,
    /// As it was when it was read.
    known: Option<Stamps>,
    /// As it was at the last look.
    seen: Option<Stamps>,
}

/// The files of a configuration as they are.
type Stamps = Vec<(PathBuf, Stamp)>;

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
        let known = stamps(path);
        Self { path: path.to_owned(), known: known.clone(), seen: known }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is another one than the one that was read, and was so at the last look already: whoever writes is through.
    pub(super) fn has_changed(&mut self) -> bool {
        let now = stamps(&self.path);
        let is_settled = now == self.seen;
        // While a file is being replaced there may be none.
        let has_changed = is_settled && now.is_some() && now != self.known;
        self.seen = now;
        has_changed
    }

    /// It is about to be read again.
    pub(super) fn mark_read(&mut self) {
        self.known = stamps(&self.path);
        self.seen.clone_from(&self.known);
    }
}

/// None if one of the files is not there.
fn stamps(path: &Path) -> Option<Stamps> {
    let stamps: Stamps = paths(path)
        .into_iter()
        .map(|path| Stamp::of(&path).map(|stamp| (path, stamp)))
        .collect::<Option<_>>()?;
    (!stamps.is_empty()).then_some(stamps)
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

    #[test]
    fn a_folder_has_changed_when_one_of_its_files_has_come_gone_or_changed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.toml"), "1").unwrap();
        let mut file = WatchedFile::new(folder.path());
        let mut is_noticed = || {
            let first = file.has_changed();
            let second = file.has_changed();
            file.mark_read();
            (first, second)
        };
        assert_eq!(is_noticed(), (false, false));
        fs::write(folder.path().join("b.toml"), "1").unwrap();
        assert_eq!(is_noticed(), (false, true));
        fs::write(folder.path().join("b.toml"), "22").unwrap();
        assert_eq!(is_noticed(), (false, true));
        fs::write(folder.path().join(".c.toml.swp"), "of an editor").unwrap();
        assert_eq!(is_noticed(), (false, false));
        fs::remove_file(folder.path().join("a.toml")).unwrap();
        assert_eq!(is_noticed(), (false, true));
    }
}

//! A damaged file is kept aside, so that a new one can begin in its place.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// What SQLite keeps beside a database. First, so that a process that dies in between leaves no log beside a new database.
const TAILS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Moves the database at `path` and what belongs to it to `PATH.damaged-SECONDS`, and never over something that is there.
/// Whoever calls it holds the lock.
pub(super) fn set_aside(path: &Path, now: SystemTime) -> io::Result<PathBuf> {
    let secs = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let first = with(path, &format!(".damaged-{secs}"));
    let mut aside = first.clone();
    let mut n = 1_u32;
    while is_taken(&aside)? {
        n = n.saturating_add(1);
        aside = with(&first, &format!("-{n}"));
    }
    for tail in TAILS {
        match fs::rename(with(path, tail), with(&aside, tail)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            moved => moved?,
        }
    }
    fs::rename(path, &aside)?;
    Ok(aside)
}

fn is_taken(path: &Path) -> io::Result<bool> {
    for tail in TAILS.into_iter().chain([""]) {
        if with(path, tail).try_exists()? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn with(path: &Path, tail: &str) -> PathBuf {
    let mut path = OsString::from(path);
    path.push(tail);
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_together_stays_together_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let now = UNIX_EPOCH + std::time::Duration::from_secs(7);
        let mut aside = Vec::new();
        for content in ["one", "two", "three"] {
            fs::write(&path, content).unwrap();
            fs::write(with(&path, "-wal"), format!("log of {content}")).unwrap();
            aside.push(set_aside(&path, now).unwrap());
            assert!(!path.exists() && !with(&path, "-wal").exists());
        }
        let names = ["db.damaged-7", "db.damaged-7-2", "db.damaged-7-3"];
        assert_eq!(aside, names.map(|name| folder.path().join(name)));
        assert_eq!(fs::read_to_string(&aside[0]).unwrap(), "one");
        assert_eq!(fs::read_to_string(with(&aside[1], "-wal")).unwrap(), "log of two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 6);
    }
}

//! Where files are in the folder of an archive.

use std::path::{Path, PathBuf};

/// The place of a file in the folder of the archive: `media/ab/cdef…`.
pub(crate) fn place(folder: &Path, hash: &str) -> PathBuf {
    let (first, rest) = hash.split_at_checked(2).unwrap_or((hash, "_"));
    folder.join("media").join(first).join(rest)
}

/// Where a file is until its hash is known.
pub(crate) fn part(folder: &Path, file: i64) -> PathBuf {
    folder.join("part").join(file.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_placed_by_its_content() {
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            place(Path::new("a"), hash),
            Path::new("a/media/ba").join(hash.trim_start_matches("ba"))
        );
    }
}

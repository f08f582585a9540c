//! Files by their content.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use thiserror::Error;

/// What a file is that was read to its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Weighed {
    /// SHA-256 in hex.
    pub hash: String,
    /// Its length.
    pub n_bytes: u64,
    /// Its media type by its first bytes. What the sender says is not looked at.
    pub media_type: &'static str,
}

/// A file cannot be read.
#[derive(Debug, Error)]
#[error("cannot read the file at `{}`", path.display())]
pub struct WeighError {
    /// Where it is.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Bytes that are in memory at a time.
const CHUNK_BYTES: usize = 128 * 1024;

/// Reads the file at `path` from its beginning to its end, a piece at a time. Blocks.
///
/// # Errors
/// [`WeighError`] if it cannot be read.
pub fn weigh(path: &Path) -> Result<Weighed, WeighError> {
    read(path).map_err(|source| WeighError { path: path.to_owned(), source })
}

fn read(path: &Path) -> io::Result<Weighed> {
    let mut file = fs::File::open(path)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    let (mut context, mut n_bytes, mut media_type) = (Sha256::new(), 0_u64, None);
    loop {
        let n_read = file.read(&mut chunk)?;
        let read = chunk.get(..n_read).unwrap_or_default();
        // The first chunk of a file that is on the disk holds what there is to see.
        media_type.get_or_insert_with(|| media_type_of(read));
        if n_read == 0 {
            break;
        }
        context.update(read);
        n_bytes += u64::try_from(n_read).unwrap_or_default();
    }
    let hash = context.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Weighed { hash, n_bytes, media_type: media_type.unwrap_or(UNKNOWN_TYPE) })
}

/// The media type of what is not known.
pub const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Only what a browser shows without running anything of it: no SVG and no HTML.
const TYPES: &[(&str, usize, &[u8])] = &[
    ("image/png", 0, b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", 0, b"\xff\xd8\xff"),
    ("image/gif", 0, b"GIF8"),
    ("image/webp", 8, b"WEBPVP8"),
    ("image/bmp", 0, b"BM"),
    ("audio/amr", 0, b"#!AMR"),
    ("audio/mpeg", 0, b"ID3"),
    ("audio/mpeg", 0, b"\xff\xfb"),
    ("audio/wav", 8, b"WAVE"),
    ("audio/ogg", 0, b"OggS"),
    ("audio/mp4", 4, b"ftypM4A"),
    ("video/quicktime", 4, b"ftypqt"),
    ("video/mp4", 4, b"ftyp"),
    ("video/webm", 0, b"\x1a\x45\xdf\xa3"),
    ("application/pdf", 0, b"%PDF-"),
    ("application/zip", 0, b"PK\x03\x04"),
];

fn media_type_of(start: &[u8]) -> &'static str {
    let fits = |(_, at, magic): &&(&str, usize, &[u8])| {
        start.get(*at..).is_some_and(|rest| rest.starts_with(magic))
    };
    TYPES.iter().find(fits).map_or(UNKNOWN_TYPE, |(media_type, ..)| *media_type)
}

/// A media type that [`weigh`] finds.
pub(super) fn known(media_type: &str) -> Option<&'static str> {
    TYPES.iter().map(|(known, ..)| *known).find(|known| *known == media_type)
}

/// The ending of a file of this type: `bin` for one that is not known.
#[must_use]
pub fn ending(media_type: &str) -> &'static str {
    match media_type {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/bmp" => "bmp",
        "audio/amr" => "amr",
        "audio/mpeg" => "mp3",
        "audio/wav" => "wav",
        "audio/ogg" => "ogg",
        "audio/mp4" => "m4a",
        "video/quicktime" => "mov",
        "video/mp4" => "mp4",
        "video/webm" => "webm",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for (content, media_type) in [
            (&b"abc"[..], UNKNOWN_TYPE),
            (b"", UNKNOWN_TYPE),
            (b"\x89PNG\r\n\x1a\nrest", "image/png"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            (b"<svg onload='alert(1)'>", UNKNOWN_TYPE),
            (b"\0\0\0\x18ftypmp42", "video/mp4"),
        ] {
            fs::write(&path, content).unwrap();
            let weighed = weigh(&path).unwrap();
            assert_eq!((weighed.media_type, weighed.n_bytes), (media_type, content.len() as u64));
        }
        fs::write(&path, "abc").unwrap();
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(weigh(&path).unwrap().hash, hash);
    }
}

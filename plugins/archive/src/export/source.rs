//! Where an export has the files of an archive.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use base64::{engine::general_purpose::STANDARD, write::EncoderWriter};
use easebot_role::archive::{UNKNOWN_TYPE, ending};

use crate::{ExportError, FileEntry, FileState, Reader};

/// Where files go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'p> {
    /// Into `media` in this folder.
    Beside(&'p Path),
    /// Into the export itself.
    Inside,
    /// Nowhere: they are named.
    Nowhere,
}

/// The files of one archive on their way into an export.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    archive: &'a Reader,
    place: Place<'a>,
    pub(super) n_files: u64,
    pub(super) n_missing: u64,
}

/// A file that is there.
#[derive(Debug)]
pub(super) enum Source {
    /// To be written into the export.
    Inside { file: File, media_type: String },
    /// At this address, beside the export. It holds nothing that a sender has chosen.
    Link(String),
}

impl Source {
    /// Writes it as the value of an attribute.
    pub(super) fn write(self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Link(address) => out.write_all(address.as_bytes()),
            Self::Inside { mut file, media_type } => {
                write!(out, "data:{media_type};base64,")?;
                let mut encoder = EncoderWriter::new(out, &STANDARD);
                io::copy(&mut file, &mut encoder)?;
                encoder.finish().map(drop)
            }
        }
    }
}

impl<'a> Sources<'a> {
    pub(super) const fn new(archive: &'a Reader, place: Place<'a>) -> Self {
        Self { archive, place, n_files: 0, n_missing: 0 }
    }

    /// The bot that the archive belongs to.
    pub(super) fn bot(&self) -> &'a str {
        &self.archive.about().bot
    }

    /// The file, if the export has it.
    pub(super) fn take(&mut self, entry: &FileEntry) -> Result<Option<Source>, ExportError> {
        // The file of a combined message is in the export as its messages.
        let Some(hash) = entry.sha256.as_deref().filter(|_| entry.state == FileState::Here) else {
            self.n_missing += u64::from(entry.state != FileState::Here);
            return Ok(None);
        };
        let media_type = entry.media_type.as_deref().unwrap_or(UNKNOWN_TYPE);
        let from = self.archive.media(hash);
        let source = match self.place {
            Place::Nowhere => return Ok(None),
            Place::Inside => {
                open(&from)?.map(|file| Source::Inside { file, media_type: media_type.to_owned() })
            }
            Place::Beside(folder) => {
                let name = format!("{hash}.{}", ending(media_type));
                copy(&from, &folder.join("media").join(&name))?
                    .then(|| Source::Link(format!("media/{name}")))
            }
        };
        // It made room for others since its row was read.
        let n = if source.is_some() { &mut self.n_files } else { &mut self.n_missing };
        *n += 1;
        Ok(source)
    }
}

fn open(path: &Path) -> Result<Option<File>, ExportError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => {
            let from = path.to_path_buf();
            Err(ExportError::Copy { to: from.clone(), from, source })
        }
    }
}

/// Whether there is something to copy.
fn copy(from: &Path, to: &Path) -> Result<bool, ExportError> {
    let Some(mut file) = open(from)? else { return Ok(false) };
    let failed =
        |source| ExportError::Copy { from: from.to_path_buf(), to: to.to_path_buf(), source };
    let n_bytes = file.metadata().map_err(failed)?.len();
    // Named by its content: one of this length is this one.
    if fs::metadata(to).is_ok_and(|there| there.is_file() && there.len() == n_bytes) {
        return Ok(true);
    }
    let mut copy = File::create(to).map_err(failed)?;
    io::copy(&mut Read::take(&mut file, n_bytes), &mut copy).map_err(failed)?;
    Ok(true)
}

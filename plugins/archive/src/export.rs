//! Archives as files for people and for other programs.

mod html;
mod jsonl;
mod markdown;
mod source;

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use crate::{Entry, ExportError, Filter, Reader};

use self::source::{Place, Sources};

/// What an export looks like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// A page that needs no network and runs no script.
    Html,
    /// A JSON object a line, for each message that somebody has written.
    Jsonl,
    /// Markdown.
    Markdown,
}

impl ExportFormat {
    /// Name of the file in the folder of an export.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Html => "archive.html",
            Self::Jsonl => "archive.jsonl",
            Self::Markdown => "archive.md",
        }
    }
}

/// What was exported.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Exported {
    /// Messages that people have written.
    pub n_messages: u64,
    /// Files that are in the export.
    pub n_files: u64,
    /// Files that are not: they were lost, or not fetched yet.
    pub n_missing: u64,
}

/// Writes what `filter` takes of `archives` to `out`, one archive behind the other, oldest first.
///
/// A page holds its files itself. The other formats name them by their hash alone.
///
/// # Errors
/// [`ExportError`].
pub fn export(
    archives: &[Reader],
    filter: &Filter,
    format: ExportFormat,
    out: &mut dyn Write,
) -> Result<Exported, ExportError> {
    let place = if format == ExportFormat::Html { Place::Inside } else { Place::Nowhere };
    write(archives, filter, format, place, out)
}

/// Writes a file into `folder`, which is made if there is none, with the files of the archives in `media` beside it.
///
/// # Errors
/// [`ExportError`]. What was written until then stays.
pub fn export_into(
    archives: &[Reader],
    filter: &Filter,
    format: ExportFormat,
    folder: &Path,
) -> Result<Exported, ExportError> {
    fs::create_dir_all(folder.join("media"))?;
    let mut out = BufWriter::new(File::create(folder.join(format.file_name()))?);
    let exported = write(archives, filter, format, Place::Beside(folder), &mut out)?;
    out.flush()?;
    Ok(exported)
}

fn write(
    archives: &[Reader],
    filter: &Filter,
    format: ExportFormat,
    place: Place<'_>,
    out: &mut dyn Write,
) -> Result<Exported, ExportError> {
    let mut exported = Exported::default();
    if format == ExportFormat::Html {
        html::begin(out)?;
    }
    for archive in archives {
        let mut sources = Sources::new(archive, place);
        match format {
            ExportFormat::Html => html::head(out, archive.about())?,
            ExportFormat::Jsonl => {}
            ExportFormat::Markdown => markdown::head(out, archive.about())?,
        }
        archive.each(filter, |entry: Entry| {
            exported.n_messages += 1;
            match format {
                ExportFormat::Html => html::message(out, &entry, &mut sources, 0),
                ExportFormat::Jsonl => jsonl::message(out, &entry, &mut sources),
                ExportFormat::Markdown => markdown::message(out, &entry, &mut sources, 0),
            }
        })?;
        exported.n_files += sources.n_files;
        exported.n_missing += sources.n_missing;
    }
    if format == ExportFormat::Html {
        html::end(out)?;
    }
    Ok(exported)
}

#[cfg(test)]
mod tests;

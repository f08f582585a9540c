#![doc = include_str!("../README.md")]

mod error;
mod export;
mod kept;
mod keys;
mod media;
mod plugin;
mod reader;
mod record;
mod schema;
mod scope;
mod segment;
mod when;
mod writer;

pub use error::{ExportError, OpenArchiveError, ReadError};
pub use export::{ExportFormat, Exported, export, export_into};
pub use keys::ArchiveKeys;
pub use plugin::Archive;
pub use reader::{
    About, Entry, FileEntry, FileState, Filter, Hit, Reader, Recall, Summary, Version,
};
pub use schema::FILE_NAME;
pub use when::{ParseTimeError, parse_time, show_time};
pub use writer::Writer;

//! A JSON object a line.

use std::io::Write;

use serde_json::{Value, json};

use super::source::{Source, Sources};
use crate::{Entry, ExportError};

pub(super) fn message(
    out: &mut dyn Write,
    entry: &Entry,
    sources: &mut Sources<'_>,
) -> Result<(), ExportError> {
    let mut line = serde_json::to_value(entry).map_err(std::io::Error::other)?;
    if let Some(fields) = line.as_object_mut() {
        fields.shift_insert(0, "bot".to_owned(), json!(sources.bot()));
    }
    place(&mut line, entry, sources)?;
    writeln!(out, "{line}")?;
    Ok(())
}

/// Says of each file where it is.
fn place(line: &mut Value, entry: &Entry, sources: &mut Sources<'_>) -> Result<(), ExportError> {
    for (at, file) in entry.files.iter().enumerate() {
        let source = sources.take(file)?;
        if let (Some(Source::Link(address)), Some(file)) =
            (source, line.pointer_mut(&format!("/files/{at}")).and_then(Value::as_object_mut))
        {
            file.insert("path".to_owned(), Value::String(address));
        }
    }
    for (at, inside) in entry.messages.iter().enumerate() {
        if let Some(line) = line.pointer_mut(&format!("/messages/{at}")) {
            place(line, inside, sources)?;
        }
    }
    Ok(())
}

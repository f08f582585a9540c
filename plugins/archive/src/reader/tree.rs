//! A message with everything in it.

use std::collections::HashMap;

use easebot_model::{MessageId, Timestamp};
use rusqlite::Connection;
use serde::Serialize;
use serde_json::Value;

use super::{id, time};
use crate::{ReadError, kept, schema};

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Its id; 0 if it has none.
    pub id: MessageId,
    /// Where it was said, or the one that stands in a combined message was.
    pub conversation: String,
    /// Who said it.
    pub from: String,
    /// When, in milliseconds since 1970.
    pub time_ms: Timestamp,
    /// Kind of its body.
    pub kind: String,
    /// What there is to read of it.
    pub text: String,
    /// Whether it was recalled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recalled: Option<Recall>,
    /// What it was before it was edited, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<Version>,
    /// What it names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileEntry>,
    /// The messages of a combined one, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Self>,
    /// All of it but secrets.
    pub message: Value,
}

/// How a message was recalled.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Recall {
    /// When the archive heard of it, in milliseconds since 1970.
    pub time_ms: Timestamp,
    /// By whom.
    pub by: String,
}

/// What a message was until it was edited.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Version {
    /// When it was edited, in milliseconds since 1970.
    pub until_ms: Timestamp,
    /// By whom.
    pub by: String,
    /// What there was to read of it.
    pub text: String,
    /// All of it but secrets.
    pub message: Value,
}

/// A file that a message names.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct FileEntry {
    /// `content`, or `messages` for the file of a combined message.
    pub role: String,
    /// Its name, as the sender gave it: never a path.
    pub name: Option<String>,
    /// Where it stood, without what opens it.
    pub address: String,
    /// What became of it.
    pub state: FileState,
    /// Why it is not here, or not all of it.
    pub reason: Option<String>,
    /// SHA-256 of its content, in hex; none if it is not here, or is that of a combined message.
    pub sha256: Option<String>,
    /// Its length.
    pub n_bytes: Option<u64>,
    /// Its media type, by its content.
    pub media_type: Option<String>,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileState {
    /// It is here.
    Here,
    /// It cannot be had.
    Lost,
    /// It was not fetched yet.
    Waiting,
}

/// The message in row `root`.
pub(super) fn load(connection: &Connection, root: i64) -> Result<Entry, ReadError> {
    // One view of all tables, whatever a bot writes meanwhile.
    let at = connection.unchecked_transaction()?;
    let mut files = files(&at, root)?;
    let mut versions = versions(&at, root)?;
    let mut statement = at.prepare(
        "SELECT row, parent, id, conversation, sender, time, kind, text, json, recalled, recaller
         FROM message WHERE row = ?1 OR root = ?1 ORDER BY level DESC, parent, place",
    )?;
    let mut rows = statement.query([root])?;
    // Those of a level stand behind those that stand in them.
    let mut inside: HashMap<i64, Vec<Entry>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let by: Option<String> = row.get(10)?;
        let recalled = match by {
            Some(by) => Some(Recall { time_ms: time(row, 9)?, by }),
            None => None,
        };
        let entry = Entry {
            id: id(row, 2)?,
            conversation: row.get(3)?,
            from: row.get(4)?,
            time_ms: time(row, 5)?,
            kind: row.get(6)?,
            text: row.get(7)?,
            recalled,
            versions: versions.remove(&number).unwrap_or_default(),
            files: files.remove(&number).unwrap_or_default(),
            messages: inside.remove(&number).unwrap_or_default(),
            message: json(number, &row.get::<_, String>(8)?)?,
        };
        match row.get::<_, Option<i64>>(1)? {
            Some(parent) => inside.entry(parent).or_default().push(entry),
            None => return Ok(entry),
        }
    }
    Err(rusqlite::Error::QueryReturnedNoRows.into())
}

fn json(row: i64, text: &str) -> Result<Value, ReadError> {
    kept::read(text).map_err(|source| ReadError::Row { row, source })
}

fn files(at: &Connection, root: i64) -> Result<HashMap<i64, Vec<FileEntry>>, ReadError> {
    let mut statement = at.prepare(
        "SELECT file.message, role, name, address, state, reason, file.hash, n_bytes, type
         FROM message JOIN file ON file.message = message.row LEFT JOIN media ON media.hash = file.hash
         WHERE message.row = ?1 OR message.root = ?1 ORDER BY file.row",
    )?;
    let mut rows = statement.query([root])?;
    let mut files: HashMap<i64, Vec<FileEntry>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let file = FileEntry {
            role: row.get(1)?,
            name: row.get(2)?,
            address: row.get(3)?,
            state: match row.get::<_, i64>(4)? {
                schema::HERE => FileState::Here,
                schema::WAITING => FileState::Waiting,
                _ => FileState::Lost,
            },
            reason: row.get(5)?,
            sha256: row.get(6)?,
            n_bytes: row.get::<_, Option<i64>>(7)?.map(i64::cast_unsigned),
            media_type: row.get(8)?,
        };
        files.entry(row.get(0)?).or_default().push(file);
    }
    Ok(files)
}

fn versions(at: &Connection, root: i64) -> Result<HashMap<i64, Vec<Version>>, ReadError> {
    let mut statement = at.prepare(
        "SELECT message, until, operator, text, json FROM version WHERE message = ?1 ORDER BY number",
    )?;
    let mut rows = statement.query([root])?;
    let mut versions: HashMap<i64, Vec<Version>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let message = row.get(0)?;
        let version = Version {
            until_ms: time(row, 1)?,
            by: row.get(2)?,
            text: row.get(3)?,
            message: json(message, &row.get::<_, String>(4)?)?,
        };
        versions.entry(message).or_default().push(version);
    }
    Ok(versions)
}

//! The reading side: lists, shows and searches an archive, also while a bot writes into it.

mod tree;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use easebot_model::{Conversation, MessageId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use serde::Serialize;

use crate::{FILE_NAME, OpenArchiveError, ReadError, media, schema, segment::Query};

pub use self::tree::{Entry, FileEntry, FileState, Recall, Version};

/// An archive, to read.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    folder: PathBuf,
    about: About,
}

/// Whose archive it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct About {
    /// Name of the bot in the configuration.
    pub bot: String,
    /// The user that it is logged in as.
    pub user: String,
    /// The app that the user belongs to.
    pub app_key: String,
    /// Name of the plugin within the bot.
    pub plugin: String,
}

/// Which messages.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those of this conversation.
    pub conversation: Option<Conversation>,
    /// Only those from this time on.
    pub since: Option<Timestamp>,
    /// Only those before this time.
    pub until: Option<Timestamp>,
}

impl Filter {
    fn values(&self) -> (Option<String>, i64, i64) {
        let ms = |time: Timestamp| i64::try_from(time.0).unwrap_or(i64::MAX);
        let conversation = self.conversation.as_ref().map(ToString::to_string);
        (conversation, self.since.map_or(i64::MIN, ms), self.until.map_or(i64::MAX, ms))
    }
}

/// A message in one line.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Summary {
    /// Its id.
    pub id: MessageId,
    /// Where it was said.
    pub conversation: String,
    /// Who said it.
    pub from: String,
    /// When, in milliseconds since 1970.
    pub time_ms: Timestamp,
    /// Kind of its body.
    pub kind: String,
    /// What there is to read of it.
    pub text: String,
    /// Messages in it, at all levels.
    pub n_messages: u64,
    /// Files of it and of those in it that are here.
    pub n_files: u64,
    /// Those that are not, and will be tried again.
    pub n_waiting: u64,
    /// Those that cannot be had.
    pub n_lost: u64,
    /// Whether it was recalled.
    pub is_recalled: bool,
}

/// A message that was searched for: one that somebody has written, or one that stands in such a one.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Hit {
    /// Id of the message at the top: what [`Reader::show`] takes.
    pub id: MessageId,
    /// Where that one was said.
    pub conversation: String,
    /// How deep the message that was found stands in it: 0 for itself.
    pub level: u32,
    /// Who said the one that was found.
    pub from: String,
    /// When, in milliseconds since 1970.
    pub time_ms: Timestamp,
    /// Kind of its body.
    pub kind: String,
    /// What there is to read of it.
    pub text: String,
    /// The line of it that holds one of the words.
    pub line: String,
}

impl Reader {
    /// The archives below the folder of the bots' data, in the order of their paths.
    ///
    /// # Errors
    /// What the file system says; a folder without archives is no error.
    pub fn find(data: &Path) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for bot in folders(&data.join("plugins"))? {
            for plugin in folders(&bot)? {
                found.extend(Some(plugin.join(FILE_NAME)).filter(|path| path.is_file()));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Opens the archive at `path`. Nothing is written; a bot may go on writing.
    ///
    /// # Errors
    /// [`OpenArchiveError`].
    pub fn open(path: &Path) -> Result<Self, OpenArchiveError> {
        let connection = schema::open_beside(path)?;
        let refused = |source| OpenArchiveError::Sqlite { path: path.to_path_buf(), source };
        let about = |key: &str| {
            let sql = "SELECT value FROM about WHERE key = ?1";
            let value = connection.query_one(sql, [key], |row| row.get(0)).optional();
            value.map(Option::unwrap_or_default).map_err(refused)
        };
        let about = About {
            bot: about("bot")?,
            user: about("user")?,
            app_key: about("app_key")?,
            plugin: about("plugin")?,
        };
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(Self { connection, folder, about })
    }

    /// Whose it is.
    #[must_use]
    pub const fn about(&self) -> &About {
        &self.about
    }

    /// Where the file with this hash is.
    #[must_use]
    pub fn media(&self, hash: &str) -> PathBuf {
        media::place(&self.folder, hash)
    }

    /// At most `limit` messages that people have written, newest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn list(&self, filter: &Filter, limit: usize) -> Result<Vec<Summary>, ReadError> {
        let (conversation, since, until) = filter.values();
        let mut statement = self.connection.prepare(
            "SELECT id, conversation, sender, time, kind, text,
               (SELECT count(*) FROM message AS inner_one WHERE inner_one.root = message.row),
               (SELECT count(*) FROM tree_file WHERE tree = message.row AND state = 1 AND role = 'content'),
               (SELECT count(*) FROM tree_file WHERE tree = message.row AND state = 0),
               (SELECT count(*) FROM tree_file WHERE tree = message.row AND state = 2),
               recalled IS NOT NULL
             FROM message
             WHERE parent IS NULL AND (?1 IS NULL OR conversation = ?1) AND time >= ?2 AND time < ?3
             ORDER BY time DESC, row DESC LIMIT ?4"
                .replace("tree_file", TREE_FILE)
                .as_str(),
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![conversation, since, until, limit], |row| {
            let count = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
            Ok(Summary {
                id: id(row, 0)?,
                conversation: row.get(1)?,
                from: row.get(2)?,
                time_ms: time(row, 3)?,
                kind: row.get(4)?,
                text: row.get(5)?,
                n_messages: count(6)?,
                n_files: count(7)?,
                n_waiting: count(8)?,
                n_lost: count(9)?,
                is_recalled: row.get(10)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The message with this id that somebody has written, with everything in it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn show(&self, id: MessageId) -> Result<Option<Entry>, ReadError> {
        let sql = "SELECT row FROM message WHERE id = ?1 AND parent IS NULL";
        let row = self.connection.query_one(sql, [id.0.cast_signed()], |row| row.get(0));
        row.optional()?.map(|row| tree::load(&self.connection, row)).transpose()
    }

    /// At most `limit` messages that contain each word of `words`, those at the top and those in them, latest archived first.
    /// Letters are compared without case and width. None if there is no word.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn search(
        &self,
        words: &str,
        filter: &Filter,
        limit: usize,
    ) -> Result<Option<Vec<Hit>>, ReadError> {
        let Some(query) = Query::new(words) else { return Ok(None) };
        let (conversation, since, until) = filter.values();
        // One view of all tables, whatever a bot writes meanwhile.
        let at = self.connection.unchecked_transaction()?;
        let indexed: i64 = at.query_one(schema::INDEXED, [], |row| row.get(0))?;
        // What the index does not know is looked at one by one: the latest, or all.
        let after = if query.expression().is_some() { indexed } else { 0 };
        let mut found = Found { query: &query, limit, hits: Vec::new() };
        let sql =
            format!("{HIT} FROM message {WITHIN} AND message.row > ?4 ORDER BY message.row DESC");
        found.take(&at, &sql, params![conversation, since, until, after])?;
        if let Some(expression) = query.expression() {
            let sql = format!(
                "{HIT} FROM pieces CROSS JOIN message ON message.row = pieces.rowid {WITHIN}
                 AND pieces MATCH ?4 ORDER BY pieces.rowid DESC"
            );
            found.take(&at, &sql, params![conversation, since, until, expression])?;
        }
        Ok(Some(found.hits))
    }

    /// Hands each message that somebody has written to `take`, oldest first, with everything in it.
    ///
    /// # Errors
    /// [`ReadError`], or what `take` returns.
    pub fn each<E: From<ReadError>>(
        &self,
        filter: &Filter,
        mut take: impl FnMut(Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        for row in self.rows(filter).map_err(ReadError::from)? {
            take(tree::load(&self.connection, row)?)?;
        }
        Ok(())
    }

    fn rows(&self, filter: &Filter) -> Result<Vec<i64>, rusqlite::Error> {
        let (conversation, since, until) = filter.values();
        let mut statement = self.connection.prepare(
            "SELECT row FROM message
             WHERE parent IS NULL AND (?1 IS NULL OR conversation = ?1) AND time >= ?2 AND time < ?3
             ORDER BY time, row",
        )?;
        statement.query_map(params![conversation, since, until], |row| row.get(0))?.collect()
    }
}

/// What was found so far.
struct Found<'q> {
    query: &'q Query,
    limit: usize,
    hits: Vec<Hit>,
}

impl Found<'_> {
    /// Takes what `sql` gives as long as there is room, in its order.
    fn take(
        &mut self,
        at: &Connection,
        sql: &str,
        parameters: impl Params,
    ) -> Result<(), rusqlite::Error> {
        if self.hits.len() >= self.limit {
            return Ok(());
        }
        let mut statement = at.prepare(sql)?;
        let mut rows = statement.query(parameters)?;
        while self.hits.len() < self.limit
            && let Some(row) = rows.next()?
        {
            let text = row.get_ref(6)?.as_str()?;
            // The index says where all pieces are; whether they stand together is seen here.
            if !self.query.is_in(text) {
                continue;
            }
            self.hits.push(Hit {
                id: id(row, 0)?,
                conversation: row.get(1)?,
                level: row.get(2)?,
                from: row.get(3)?,
                time_ms: time(row, 4)?,
                kind: row.get(5)?,
                line: self.query.line(text).to_owned(),
                text: text.to_owned(),
            });
        }
        Ok(())
    }
}

/// What [`Found::take`] reads.
const HIT: &str =
    "SELECT coalesce(top.id, message.id), coalesce(top.conversation, message.conversation),
       message.level, message.sender, message.time, message.kind, message.text";

/// Where a [`Filter`] looks: a message that stands in another one is where and when that one is.
const WITHIN: &str = "LEFT JOIN message AS top ON top.row = message.root
    WHERE (?1 IS NULL OR coalesce(top.conversation, message.conversation) = ?1)
      AND coalesce(top.time, message.time) >= ?2
      AND coalesce(top.time, message.time) < ?3";

/// The files of a message and of all that stand in it.
const TREE_FILE: &str = "(
  SELECT coalesce(owner.root, owner.row) AS tree, file.state AS state, file.role AS role
  FROM file JOIN message AS owner ON owner.row = file.message
)";

fn folders(of: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(of) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    Ok(paths.collect::<io::Result<Vec<_>>>()?.into_iter().filter(|path| path.is_dir()).collect())
}

fn id(row: &Row<'_>, column: usize) -> Result<MessageId, rusqlite::Error> {
    row.get::<_, i64>(column).map(|id| MessageId(id.cast_unsigned()))
}

fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, rusqlite::Error> {
    row.get::<_, i64>(column).map(|ms| Timestamp(u64::try_from(ms).unwrap_or_default()))
}

#[cfg(test)]
mod tests;

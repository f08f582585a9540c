//! The tables, and how an older file gets them.

use rusqlite::Connection;

/// Marks a file as ours: "Ease" in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x4561_7365;

/// Each brings the schema from version `index` to `index + 1`. Never change one that was released: add another.
const MIGRATIONS: &[&str] = &[V1, V2, V3, V4, V5, V6, V7];

/// Bits of `inbox.place` and `outbox.place` that are the number of the row; the account stands above them. 17 million million
/// rows, half a million accounts.
pub(super) const PLACE_BITS: u32 = 44;
/// Column `claim` of what another account has, and of what the account said itself. No message has these ids.
pub(super) const CLAIMED_ELSEWHERE: i64 = 0;
pub(super) const CLAIMED_SAID: i64 = -1;

/// What became of a send: the state of its row in `outbox`, or of its row in `send` once it is not there any more.
pub(super) const OUTGOING_WAITING: i64 = 0;
pub(super) const OUTGOING_SENT: i64 = 1;
pub(super) const OUTGOING_DEAD: i64 = 2;
pub(super) const OUTGOING_DROPPED: i64 = 3;

/// The numbers stand in the statements as they do in the partial indexes, because the planner compares them as text.
/// Ids and client ids are `u64` stored by their bits.
const V1: &str = "
CREATE TABLE account (
  row  INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

-- Inbox. A done event keeps its key and time only.
CREATE TABLE event (
  row      INTEGER PRIMARY KEY,
  account  INTEGER NOT NULL,
  ns       INTEGER NOT NULL,
  id       INTEGER NOT NULL,           -- 0: never a duplicate
  seq      INTEGER NOT NULL,
  received INTEGER NOT NULL,           -- ms since 1970
  state    INTEGER NOT NULL,           -- 0 pending, 1 done, 2 dead
  attempts INTEGER NOT NULL,
  kind     INTEGER,                    -- of the conversation: 0 group, 1 room, 2 user
  name     TEXT,                       -- of the conversation
  raw      BLOB,
  reason   TEXT
) STRICT;
CREATE UNIQUE INDEX event_key ON event (account, id, ns, seq) WHERE id <> 0;
CREATE INDEX event_pending ON event (account) WHERE state = 0;
CREATE INDEX event_dead ON event (account) WHERE state = 2;

-- Outbox. A sent row keeps its key, its client id and what the server called it.
CREATE TABLE outgoing (
  row       INTEGER PRIMARY KEY,
  account   INTEGER NOT NULL,
  event     INTEGER,                   -- row of the event it answers, with plugin and ordinal
  plugin    TEXT,
  ordinal   INTEGER,
  free      TEXT,                      -- or a key of its own
  client_id INTEGER NOT NULL,
  created   INTEGER NOT NULL,          -- ms since 1970
  state     INTEGER NOT NULL,          -- 0 waiting, 1 sent, 2 dead, 3 dropped
  attempts  INTEGER NOT NULL,
  kind      INTEGER NOT NULL,          -- of the conversation: 0 group, 1 room, 2 user
  name      TEXT NOT NULL,             -- of the conversation
  payload   BLOB,
  message   INTEGER,
  sent      INTEGER,                   -- ms since 1970
  reason    TEXT
) STRICT;
CREATE UNIQUE INDEX outgoing_answer ON outgoing (event, plugin, ordinal) WHERE event IS NOT NULL;
CREATE UNIQUE INDEX outgoing_free ON outgoing (account, free) WHERE free IS NOT NULL;
CREATE INDEX outgoing_waiting ON outgoing (account) WHERE state = 0;
CREATE INDEX outgoing_dead ON outgoing (account) WHERE state = 2;

CREATE TABLE plugin_state (
  account   INTEGER NOT NULL,
  namespace TEXT NOT NULL,
  key       TEXT NOT NULL,
  value     BLOB NOT NULL,
  PRIMARY KEY (account, namespace, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What the other accounts of an app leave alone, what may wait, what the server may have already, how far conversations
/// were seen, and what an operator has touched.
const V2: &str = "
-- The message that the account of this row has to itself among the accounts of its app; 0: another account has it.
ALTER TABLE event ADD COLUMN claim INTEGER;
CREATE INDEX event_claim ON event (claim) WHERE claim IS NOT NULL;

ALTER TABLE outgoing ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;  -- 0 answer, 1 bulk
ALTER TABLE outgoing ADD COLUMN tried INTEGER NOT NULL DEFAULT 0;     -- 1: handed to the link at least once

-- The newest message seen in a conversation.
CREATE TABLE mark (
  account INTEGER NOT NULL,
  kind    INTEGER NOT NULL,            -- of the conversation: 0 group, 1 room, 2 user
  name    TEXT NOT NULL,               -- of the conversation
  message INTEGER NOT NULL,
  time    INTEGER NOT NULL,            -- of the message: ms since 1970
  PRIMARY KEY (account, kind, name)
) STRICT, WITHOUT ROWID;

-- Rows that an operator has changed, until the bot that runs has taken notice.
CREATE TABLE touched (
  row      INTEGER PRIMARY KEY,
  account  INTEGER NOT NULL,
  event    INTEGER,                    -- one of the two
  outgoing INTEGER
) STRICT;
CREATE INDEX touched_account ON touched (account);
";

/// What a dead letter that is tried again is still for.
const V3: &str = "
-- The plugins that could not handle it, separated by the ASCII character US. NULL: it is for all.
ALTER TABLE event ADD COLUMN failed TEXT;
";

/// What an event is known by and what there is to do about it stand apart: the one is narrow and stays for days, the other is
/// wide and goes soon. 44 is [`PLACE_BITS`].
const V4: &str = "
ALTER TABLE event RENAME TO event_3;

-- By what an event is known when it comes again.
CREATE TABLE event (
  account  INTEGER NOT NULL,
  id       INTEGER NOT NULL,           -- 0: never a duplicate
  ns       INTEGER NOT NULL,
  seq      INTEGER NOT NULL,           -- with id 0 its row
  row      INTEGER NOT NULL,           -- its number
  received INTEGER NOT NULL,           -- ms since 1970
  claim    INTEGER,                    -- the message that the account has to itself; 0: another has it; -1: it said it
  PRIMARY KEY (account, id, ns, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO event
  SELECT account, id, ns, CASE id WHEN 0 THEN row ELSE seq END, row, received, claim
  FROM event_3 ORDER BY account, id, ns, seq;

-- Events that are to be handled, or were given up.
CREATE TABLE inbox (
  place    INTEGER PRIMARY KEY,        -- account << 44 | event.row
  ns       INTEGER NOT NULL,
  id       INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  received INTEGER NOT NULL,           -- ms since 1970
  claim    INTEGER,
  state    INTEGER NOT NULL,           -- 0 pending, 2 dead
  attempts INTEGER NOT NULL,
  kind     INTEGER,                    -- of the conversation: 0 group, 1 room, 2 user
  name     TEXT,                       -- of the conversation
  reason   TEXT,
  failed   TEXT,                       -- the plugins that could not handle it, separated by US. NULL: it is for all
  raw      BLOB NOT NULL
) STRICT;
INSERT INTO inbox
  SELECT account << 44 | row, ns, id, seq, received, claim, state, attempts, kind, name, reason, failed,
         coalesce(raw, x'')
  FROM event_3 WHERE state IN (0, 2) ORDER BY 1;

DROP TABLE event_3;
CREATE INDEX event_claim ON event (claim) WHERE claim IS NOT NULL;
CREATE INDEX inbox_dead ON inbox (received) WHERE state = 2;
";

/// The same for what is to be said: what a send is known by if it is written again, which few are, and what there is to do
/// about it, which the server has soon.
const V5: &str = "
-- What is to be said, or was given up.
CREATE TABLE outbox (
  place     INTEGER PRIMARY KEY,       -- account << 44 | its number
  event     INTEGER,                   -- number of the event it answers, with plugin and ordinal
  plugin    TEXT,
  ordinal   INTEGER,
  free      TEXT,                      -- or a key of its own
  client_id INTEGER NOT NULL,
  created   INTEGER NOT NULL,          -- ms since 1970
  kind      INTEGER NOT NULL,          -- of the conversation: 0 group, 1 room, 2 user
  name      TEXT NOT NULL,             -- of the conversation
  priority  INTEGER NOT NULL,          -- 0 answer, 1 bulk
  known     INTEGER NOT NULL,          -- 1: it has a row in `send`
  state     INTEGER NOT NULL,          -- 0 waiting, 2 dead
  attempts  INTEGER NOT NULL,
  tried     INTEGER NOT NULL,          -- 1: handed to the link at least once
  reason    TEXT,
  payload   BLOB NOT NULL
) STRICT;
INSERT INTO outbox
  SELECT account << 44 | row, event, plugin, ordinal, free, client_id, created, kind, name, priority, 1, state, attempts,
         tried, reason, coalesce(payload, x'')
  FROM outgoing WHERE state IN (0, 2) ORDER BY 1;
CREATE INDEX outbox_dead ON outbox (created) WHERE state = 2;

-- What a send is known by: of an answer only while its event may be handled again, or if somebody may ask what became of it.
CREATE TABLE send (
  row       INTEGER PRIMARY KEY,       -- its number
  account   INTEGER NOT NULL,
  event     INTEGER,                   -- as in `outbox`
  plugin    TEXT,
  ordinal   INTEGER,
  free      TEXT,
  client_id INTEGER NOT NULL,
  created   INTEGER NOT NULL,          -- ms since 1970
  kind      INTEGER NOT NULL,          -- of the conversation: 0 group, 1 room, 2 user
  name      TEXT NOT NULL,             -- of the conversation
  message   INTEGER,                   -- what the server calls it. NULL and not in `outbox`: an operator dropped it
  sent      INTEGER                    -- ms since 1970
) STRICT;
INSERT INTO send
  SELECT row, account, event, plugin, ordinal, free, client_id, created, kind, name,
         CASE state WHEN 1 THEN coalesce(message, 0) END, sent
  FROM outgoing ORDER BY row;
CREATE UNIQUE INDEX send_answer ON send (event, plugin, ordinal) WHERE event IS NOT NULL;
CREATE UNIQUE INDEX send_free ON send (account, free) WHERE free IS NOT NULL;

-- No client id that the account has used is higher.
ALTER TABLE account ADD COLUMN client_id INTEGER;
UPDATE account SET client_id =
  (SELECT client_id FROM outgoing WHERE outgoing.account = account.row ORDER BY outgoing.row DESC LIMIT 1);

-- Where a send went that an operator dropped.
ALTER TABLE touched ADD COLUMN kind INTEGER;
ALTER TABLE touched ADD COLUMN name TEXT;
UPDATE touched SET (kind, name) = (SELECT kind, name FROM outgoing WHERE outgoing.row = touched.outgoing AND state = 3);

-- No send has a number as high as this.
CREATE TABLE reserved (outgoing INTEGER NOT NULL) STRICT;
INSERT INTO reserved SELECT 1 + coalesce(max(row), 0) FROM outgoing;

DROP TABLE outgoing;
";

/// What nobody looks at until it is sent is written in one piece.
const V6: &str = "
-- Sends that were written together and of which nothing else is known. Whoever looks at the outbox makes rows of it of those that the
-- server does not have.
CREATE TABLE bundle (
  row   INTEGER PRIMARY KEY,           -- number of the first one; the others have those that follow
  sent  BLOB NOT NULL,                 -- 64 bits, highest byte first: the lowest is set if the server has the first, and so on
  event INTEGER NOT NULL,              -- no event that they answer has a higher number
  sends BLOB NOT NULL                  -- one behind the other
) STRICT;
";

/// What would make SQLite write a page for each account is written in one piece.
const V7: &str = "
-- Keys of the events that came last, which go into `event` together: six numbers of 64 bits each, highest byte first, which are its
-- account, id, ns, seq, row and received.
CREATE TABLE fresh (
  row  INTEGER PRIMARY KEY,            -- number of the last event in it
  keys BLOB NOT NULL
) STRICT;
";

/// The newest schema version that this program knows.
pub(super) fn supported() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Brings the schema up to date, each version in a transaction of its own.
pub(super) fn migrate(connection: &Connection) -> Result<(), rusqlite::Error> {
    migrate_to(connection, supported())
}

/// Brings the schema up to the version `to`.
pub(super) fn migrate_to(connection: &Connection, to: i32) -> Result<(), rusqlite::Error> {
    let found: i32 = connection.query_one("PRAGMA user_version", [], |row| row.get(0))?;
    for (version, sql) in
        (1_i32..).zip(MIGRATIONS).filter(|(version, _)| (found + 1..=to).contains(version))
    {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

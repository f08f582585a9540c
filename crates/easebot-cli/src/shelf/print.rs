//! Rows as lines of a table, and as JSON.

use std::time::{Duration, SystemTime};

use easebot_client::{Me, decode_meta};
use easebot_model::{Resource, Timestamp, UserId};
use easebot_store::{Item, ItemId, ItemState, OpenItem};
use serde_json::{Map, Value, json};

use super::place::Place;

/// A heading and a line for each item; nothing if there is none.
pub(super) fn table(items: &[Item], place: &Place) -> Vec<String> {
    if items.is_empty() {
        return Vec::new();
    }
    let head = ["ID", "BOT", "CONVERSATION", "AGE", "TRIES", "BYTES", "STATE"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(items.iter().map(|item| {
        [
            item.id.number().to_string(),
            place.name(&item.account).to_owned(),
            item.conversation.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            short(age(item.time)),
            item.attempts.to_string(),
            item.n_bytes.to_string(),
            state(item),
        ]
    }));
    align(&rows)
}

/// Rows as lines, their columns below each other.
pub(crate) fn align<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<_> = (0..N).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            // What came from the network must not move the cursor.
            format!("{:<width$}", cell.replace(char::is_control, "?"))
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn state(item: &Item) -> String {
    match &item.state {
        ItemState::Dead { reason } => format!("dead: {reason}"),
        ItemState::Waiting if item.was_tried => "waiting, sent before".to_owned(),
        ItemState::Waiting => "waiting".to_owned(),
    }
}

/// One line.
pub(super) fn json(item: &Item, place: &Place) -> Value {
    Value::Object(fields(item, place))
}

fn fields(item: &Item, place: &Place) -> Map<String, Value> {
    let (state, reason) = match &item.state {
        ItemState::Dead { reason } => ("dead", Some(reason)),
        ItemState::Waiting => ("waiting", None),
    };
    let mut fields = Map::new();
    for (key, value) in [
        ("id", json!(item.id.number())),
        ("bot", json!(place.name(&item.account))),
        ("account", json!(item.account.as_str())),
        ("conversation", json!(item.conversation.as_ref().map(ToString::to_string))),
        ("time_ms", json!(item.time.0)),
        ("age_secs", json!(age(item.time).as_secs())),
        ("attempts", json!(item.attempts)),
        ("state", json!(state)),
        ("reason", json!(reason)),
    ] {
        fields.insert(key.to_owned(), value);
    }
    if matches!(item.id, ItemId::Outgoing(_)) {
        fields.insert("plugin".to_owned(), json!(item.plugin.as_deref()));
        fields.insert("was_tried".to_owned(), json!(item.was_tried));
    }
    fields.insert("n_bytes".to_owned(), json!(item.n_bytes));
    fields
}

/// The row with what is in it: the event, or the outgoing.
pub(super) fn open(open: &OpenItem, place: &Place, is_one_line: bool) -> String {
    let mut fields = fields(&open.item, place);
    let (name, content) = match open.key {
        Some(key) => {
            let user = UserId::new(open.item.account.user());
            let me = Me { user, resource: Resource::default() };
            let events = decode_meta(&open.payload, &me).into_events();
            let event = events.into_iter().find(|(found, _)| *found == key);
            ("event", event.and_then(|(_, event)| serde_json::to_value(event).ok()))
        }
        None => ("outgoing", serde_json::from_slice(&open.payload).ok()),
    };
    fields.insert(name.to_owned(), content.unwrap_or_default());
    let value = Value::Object(fields);
    if is_one_line { value.to_string() } else { format!("{value:#}") }
}

pub(crate) fn age(time: Timestamp) -> Duration {
    let then = SystemTime::UNIX_EPOCH + Duration::from_millis(time.0);
    // A clock that was set back makes it new.
    SystemTime::now().duration_since(then).unwrap_or_default()
}

/// In the largest unit that is there: `3d`, `4h`, `5m`, `6s`.
pub(crate) fn short(age: Duration) -> String {
    let secs = age.as_secs();
    let units = [(24 * 60 * 60, 'd'), (60 * 60, 'h'), (60, 'm')];
    let unit = units.into_iter().find(|(n_secs, _)| secs >= *n_secs);
    let (n_secs, letter) = unit.unwrap_or((1, 's'));
    format!("{}{letter}", secs / n_secs)
}

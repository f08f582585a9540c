//! Chat rooms that the plugins of a bot name: it hears and says nothing there before it is in them.

use easebot_model::RoomId;
use easebot_plugin::{Problem, Problems};
use toml::{Spanned, de::DeValue};

/// Keys under which plugins name conversations, written `room:ID`.
const PLACES: [&str; 3] = ["allowed", "conversations", "in"];

/// Notices each room that a plugin names and that is none of the bot's `rooms`.
pub(super) fn notice(plugin: &Spanned<DeValue<'_>>, rooms: &[RoomId], problems: &mut Problems) {
    match plugin.get_ref() {
        DeValue::Array(list) => list.iter().for_each(|value| notice(value, rooms, problems)),
        DeValue::Table(table) => {
            for (key, value) in table {
                match key.get_ref().as_ref() {
                    "room" => one(value, rooms, "", problems),
                    key if PLACES.contains(&key) => match value.get_ref() {
                        DeValue::Array(list) => {
                            list.iter().for_each(|value| one(value, rooms, "room:", problems));
                        }
                        _ => one(value, rooms, "room:", problems),
                    },
                    _ => notice(value, rooms, problems),
                }
            }
        }
        _ => {}
    }
}

fn one(value: &Spanned<DeValue<'_>>, rooms: &[RoomId], prefix: &str, problems: &mut Problems) {
    let Some(id) = value.get_ref().as_str().and_then(|text| text.strip_prefix(prefix)) else {
        return;
    };
    if id.is_empty() || rooms.iter().any(|room| *room == *id) {
        return;
    }
    let message = format!("the bot does not join the chat room `{id}`");
    problems.push(Problem::notice(Some(value.span().into()), message).hint(format!(
        "the bot hears and says nothing there without `rooms = [\"{id}\"]` of its own"
    )));
}

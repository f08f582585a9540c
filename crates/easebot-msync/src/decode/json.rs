//! Reading JSON that other people's servers wrote: numbers may be text, anything may be absent.

use bytes::Bytes;
use easebot_model::{
    ChatThread, EditInfo, GroupId, MessageId, Reaction, ReactionOperation, ThreadOverview,
    Timestamp, Translation, UserId,
};
use serde_json::{Map, Value};

/// An object out of bytes; none if they are no JSON, or JSON of another kind.
pub(super) fn object(bytes: &Bytes) -> Option<Map<String, Value>> {
    serde_json::from_slice(bytes).ok()
}

/// Text under `key`; a number there is text as well.
pub(super) fn text(map: &Map<String, Value>, key: &str) -> String {
    match map.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The whole number that `value` is or spells.
pub(super) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Array(_) | Value::Bool(_) | Value::Null | Value::Object(_) => None,
    }
}

/// The whole number under `key` that `value` is or spells, not below 0.
pub(super) fn uint(map: &Map<String, Value>, key: &str) -> Option<u64> {
    match map.get(key)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Array(_) | Value::Bool(_) | Value::Null | Value::Object(_) => None,
    }
}

/// What JavaScript takes for true.
pub(super) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) => true,
        Value::Bool(value) => *value,
        Value::Null => false,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
    }
}

/// The time under `key` in milliseconds, 0 if there is none.
pub(super) fn time(map: &Map<String, Value>, key: &str) -> Timestamp {
    Timestamp(uint(map, key).unwrap_or_default())
}

/// The message id under `key`. 0 is none.
pub(super) fn message_id(map: &Map<String, Value>, key: &str) -> Option<MessageId> {
    uint(map, key).filter(|id| *id != 0).map(MessageId)
}

/// The object under `key`, if it has members.
pub(super) fn filled<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    map.get(key)?.as_object().filter(|map| !map.is_empty())
}

fn objects(value: Option<&Value>) -> impl Iterator<Item = &Map<String, Value>> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// `[{reaction, count, state, userList}]`.
pub(super) fn reactions(list: Option<&Value>) -> Vec<Reaction> {
    let reaction = |map: &Map<String, Value>| {
        let users = map.get("userList").and_then(Value::as_array).into_iter().flatten();
        Reaction {
            reaction: text(map, "reaction"),
            count: uint(map, "count").unwrap_or_default(),
            is_added_by_self: map.get("state").is_some_and(is_truthy),
            users: users.filter_map(Value::as_str).map(UserId::new).collect(),
        }
    };
    objects(list).map(reaction).collect()
}

/// `op: [{operator, reactionType}]` of each of `[{reaction, count, op}]`; what is neither `create` nor `delete` is left out.
pub(super) fn reaction_operations(list: Option<&Value>) -> Vec<ReactionOperation> {
    let operations = |reaction: &Map<String, Value>| {
        let (name, count) = (text(reaction, "reaction"), uint(reaction, "count"));
        let operation = |op: &Map<String, Value>| {
            let is_added = match text(op, "reactionType").as_str() {
                "create" => true,
                "delete" => false,
                _ => return None,
            };
            Some(ReactionOperation {
                reaction: name.clone(),
                operator: UserId::new(text(op, "operator")),
                is_added,
                count: count.unwrap_or_default(),
            })
        };
        objects(reaction.get("op")).filter_map(operation).collect::<Vec<_>>()
    };
    objects(list).flat_map(operations).collect()
}

/// `[{code, text}]`.
pub(super) fn translations(list: Option<&Value>) -> Vec<Translation> {
    let translation =
        |map: &Map<String, Value>| Translation { code: text(map, "code"), text: text(map, "text") };
    objects(list).map(translation).collect()
}

/// `{count, operator, edit_time}`; none if there was no edit.
pub(super) fn edit_info(map: &Map<String, Value>) -> Option<EditInfo> {
    let count = uint(map, "count").filter(|count| *count > 0)?;
    Some(EditInfo {
        time: time(map, "edit_time"),
        operator: UserId::new(text(map, "operator")),
        count: u32::try_from(count).unwrap_or(u32::MAX),
    })
}

/// `{msg_parent_id, muc_parent_id, thread_name}`.
pub(super) fn chat_thread(map: &Map<String, Value>) -> ChatThread {
    ChatThread {
        message: message_id(map, "msg_parent_id"),
        parent: GroupId::new(text(map, "muc_parent_id")),
        name: text(map, "thread_name"),
    }
}

/// `{id, muc_parent_id, name, last_message, create_timestamp, update_timestamp, message_count}`.
pub(super) fn thread_overview(map: &Map<String, Value>) -> ThreadOverview {
    ThreadOverview {
        id: GroupId::new(text(map, "id")),
        parent: GroupId::new(text(map, "muc_parent_id")),
        name: text(map, "name"),
        n_messages: uint(map, "message_count").unwrap_or_default(),
        created: time(map, "create_timestamp"),
        updated: time(map, "update_timestamp"),
        last_message: map.get("last_message").filter(|value| is_truthy(value)).cloned(),
    }
}

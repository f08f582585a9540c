//! The order for stream messages that no server would send so.

use easebot_model::{Conversation, MessageId, StreamStatus, UserId};
use serde_json::{Map, Value, json};

use crate::{
    control::{Control, StreamPiece},
    refusal::HttpRefusal,
    rest::{call::Call, reply::Reply},
};

/// `{from, user | group | room, id?, pieces: [{seq, status, text?, error?, finish_reason?}]}`. The answer has the id as well.
pub(super) fn send(call: &Call, control: &Control) -> Result<Reply, HttpRefusal> {
    let from = UserId::new(call.required("from")?);
    let to = match (call.text(&["user"]), call.text(&["group"]), call.text(&["room"])) {
        (Some(user), None, None) => Conversation::user(user),
        (None, Some(group), None) => Conversation::group(group),
        (None, None, Some(room)) => Conversation::room(room),
        _ => return Err(HttpRefusal::bad("one of `user`, `group` and `room` says where to")),
    };
    let id = call.number(&["id"]).map(MessageId);
    let pieces = call.body.get("pieces").and_then(Value::as_array);
    let pieces = pieces.ok_or_else(|| HttpRefusal::bad("`pieces` is a list"))?;
    let pieces: Vec<StreamPiece> = pieces.iter().map(piece).collect::<Result<_, _>>()?;
    let id = control.stream(&from, &to, id, &pieces);
    Ok(Reply::bare(json!({ "n": pieces.len(), "id": id.to_string() })))
}

fn piece(value: &Value) -> Result<StreamPiece, HttpRefusal> {
    let none = Map::new();
    let map = value.as_object().unwrap_or(&none);
    let seq = map.get("seq").and_then(Value::as_u64);
    let status = match map.get("status").and_then(Value::as_str) {
        Some("completed") => StreamStatus::Completed,
        Some("full") => StreamStatus::Full,
        Some("in_progress") => StreamStatus::InProgress,
        Some("start") => StreamStatus::Start,
        Some("start_completed") => StreamStatus::StartCompleted,
        _ => {
            let words = "`start`, `start_completed`, `in_progress`, `completed` or `full`";
            return Err(HttpRefusal::bad(format!("`status` of a piece is {words}")));
        }
    };
    let error = map.get("error").and_then(Value::as_u64).unwrap_or_default();
    let reason = map.get("finish_reason").and_then(Value::as_i64);
    Ok(StreamPiece {
        seq: seq.ok_or_else(|| HttpRefusal::bad("`seq` of a piece is a number"))?,
        status,
        text: map.get("text").and_then(Value::as_str).unwrap_or_default().to_owned(),
        error: u32::try_from(error).unwrap_or(u32::MAX),
        finish_reason: reason.and_then(|reason| i32::try_from(reason).ok()),
    })
}

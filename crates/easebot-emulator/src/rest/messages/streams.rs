//! Pieces of stream messages by REST.

use easebot_model::{ConversationKind, UserId};
use easebot_msync::encode_ext;
use serde_json::{Value, json};

use super::{conversation, ext, number, refused};
use crate::{
    refusal::HttpRefusal,
    rest::{call::Call, reply::Reply},
    world::{App, Cx, StreamChunk},
};

/// Takes one piece. Source of the codes: Easemob's REST documentation, "stream messages".
pub(super) fn take(
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    kind: ConversationKind,
) -> Result<Reply, HttpRefusal> {
    let chunk = chunk(call, kind)?;
    let id = app.stream(cx, &chunk)?;
    Ok(Reply::data(json!({ "msgId": id.to_string() })))
}

fn chunk(call: &Call, kind: ConversationKind) -> Result<StreamChunk, HttpRefusal> {
    let missing =
        |name: &str, code| refused(&format!("param {name} can't be empty")).with_code(code);
    let text = |key: &'static str| call.text(&[key]).filter(|text| !text.is_empty());
    let from = text("from").ok_or_else(|| missing("from", 14001))?;
    let to = text("to").ok_or_else(|| missing("to", 14002))?;
    let body = call.body.get("body").and_then(Value::as_object);
    let body = body.ok_or_else(|| missing("body", 14005))?;
    let delta = body.get("msg").and_then(Value::as_str).ok_or_else(|| missing("body", 14005))?;
    let format = match body.get("type").and_then(Value::as_str) {
        None => "text",
        Some(format @ ("markdown" | "text")) => format,
        Some(_) => return Err(refused("param type is not supported").with_code(14005)),
    };
    let seq = body.get("seq").and_then(number).ok_or_else(|| missing("seq", 14030))?;
    let id = match body.get("msgId") {
        None | Some(Value::Null) => None,
        Some(id) => {
            let id = number(id);
            Some(id.ok_or_else(|| refused("msgId is not that of a stream").with_code(14031))?)
        }
    };
    let reason = body.get("finishReason");
    Ok(StreamChunk {
        id,
        from: UserId::new(from),
        to: conversation(kind, to),
        text: delta.to_owned(),
        seq,
        is_last: body.get("finish").and_then(Value::as_bool) == Some(true),
        finish_reason: reason.and_then(Value::as_i64).and_then(|n| i32::try_from(n).ok()),
        kind: format.to_owned(),
        ext: encode_ext(&ext(call.body.get("ext"))?),
    })
}

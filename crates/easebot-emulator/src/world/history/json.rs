//! Messages as REST writes them: lists of conversations, pins, last messages of threads.
//!
//! Source of the names: Easemob's REST documentation, "message formats"; observed with the official SDK.

use bytes::Bytes;
use easebot_msync::schema::{
    KeyValue, MessageBody, Meta,
    key_value::ValueType,
    message_body::{Content, Type, content},
};
use prost::Message;
use serde_json::{Map, Value, json};

use super::kind_word;

/// `{id, from, to, timestamp, payload}` of an encoded meta, the payload as an object. `None` when it is none of ours.
pub(crate) fn message_json(meta: &Bytes) -> Option<Map<String, Value>> {
    let meta = Meta::decode(meta.clone()).ok()?;
    let body = MessageBody::decode(meta.payload?).ok()?;
    let name = |jid: Option<easebot_msync::schema::Jid>| jid.and_then(|jid| jid.name);
    let (from, to) = (name(meta.from), name(meta.to));
    let kind = match body.r#type() {
        Type::Chat => "chat",
        Type::Chatroom => "chatroom",
        _ => "groupchat",
    };
    let mut payload = body_json(&body);
    payload.extend([
        ("from".to_owned(), json!(from)),
        ("to".to_owned(), json!(to)),
        ("type".to_owned(), json!(kind)),
    ]);
    Some(Map::from_iter([
        ("id".to_owned(), json!(meta.id.unwrap_or_default().to_string())),
        ("from".to_owned(), json!(from)),
        ("to".to_owned(), json!(to)),
        ("timestamp".to_owned(), json!(meta.timestamp.unwrap_or_default())),
        ("payload".to_owned(), Value::Object(payload)),
    ]))
}

/// What a message holds: `{bodies, ext, meta}`.
pub(crate) fn body_json(body: &MessageBody) -> Map<String, Value> {
    let mut payload = Map::from_iter([
        ("bodies".to_owned(), body.contents.iter().map(content_json).collect()),
        ("ext".to_owned(), Value::Object(pairs(&body.ext))),
    ]);
    let facts = body.meta.as_deref().and_then(|meta| serde_json::from_slice::<Value>(meta).ok());
    payload.extend(facts.map(|facts| ("meta".to_owned(), facts)));
    payload
}

/// One entry of `bodies`.
fn content_json(content: &Content) -> Value {
    let kind = (content.r#type.unwrap_or_default(), content.sub_type);
    let word = kind_word(kind);
    let mut json = Map::from_iter([("type".to_owned(), json!(word))]);
    let mut put = |key: &str, value: Value| {
        json.insert(key.to_owned(), value);
    };
    let attachment = |put: &mut dyn FnMut(&str, Value)| {
        put("url", json!(content.remote_path()));
        put("secret", json!(content.secret_key()));
        put("filename", json!(content.display_name()));
        put("file_length", json!(content.file_length()));
    };
    match word {
        "audio" => {
            attachment(&mut put);
            put("length", json!(content.duration()));
        }
        "cmd" => put("action", json!(content.action())),
        "combine" => {
            attachment(&mut put);
            put("type", json!("txt"));
            put("subType", json!("sub_combine"));
            put("msg", json!(content.text()));
            put("title", json!(content.title()));
            put("summary", json!(content.summary()));
            put("combineLevel", json!(content.combine_level()));
        }
        "custom" => {
            let exts = pairs(&content.custom_exts);
            put("customEvent", json!(content.custom_event()));
            let single = |(key, value): (&String, &Value)| json!({ key.clone(): value });
            put("customExts", exts.iter().map(single).collect());
            put("v2:customExts", Value::Object(exts));
        }
        "file" => attachment(&mut put),
        "img" => {
            attachment(&mut put);
            put("size", size(content));
            if content.sub_type == Some(content::SubType::SubGif.into()) {
                put("subType", json!("sub_gif"));
            }
        }
        "loc" => {
            put("addr", json!(content.address()));
            put("lat", json!(content.latitude()));
            put("lng", json!(content.longitude()));
            put("buildingName", json!(content.building_name()));
        }
        "video" => {
            attachment(&mut put);
            put("length", json!(content.duration()));
            put("size", size(content));
            put("thumb", json!(content.thumbnail_remote_path()));
            put("thumb_secret", json!(content.thumbnail_secret_key()));
        }
        _ => put("msg", json!(content.text())),
    }
    Value::Object(json)
}

fn size(content: &Content) -> Value {
    let size = content.size.unwrap_or_default();
    json!({ "width": size.width(), "height": size.height() })
}

/// Key-value pairs as an object. What says of itself that it is JSON, and is, comes as that.
fn pairs(pairs: &[KeyValue]) -> Map<String, Value> {
    let value = |pair: &KeyValue| {
        let text = || pair.string_value().to_owned();
        match ValueType::try_from(pair.r#type.unwrap_or_default()) {
            Ok(ValueType::Bool) => json!(pair.varint_value() != 0),
            Ok(ValueType::Int | ValueType::Llint | ValueType::Uint) => json!(pair.varint_value()),
            Ok(ValueType::Float) => json!(pair.float_value()),
            Ok(ValueType::Double) => json!(pair.double_value()),
            Ok(ValueType::JsonString) => {
                serde_json::from_str(pair.string_value()).unwrap_or_else(|_| json!(text()))
            }
            Ok(ValueType::String) | Err(_) => json!(text()),
        }
    };
    pairs.iter().map(|pair| (pair.key().to_owned(), value(pair))).collect()
}

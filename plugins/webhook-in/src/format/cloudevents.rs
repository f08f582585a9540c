//! CloudEvents 1.0. Source: "HTTP Protocol Binding for CloudEvents" and "HTTP 1.1 Web Hooks for Event Delivery", 1.0.

use base64::{Engine, engine::general_purpose::STANDARD};
use easebot_plugin::{HookReply, HookRequest};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{MAX_POSTS, Post, generic, lines, text};
use crate::{body, refusal::Refusal};

pub(super) async fn read(request: &HookRequest) -> Result<Vec<Post>, Refusal> {
    let content_type = request.header("content-type").unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/cloudevents+json" => Ok(vec![post(body::json(&request.body)?)?]),
        "application/cloudevents-batch+json" => match body::json(&request.body)? {
            Value::Array(events) if events.len() <= MAX_POSTS => {
                events.into_iter().map(post).collect()
            }
            Value::Array(events) => {
                let reason = format!("{} events where {MAX_POSTS} are allowed", events.len());
                Err(Refusal::unreadable("the batch is too long", &reason))
            }
            _ => Err(Refusal::unreadable("the batch", "it is no JSON array")),
        },
        other if other.starts_with("application/cloudevents") => {
            Err(Refusal::unreadable("events are read as JSON", "another encoding came"))
        }
        _ => Ok(vec![post(binary(request).await?)?]),
    }
}

/// An event whose attributes are headers, as the JSON that it would be.
async fn binary(request: &HookRequest) -> Result<Value, Refusal> {
    let mut event = Map::new();
    for name in request.headers.keys() {
        let (Some(attribute), Some(value)) =
            (name.as_str().strip_prefix("ce-"), request.header(name.as_str()))
        else {
            continue;
        };
        let value = percent_decode_str(value.trim_matches('"')).decode_utf8_lossy();
        event.insert(attribute.to_owned(), value.into_owned().into());
    }
    if let Some(content_type) = request.header("content-type") {
        event.insert("datacontenttype".to_owned(), content_type.into());
    }
    if !request.body.is_empty() {
        match std::str::from_utf8(&request.body) {
            Ok(_) => {
                event.insert("data".to_owned(), body::read(request).await?.value);
            }
            Err(_) => {
                event.insert("data_base64".to_owned(), STANDARD.encode(&request.body).into());
            }
        }
    }
    Ok(Value::Object(event))
}

fn post(event: Value) -> Result<Post, Refusal> {
    for attribute in ["specversion", "id", "source", "type"] {
        if text(&event, attribute).is_empty() {
            return Err(Refusal::unreadable("an attribute of the event is missing", attribute));
        }
    }
    if text(&event, "specversion") != "1.0" {
        return Err(Refusal::unreadable("the event is not of version 1.0", "`specversion`"));
    }
    // Both parts may hold anything, so the length of the first tells where the second begins.
    let (source, id) = (text(&event, "source"), text(&event, "id"));
    let id = format!("{} {source} {id}", source.len());
    let said = event.get("data").map(generic::said).unwrap_or_default();
    let said = if said.is_empty() {
        let head = format!("{} from {}", text(&event, "type"), text(&event, "source"));
        lines([head.as_str(), text(&event, "subject")])
    } else {
        said
    };
    Ok(Post::new(event, said).with_id(Some(id)))
}

/// The answer to a sender that asks whether it may send.
pub(crate) fn handshake(request: &HookRequest, per_minute: u32) -> HookReply {
    let Some(origin) = request.header("webhook-request-origin") else {
        return HookReply::text(400, "there is no webhook-request-origin\n");
    };
    HookReply::text(200, "")
        .with_header("allow", "POST")
        .with_header("webhook-allowed-origin", origin)
        .with_header("webhook-allowed-rate", &per_minute.to_string())
}

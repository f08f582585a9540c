//! What Easemob itself sends an app's own server: callbacks before a message goes out, and after something happened.
//!
//! Source: Easemob's documentation, "callbacks".

use easebot_model::UserId;
use easebot_plugin::BotInfo;
use serde_json::Value;

use super::{Post, first, list, short, text};
use crate::refusal::Refusal;

/// How many characters of a message are shown.
const MAX_MESSAGE: usize = 1_000;

/// None for what one of `bots` did: to say that where it is told of would go on without end.
pub(super) fn read(body: Value, bots: &[BotInfo]) -> Result<Option<Post>, Refusal> {
    let id = text(&body, "callId").to_owned();
    if id.is_empty() {
        return Err(Refusal::unreadable("the body", "it has no `callId`"));
    }
    let app = first([text(&body, "appkey"), id.rsplit_once('_').map_or("", |(app, _)| app)]);
    let who = [text(&body, "from"), text(&body, "user"), text(&body, "operator")];
    let who = person(first(who), app);
    let is_ours = |bot: &BotInfo| {
        bot.app_key.as_str().eq_ignore_ascii_case(app) && bot.user == UserId::new(who)
    };
    if bots.iter().any(is_ours) {
        return Ok(None);
    }
    let said = said(&body, who, app);
    // The same message is told again for each receiver who is offline, under the same id: it is said once.
    Ok(Some(Post::new(body, said).with_id(Some(id))))
}

fn said(body: &Value, who: &str, app: &str) -> String {
    let of = |key: &str| text(body, key);
    let (to, payload) = (person(of("to"), app), body.get("payload").unwrap_or(&Value::Null));
    let group = of("group_id");
    let place = if group.is_empty() { format!("to {to}") } else { format!("in {group}") };
    match of("chat_type") {
        "chat" | "groupchat" | "chatroom" => format!("{who} {place}: {}", words(payload)),
        "read_ack" => format!("{who} has read {} {place}", text(payload, "ack_message_id")),
        "channel_ack" => format!("{who} has read all {place}"),
        "recall" => format!("{who} took back {} {place}", of("recall_id")),
        "edit" => {
            let message = text(payload, "edit_message_id");
            format!("{who} changed {message} {place}: {}", words(payload))
        }
        "roster" => format!("{who} {} {to}", text(payload, "operation").replace('_', " ")),
        "muc" => {
            let whom = if to == who { String::new() } else { format!(": {to}") };
            format!("{} {} by {who}{whom}", group, text(payload, "operation").replace('_', " "))
        }
        "notify" => format!("{} {place} by {who}", text(payload, "type")),
        _ => other(body, who, payload, app),
    }
}

/// What has no `chat_type`.
fn other(body: &Value, who: &str, payload: &Value, app: &str) -> String {
    let of = |key: &str| text(body, key);
    match first([of("eventType"), of("event"), of("step")]) {
        "userStatus" => format!("{who} is {} ({})", of("status"), of("reason")),
        "group_op_event" => {
            let what = [of("operation"), text(payload, "type")].join(" ").to_lowercase();
            let members = list(payload, "member").iter().filter_map(Value::as_str);
            let members = members.collect::<Vec<_>>().join(", ");
            let whom = if members.is_empty() { members } else { format!(": {members}") };
            format!("{} {} by {who}{whom}", of("id"), what.trim())
        }
        "keyword_alert" => format!(
            "{} to {}: {} ({})",
            person(of("contentOwner"), app),
            person(of("contentReceiver"), app),
            of("alertReason"),
            of("status")
        ),
        kind => [kind, who].join(" ").trim().to_owned(),
    }
}

/// What a message says: the text, or what kind it is. Its payload is the message, or holds it in a list.
fn words(payload: &Value) -> String {
    let body = list(payload, "bodies").first().unwrap_or(payload);
    let kind = match first([text(body, "subType"), text(body, "type")]) {
        "txt" => return short(text(body, "msg"), MAX_MESSAGE),
        "sub_combine" => "forwarded messages",
        "img" | "sub_gif" => "picture",
        "audio" => "voice message",
        "loc" => "place",
        "custom" => "custom message",
        "cmd" => "command",
        other => other,
    };
    let name = first([text(body, "filename"), text(body, "addr"), text(body, "customEvent")]);
    let name = first([name, text(body, "action"), text(body, "title")]);
    if name.is_empty() { format!("({kind})") } else { format!("({kind}: {})", short(name, 100)) }
}

/// `alice` of `easebot#demo_alice@easemob.com/web_1`, in the app `easebot#demo`.
fn person<'t>(name: &'t str, app: &str) -> &'t str {
    // Not of who has no name but that of a role, `@ppAdmin`.
    let name = name.split(['@', '/']).next().filter(|name| !name.is_empty()).unwrap_or(name);
    name.strip_prefix(app).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name)
}

//! The list of a user's conversations, and what is pinned and marked in it.

use easebot_model::{Conversation, UserId};
use serde_json::{Value, json};

use super::{call::Call, reply::Reply, unknown};
use crate::{
    refusal::HttpRefusal,
    world::{App, Channel, ChannelChange, Cx, Listed, MAX_MARK, message_json},
};

pub(super) fn route(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let (me, rest) = match path {
        ["sdk", "user", me, rest @ ..] | ["user" | "users", me, rest @ ..] => {
            (UserId::new(me), rest)
        }
        _ => return Err(unknown(call)),
    };
    call.require(app, cx, &me)?;
    if app.user(&me).is_none() {
        return Err(HttpRefusal::no_user(me.as_str()));
    }
    let acting = call.acting();
    let acting = acting.as_ref();
    match (method, rest) {
        ("GET", ["user_channels" | "user_channels_list"] | ["user_channels", "page"]) => {
            Ok(first_list(call, app, &me))
        }
        ("GET", ["user_channels", "list"] | ["user_channels", "mark", "search"]) => {
            Ok(second_list(call, app, &me))
        }
        ("POST" | "DELETE", ["user_channels", "mark"]) => {
            let mark = call.text(&["mark"]).unwrap_or_default();
            if mark.is_empty() {
                return Err(HttpRefusal::bad("param mark must be not empty, please check!"));
            }
            let number = mark.strip_prefix("mark_").and_then(|number| number.parse::<u8>().ok());
            let number = number
                .filter(|number| *number <= MAX_MARK)
                .ok_or_else(|| HttpRefusal::bad("param mark illegal, please check it!"))?;
            let targets = call.body.get("targets").and_then(Value::as_array);
            for target in targets.into_iter().flatten() {
                let text = |key| target.get(key).and_then(Value::as_str);
                let channel = channel(&me, text("type"), text("to"))?;
                let change = ChannelChange::Marked(number, method == "POST");
                app.change_channel(cx, &me, &channel, change, acting)?;
            }
            Ok(Reply::data(json!({ "ignore": [] })))
        }
        ("POST" | "DELETE", ["user_channel", "top"]) => {
            let kind = call.text(&["type"]).or_else(|| call.param("type"));
            let to = call.text(&["to"]).or_else(|| call.param("to"));
            let channel = channel(&me, kind, to)?;
            let change = ChannelChange::Pinned(method == "POST");
            let view = app.change_channel(cx, &me, &channel, change, acting)?;
            Ok(Reply::data(json!({
                "is_top": view.pinned_ms.is_some(),
                "update_top_status_time": view.pinned_ms.unwrap_or(cx.now),
            })))
        }
        ("DELETE", ["user_channel"]) => {
            let channel = channel(&me, call.text(&["type"]), call.text(&["channel"]))?;
            let with_messages = call.flag(&["delete_roam"]).unwrap_or_default();
            let change = ChannelChange::Dropped { with_messages };
            app.change_channel(cx, &me, &channel, change, acting)?;
            Ok(Reply::data(json!({ "result": "ok" })))
        }
        ("POST" | "DELETE", ["user_channel", "pin"]) => {
            let channel = channel(&me, call.text(&["type"]), call.text(&["to"]))?;
            let id = call.number(&["pin_msg_id"]);
            let illegal = || HttpRefusal::bad("param pin_msg_id illegal, please check it!");
            let id = id.ok_or_else(illegal)?;
            app.set_pinned(cx, &me, &channel, id, method == "POST", acting)?;
            Ok(Reply::data(json!({ "result": "ok" })))
        }
        ("GET", ["user_channel", "pin"]) => {
            let channel = channel(&me, call.param("type"), call.param("to"))?;
            app.require_access(&me, &channel)?;
            let pins = app.pins(&channel).into_iter().filter_map(|(message, pin)| {
                Some(json!({
                    "message": flattened(message_json(&message.meta)?),
                    "pin_opt_at": pin.at_ms,
                    "pin_operator": pin.by,
                }))
            });
            let (page, cursor) = call.page(pins.collect::<Vec<_>>());
            Ok(Reply::data(json!({ "msg_infos": page, "cursor": cursor.unwrap_or_default() })))
        }
        _ => Err(unknown(call)),
    }
}

/// The list as older clients ask for it: channels by their JIDs.
fn first_list(call: &Call, app: &App, me: &UserId) -> Reply {
    let all: Vec<Value> = app
        .conversations(me, false)
        .iter()
        .map(|one| {
            let name = one.channel.name_for(me);
            let domain = match one.channel {
                Channel::Muc(_) => "conference.easemob.com",
                Channel::Pair(..) => "easemob.com",
            };
            json!({
                "channel_id": format!("{}_{name}@{domain}", app.key),
                "unread_num": one.n_unread,
                "meta": last(one),
            })
        })
        .collect();
    let (page, _) = call.page(all);
    Reply::data(json!({ "channel_infos": page }))
}

/// The list as newer clients ask for it, all or the pinned or the marked.
fn second_list(call: &Call, app: &App, me: &UserId) -> Reply {
    let with_empty = call.param("needEmptySession") == Some("true");
    let only_pinned = call.param("is_top") == Some("true");
    let mark = call.param("mark").and_then(|mark| mark.strip_prefix("mark_")?.parse::<u8>().ok());
    let mut meant: Vec<Listed<'_>> = app
        .conversations(me, with_empty)
        .into_iter()
        .filter(|one| !only_pinned || one.view.pinned_ms.is_some())
        .filter(|one| mark.is_none_or(|mark| one.view.marks.contains(&mark)))
        .collect();
    if only_pinned {
        meant.sort_by_key(|one| std::cmp::Reverse(one.view.pinned_ms));
    }
    let all: Vec<Value> = meant
        .iter()
        .map(|one| {
            let kind = match one.channel {
                Channel::Muc(_) => "groupChat",
                Channel::Pair(..) => "chat",
            };
            let marks = one.view.marks.iter().map(|mark| format!("mark_{mark}"));
            json!({
                "session_to": one.channel.name_for(me),
                "session_type": kind,
                "is_top": one.view.pinned_ms.is_some(),
                "update_top_status_time": one.view.pinned_ms.unwrap_or_default(),
                "unread_num": one.n_unread,
                "marks": marks.collect::<Vec<_>>(),
                "meta": last(one),
            })
        })
        .collect();
    let (page, cursor) = call.page(all);
    Reply::data(json!({ "channel_infos": page, "cursor": cursor.unwrap_or_default() }))
}

/// What was last said, as the lists write it.
fn last(one: &Listed<'_>) -> Value {
    one.last.and_then(|message| message_json(&message.meta)).map_or_else(|| json!({}), flattened)
}

/// A message with its payload as a text, which clients parse once more.
fn flattened(mut message: serde_json::Map<String, Value>) -> Value {
    if let Some(payload) = message.get_mut("payload") {
        *payload = Value::String(payload.to_string());
    }
    Value::Object(message)
}

/// The conversation of `me` that a request names.
fn channel(me: &UserId, kind: Option<&str>, to: Option<&str>) -> Result<Channel, HttpRefusal> {
    let to = to.filter(|to| !to.is_empty());
    let to = to.ok_or_else(|| HttpRefusal::bad("the conversation must be provided"))?;
    let conversation = match kind {
        Some("chat" | "singleChat") => Conversation::user(to),
        Some("groupchat" | "groupChat") => Conversation::group(to),
        Some("chatroom" | "chatRoom") => Conversation::room(to),
        _ => return Err(HttpRefusal::bad("type must be chat, groupchat or chatroom")),
    };
    Ok(Channel::of(me, &conversation))
}

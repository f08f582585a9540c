//! Messages that an app's own server sends, recalls, edits and imports.
//!
//! Source of paths, limits and words: Easemob's REST documentation, "send messages", "recall messages", "edit messages",
//! "import messages" and "stream messages".

pub(crate) mod content;
mod streams;

use easebot_model::{Conversation, ConversationKind, Ext, ExtValue, UserId};
use easebot_msync::{encode_ext, schema::message_body::Content};
use serde_json::{Map, Value, json};

use self::content::content;
use super::{call::Call, reply::Reply, unknown};
use crate::{
    refusal::HttpRefusal,
    world::{AdminEdit, AdminMessage, AdminRecall, App, Cx},
};

/// In whose name a server speaks that names nobody.
const ADMIN: &str = "admin";
/// Largest numbers of receivers in one request.
const MAX_USERS: usize = 600;
const MAX_GROUPS: usize = 3;
const MAX_ROOMS: usize = 10;
/// Largest number of receivers of a directed message, and of users who do not find a group message in their history.
const MAX_DIRECTED: usize = 20;
/// Largest number of messages that are recalled at once.
const MAX_RECALLS: usize = 30;

pub(super) fn route(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    call.require_admin(app, cx)?;
    let is_edit = matches!(path, ["messages", "rewrite", _]);
    if method != if is_edit { "PUT" } else { "POST" } {
        let text = format!("{method} is not allowed here");
        return Err(HttpRefusal::new(405, "method_not_allowed", text));
    }
    if call.json().is_err() || !call.body.is_object() {
        return Err(HttpRefusal::new(400, "invalid_request_body", "the body is no JSON object"));
    }
    match path {
        ["messages", "users"] => {
            let targets = targets(call, ConversationKind::User, MAX_USERS)?;
            let live = is_live(call);
            let mirrored = call.flag(&["sync_device"]) == Some(true);
            send(call, app, cx, targets, |draft| AdminMessage { live, mirrored, ..draft })
        }
        ["messages", "chatgroups"] => {
            let targets = targets(call, ConversationKind::Group, MAX_GROUPS)?;
            let live = is_live(call);
            let counts_readers = call.flag(&["need_group_ack"]) == Some(true);
            at_most(call.names("roam_ignore_users").len(), MAX_DIRECTED, "roam_ignore_users")?;
            send(call, app, cx, targets, |draft| AdminMessage { live, counts_readers, ..draft })
        }
        ["messages", "chatrooms"] => {
            let targets = targets(call, ConversationKind::Room, MAX_ROOMS)?;
            let tags = vec![level(call)];
            let tags = encode_ext(&tags.into_iter().collect());
            send(call, app, cx, targets, |draft| AdminMessage {
                tags: tags.clone(),
                mirrored: false,
                ..draft
            })
        }
        ["messages", "chatgroups", "users"] => {
            let targets = targets(call, ConversationKind::Group, 1)?;
            let (live, directed) = (is_live(call), Some(receivers(call)?));
            send(call, app, cx, targets, |draft| AdminMessage {
                live,
                directed: directed.clone(),
                ..draft
            })
        }
        ["messages", "chatrooms", "users"] => {
            let targets = targets(call, ConversationKind::Room, 1)?;
            let directed = Some(receivers(call)?);
            let tags = encode_ext(&std::iter::once(level(call)).collect());
            send(call, app, cx, targets, |draft| AdminMessage {
                tags: tags.clone(),
                directed: directed.clone(),
                mirrored: false,
                ..draft
            })
        }
        ["messages", "chatrooms", "broadcast"] => {
            let tags = [level(call), ("is_broadcast", ExtValue::Bool(true))];
            let tags = encode_ext(&tags.into_iter().collect());
            let rooms = app.rooms.keys().map(Conversation::room).collect();
            broadcast(call, app, cx, rooms, |draft| AdminMessage {
                tags: tags.clone(),
                mirrored: false,
                ..draft
            })
        }
        ["messages", "users", "broadcast"] => {
            let online = app.users().filter(|(_, user)| user.is_online());
            let online = online.map(|(name, _)| Conversation::user(name)).collect();
            broadcast(call, app, cx, online, |draft| AdminMessage {
                live: true,
                mirrored: false,
                ..draft
            })
        }
        ["messages", "broadcast"] => {
            if call.text(&["target_type"]) != Some("users") {
                return Err(refused("param target_type must be users"));
            }
            let all = app.users().map(|(name, _)| Conversation::user(name)).collect();
            broadcast(call, app, cx, all, |draft| AdminMessage { mirrored: false, ..draft })
        }
        ["messages", "users", "import"] => import(call, app, cx, ConversationKind::User),
        ["messages", "chatgroups", "import"] => import(call, app, cx, ConversationKind::Group),
        ["messages", "msg_recall"] => recall(&call.body, app, cx).map(Reply::data),
        ["messages", "batch_recall"] => recall_batch(call, app, cx),
        ["messages", "rewrite", id] => edit(id, call, app, cx),
        ["stream_message", "user"] => streams::take(call, app, cx, ConversationKind::User),
        ["stream_message", "chatgroup"] => streams::take(call, app, cx, ConversationKind::Group),
        _ => Err(unknown(call)),
    }
}

/// Sends what the request says to each of `targets`, in the way that `route` adds.
fn send(
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    targets: Vec<Conversation>,
    route: impl Fn(AdminMessage) -> AdminMessage,
) -> Result<Reply, HttpRefusal> {
    let from = sender(call)?;
    let kind = text_of(call, "type")?;
    let content = content(kind, object(call, "body")?)?;
    let ext = ext(call.body.get("ext"))?;
    check_size(call, "body", cx)?;
    let mut ids = Map::new();
    for to in targets {
        let name = to.name().to_owned();
        let draft = draft(call, from.clone(), to, content.clone(), &ext);
        let id = app.say_by_rest(cx, &route(draft));
        ids.insert(name, json!(id.to_string()));
    }
    Ok(Reply::data(ids))
}

/// Sends what the request says to all of `targets`. Each copy has an id of its own; the answer names the first.
fn broadcast(
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    targets: Vec<Conversation>,
    route: impl Fn(AdminMessage) -> AdminMessage,
) -> Result<Reply, HttpRefusal> {
    let from = sender(call)?;
    let message = object(call, "msg")?;
    let kind = message.get("type").and_then(Value::as_str).ok_or_else(|| empty("type"))?;
    let content = content(kind, message)?;
    let ext = ext(call.body.get("ext"))?;
    check_size(call, "msg", cx)?;
    let mut first = None;
    for to in targets {
        let draft = draft(call, from.clone(), to, content.clone(), &ext);
        let id = app.say_by_rest(cx, &route(draft));
        first.get_or_insert(id);
    }
    let id = first.unwrap_or_else(|| cx.next_id());
    Ok(Reply::data(json!({ "id": id.to_string() })))
}

fn import(
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    kind: ConversationKind,
) -> Result<Reply, HttpRefusal> {
    let from = sender(call)?;
    let to = conversation(kind, text_of(call, "target")?);
    let content = content(text_of(call, "type")?, object(call, "body")?)?;
    let ext = ext(call.body.get("ext"))?;
    check_size(call, "body", cx)?;
    let sent_ms = call.number(&["msg_timestamp"]).unwrap_or(cx.now);
    let id = app.import(cx, &draft(call, from, to, content, &ext), sent_ms);
    Ok(Reply::data(json!({ "msg_id": id.to_string() })))
}

/// Takes one message back; `wish` is the body, or one of many in it.
fn recall(wish: &Value, app: &mut App, cx: &mut Cx<'_>) -> Result<Value, HttpRefusal> {
    let text = |key: &str| wish.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let flag = |key: &str| wish.get(key).and_then(Value::as_bool);
    let missing = |key: &str| {
        let text = format!("param {key} can't be empty");
        HttpRefusal::new(400, "message_recall_error", text)
    };
    let id = wish.get("msg_id").and_then(number).ok_or_else(|| missing("msg_id"))?;
    let to = text("to").ok_or_else(|| missing("to"))?;
    let chat_type = text("chat_type").ok_or_else(|| missing("chat_type"))?;
    let conversation = match chat_type {
        "chat" => Conversation::user(to),
        "chatroom" => Conversation::room(to),
        "groupchat" => Conversation::group(to),
        _ => return Err(missing("chat_type")),
    };
    let from = text("from").unwrap_or(ADMIN);
    let recall = AdminRecall {
        id,
        from: UserId::new(from),
        to: conversation,
        force: flag("force") == Some(true),
        mirrored: flag("sync_device") != Some(false),
        info: text("recallMessageExtensionInfo").map(ToOwned::to_owned),
    };
    app.recall_by_rest(cx, &recall)?;
    Ok(json!({
        "recalled": "yes",
        "chattype": chat_type,
        "from": from,
        "to": to,
        "msg_id": id.to_string(),
    }))
}

/// Takes messages back, each for itself.
fn recall_batch(call: &Call, app: &mut App, cx: &mut Cx<'_>) -> Result<Reply, HttpRefusal> {
    let wishes = call.body.get("msgs").and_then(Value::as_array).filter(|list| !list.is_empty());
    let wishes = wishes.ok_or_else(|| {
        HttpRefusal::new(400, "message_recall_error", "param msgs can't be empty")
    })?;
    at_most(wishes.len(), MAX_RECALLS, "msgs")?;
    let outcomes = wishes.iter().map(|wish| {
        recall(wish, app, cx).unwrap_or_else(|refusal| {
            json!({
                "recalled": "no",
                "msg_id": wish.get("msg_id"),
                "reason": refusal.description,
            })
        })
    });
    Ok(Reply::data(outcomes.collect::<Vec<_>>()))
}

fn edit(id: &str, call: &Call, app: &mut App, cx: &mut Cx<'_>) -> Result<Reply, HttpRefusal> {
    let bad = |text: &str| HttpRefusal::new(400, "message_rewrite_error", text);
    let id = id.parse().map_err(|_| bad("the message id is no number"))?;
    let operator = call.text(&["user"]).filter(|user| !user.is_empty());
    let message = call.body.get("new_msg").and_then(Value::as_object);
    let message = message.ok_or_else(|| bad("param new_msg can't be empty"))?;
    let kind = message.get("type").and_then(Value::as_str).unwrap_or_default();
    if !matches!(kind, "custom" | "txt") {
        return Err(bad("only txt and custom messages can be edited"));
    }
    let content = content(kind, message)?;
    let ext = match call.body.get("new_ext") {
        None | Some(Value::Null) => None,
        some => Some(encode_ext(&ext(some)?)),
    };
    check_size(call, "new_msg", cx)?;
    let merges_ext = call.flag(&["is_combine_ext"]) == Some(true);
    let operator = UserId::new(operator.unwrap_or(ADMIN));
    app.edit_by_rest(cx, AdminEdit { id, operator, content, ext, merges_ext })?;
    Ok(Reply::data("success"))
}

/// A message to `to` that goes to everybody there.
fn draft(call: &Call, from: UserId, to: Conversation, content: Content, ext: &Ext) -> AdminMessage {
    AdminMessage {
        from,
        to,
        content,
        ext: encode_ext(ext),
        directed: None,
        live: false,
        mirrored: true,
        counts_readers: false,
        tags: Vec::new(),
        hidden_from: call.names("roam_ignore_users"),
    }
}

/// Who is named as the sender.
fn sender(call: &Call) -> Result<UserId, HttpRefusal> {
    match call.body.get("from") {
        None => Ok(UserId::new(ADMIN)),
        Some(Value::String(from)) if !from.is_empty() => Ok(UserId::new(from)),
        Some(_) => Err(empty("from")),
    }
}

fn targets(
    call: &Call,
    kind: ConversationKind,
    limit: usize,
) -> Result<Vec<Conversation>, HttpRefusal> {
    let to = call.texts("to");
    let to: Vec<&str> = to.into_iter().filter(|name| !name.is_empty()).collect();
    if to.is_empty() {
        return Err(empty("to"));
    }
    at_most(to.len(), limit, "to")?;
    // Each once, because the answer has one id for a name.
    let mut targets = Vec::with_capacity(to.len());
    for target in to.into_iter().map(|name| conversation(kind, name)) {
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    Ok(targets)
}

fn conversation(kind: ConversationKind, name: &str) -> Conversation {
    match kind {
        ConversationKind::Group => Conversation::group(name),
        ConversationKind::Room => Conversation::room(name),
        ConversationKind::User => Conversation::user(name),
    }
}

/// Who a directed message is for.
fn receivers(call: &Call) -> Result<Vec<UserId>, HttpRefusal> {
    let users = call.names("users");
    if users.is_empty() {
        return Err(empty("users"));
    }
    at_most(users.len(), MAX_DIRECTED, "users")?;
    Ok(users)
}

fn at_most(n_items: usize, limit: usize, name: &str) -> Result<(), HttpRefusal> {
    if n_items > limit {
        return Err(refused(&format!("params {name}'s size can't exceed limit {limit}")));
    }
    Ok(())
}

/// The priority of a message to a room, as it goes over the wire. Source: observed with the official SDK.
fn level(call: &Call) -> (&'static str, ExtValue) {
    let tag = match call.text(&["chatroom_msg_level"]) {
        Some("high") => 0,
        Some("low") => 2,
        _ => 1,
    };
    ("chatroom_msg_tag", ExtValue::Int(tag))
}

fn is_live(call: &Call) -> bool {
    call.text(&["routetype"]) == Some("ROUTE_ONLINE")
}

/// `ext`, an object if it is there.
fn ext(value: Option<&Value>) -> Result<Ext, HttpRefusal> {
    match value {
        None => Ok(Ext::new()),
        Some(Value::Object(pairs)) => Ok(pairs.clone().into_iter().collect()),
        Some(_) => Err(refused("param ext must be JSONObject")),
    }
}

/// Content and ext together have a limit.
fn check_size(call: &Call, key: &str, cx: &Cx<'_>) -> Result<(), HttpRefusal> {
    let ext = if key == "new_msg" { "new_ext" } else { "ext" };
    let parts = [key, ext].into_iter().filter_map(|key| call.body.get(key));
    let n_bytes: usize = parts.map(|value| value.to_string().len()).sum();
    if n_bytes > cx.options.message_limit_bytes {
        return Err(refused("message is too large").with_code(14007));
    }
    Ok(())
}

fn object<'a>(call: &'a Call, key: &str) -> Result<&'a Map<String, Value>, HttpRefusal> {
    let object = call.body.get(key).and_then(Value::as_object);
    object.filter(|fields| !fields.is_empty()).ok_or_else(|| empty(key))
}

fn text_of<'a>(call: &'a Call, key: &str) -> Result<&'a str, HttpRefusal> {
    call.text(&[key]).filter(|text| !text.is_empty()).ok_or_else(|| empty(key))
}

/// A whole number, also written as a text.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn empty(name: &str) -> HttpRefusal {
    refused(&format!("param {name} can't be empty"))
}

fn refused(text: &str) -> HttpRefusal {
    HttpRefusal::new(400, "message_send_error", text)
}

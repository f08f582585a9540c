//! Name space NOTIFY: JSON about presence, reactions, threads, pins and other devices.
//!
//! Source: observed with the official SDK. Numbers may come as text, any part may be absent.

use bytes::Bytes;
use easebot_model::{
    Conversation, Event, GroupId, MultiDevice, MultiDeviceChange, PinChange, Presence,
    ReactionChange, Resource, Thread, ThreadChange, Timestamp, UserId,
};
use serde_json::{Map, Value};

use super::{
    Decoded, Me, Unread, json, peer,
    view::{self, MetaView},
};

type Object = Map<String, Value>;

pub(super) fn decode(meta: &MetaView, payload: &Bytes, me: &Me) -> Result<Decoded, Unread> {
    let mut json = json::object(payload).ok_or(Unread::Broken("notification"))?;
    let events = match json.get("type").and_then(Value::as_str) {
        Some("conv") => conversation_change(&data(&mut json)?, me)?.into_iter().collect(),
        Some("presence") => vec![presence(&data(&mut json)?)],
        Some("reaction") => reactions(list(&mut json, "data")?, me)?,
        Some("roaming_delete") => roaming_deleted(&data(&mut json)?, me)?.into_iter().collect(),
        Some("thread") => vec![thread(data(&mut json)?)?],
        Some("user_notification_mute") => {
            let items = list(&mut json, "values")?.into_iter();
            items.filter_map(|item| silent_mode(item, me)).collect()
        }
        _ => return Err(Unread::Ignored("kind of notification")),
    };
    Ok(Decoded::several(meta.key(), events))
}

/// The object under `data`.
fn data(json: &mut Object) -> Result<Object, Unread> {
    match json.remove("data") {
        Some(Value::Object(data)) => Ok(data),
        _ => Err(Unread::Missing("data")),
    }
}

/// The objects of the list under `key`, or the one object that stands in its place.
fn list(json: &mut Object, key: &str) -> Result<Vec<Object>, Unread> {
    let object = |value| if let Value::Object(object) = value { Some(object) } else { None };
    match json.remove(key) {
        Some(Value::Array(items)) => Ok(items.into_iter().filter_map(object).collect()),
        Some(Value::Object(item)) => Ok(vec![item]),
        _ => Err(Unread::Missing("data")),
    }
}

fn user(map: &Object, key: &str) -> UserId {
    UserId::new(json::text(map, key))
}

/// The device under `key`, if it is named.
fn resource(map: &Object, key: &str) -> Option<Resource> {
    Some(Resource::new(json::text(map, key))).filter(|resource| !resource.is_empty())
}

/// Whether the device under `key` is this one. The user needs no check where only an account's own devices are told.
fn is_own(map: &Object, key: &str, me: &Me) -> bool {
    resource(map, key).is_some_and(|resource| resource == me.resource)
}

/// The conversation `name` of the kind that the JSON calls `kind`.
fn conversation(kind: &str, name: &str) -> Result<Conversation, Unread> {
    let found = match kind {
        "chat" | "singleChat" => (!name.is_empty()).then(|| Conversation::user(name)),
        "chatroom" | "chatRoom" => view::room(name),
        "group" | "groupChat" | "groupchat" => view::group(name),
        _ => None,
    };
    found.ok_or(Unread::Missing("conversation"))
}

/// `{"values": [{uid, last_time, expiry, ext, status: {RESOURCE: STATE}}]}`.
fn presence(data: &Object) -> Event {
    let values = data.get("values").and_then(Value::as_array).into_iter().flatten();
    let users = values.filter_map(Value::as_object).map(|value| {
        let devices = value.get("status").and_then(Value::as_object).into_iter().flatten();
        let device = |(name, state)| Some((Resource::new(name), json::int(state)?));
        Presence {
            user: user(value, "uid"),
            last_time_secs: json::uint(value, "last_time").unwrap_or_default(),
            expiry_secs: json::uint(value, "expiry").unwrap_or_default(),
            ext: json::text(value, "ext"),
            devices: devices.filter_map(device).collect(),
        }
    });
    Event::Presence { users: users.collect() }
}

/// Those of the changes that can be read. If none can, the whole notification counts as one that cannot.
fn reactions(items: Vec<Object>, me: &Me) -> Result<Vec<Event>, Unread> {
    let mut events = Vec::with_capacity(items.len());
    let mut unread = None;
    for item in items {
        match reaction(item, me) {
            Ok(event) => events.push(event),
            Err(why) => unread = Some(why),
        }
    }
    match unread {
        Some(why) if events.is_empty() => Err(why),
        _ => Ok(events),
    }
}

/// `{channel_type, from, to, messageId, reactions, ts}`.
fn reaction(mut item: Object, me: &Me) -> Result<Event, Unread> {
    let (from, to) = (user(&item, "from"), user(&item, "to"));
    let conversation = if json::text(&item, "channel_type") == "chat" {
        peer(&from, &to, me).cloned().map(Conversation::User)
    } else {
        view::group(to.as_str())
    };
    let raw = item.remove("reactions").unwrap_or_default();
    Ok(Event::Reaction(Box::new(ReactionChange {
        conversation: conversation.ok_or(Unread::Missing("conversation"))?,
        message: json::message_id(&item, "messageId").ok_or(Unread::Missing("message id"))?,
        from,
        time: json::time(&item, "ts"),
        reactions: json::reactions(Some(&raw)),
        operations: json::reaction_operations(Some(&raw)),
        raw,
    })))
}

/// `{operation, id, name, muc_parent_id, msg_parent_id, timestamp, from, message_count, last_message}`.
fn thread(mut data: Object) -> Result<Event, Unread> {
    let n_messages = json::uint(&data, "message_count");
    let change = match json::text(&data, "operation").as_str() {
        "create" => ThreadChange::Created,
        "delete" => ThreadChange::Destroyed,
        "update" => ThreadChange::Updated { n_messages },
        "update_msg" => ThreadChange::MessagesUpdated {
            n_messages: n_messages.unwrap_or_default(),
            last_message: data.remove("last_message").unwrap_or_default(),
        },
        _ => return Err(Unread::Ignored("thread operation")),
    };
    let id = GroupId::new(json::text(&data, "id"));
    let parent = GroupId::new(json::text(&data, "muc_parent_id"));
    if id.is_empty() || parent.is_empty() {
        return Err(Unread::Missing("thread id"));
    }
    Ok(Event::Thread(Box::new(Thread {
        id,
        parent,
        name: json::text(&data, "name"),
        message: json::message_id(&data, "msg_parent_id"),
        operator: user(&data, "from"),
        time: json::time(&data, "timestamp"),
        change,
    })))
}

/// `{resource, to, chatType}`; nothing if this device did it.
fn roaming_deleted(data: &Object, me: &Me) -> Result<Option<Event>, Unread> {
    if is_own(data, "resource", me) {
        return Ok(None);
    }
    let conversation = conversation(&json::text(data, "chatType"), &json::text(data, "to"))?;
    let change = MultiDeviceChange::RoamingDeleted { conversation };
    let resource = resource(data, "resource");
    Ok(Some(Event::MultiDevice(Box::new(MultiDevice { resource, time: None, change }))))
}

/// `{op, res, from, id, type, ts, ext}`: a conversation was deleted, put on top or marked on another device, or a message
/// was pinned by anybody. Nothing if this device did it.
fn conversation_change(data: &Object, me: &Me) -> Result<Option<Event>, Unread> {
    let from = user(data, "from");
    if from == me.user && is_own(data, "res", me) {
        return Ok(None);
    }
    let (operation, kind, id) =
        (json::text(data, "op"), json::text(data, "type"), json::text(data, "id"));
    let time = json::time(data, "ts");
    let is_pinned = match operation.as_str() {
        "pin" => true,
        "pin_delete" => false,
        "del" | "mark" | "mark_delete" | "not_top" | "top" => {
            let conversation = conversation(&kind, &id)?;
            let mark = mark(&json::text(data, "ext"));
            let change = MultiDeviceChange::Conversation { conversation, operation, mark };
            let resource = resource(data, "res");
            return Ok(Some(multi_device(resource, time, change)));
        }
        _ => return Err(Unread::Ignored("conversation operation")),
    };
    // One to one, `id` is the receiver of the notification unless that is who pinned.
    let name = if kind == "chat" && from != me.user { from.as_str() } else { &id };
    Ok(Some(Event::Pin(PinChange {
        conversation: conversation(&kind, name)?,
        message: json::message_id(data, "ext").ok_or(Unread::Missing("message id"))?,
        operator: from,
        time,
        is_pinned,
    })))
}

/// The number of a mark, written `mark_3`.
fn mark(ext: &str) -> Option<u32> {
    ext.strip_prefix("mark_")?.parse().ok()
}

/// `{operator_resource, data, group?, user?}`; nothing if this device did it.
fn silent_mode(mut item: Object, me: &Me) -> Option<Event> {
    if is_own(&item, "operator_resource", me) {
        return None;
    }
    let data = item.remove("data").unwrap_or_default();
    // A setting of the whole account is known by its hours of silence.
    let is_account = data.get("ignoreInterval").is_some();
    let (group, user) = (json::text(&item, "group"), json::text(&item, "user"));
    let one = view::group(&group).or_else(|| conversation("chat", &user).ok());
    let change = MultiDeviceChange::SilentMode { conversation: one.filter(|_| !is_account), data };
    let resource = resource(&item, "operator_resource");
    Some(Event::MultiDevice(Box::new(MultiDevice { resource, time: None, change })))
}

fn multi_device(resource: Option<Resource>, time: Timestamp, change: MultiDeviceChange) -> Event {
    Event::MultiDevice(Box::new(MultiDevice { resource, time: Some(time), change }))
}

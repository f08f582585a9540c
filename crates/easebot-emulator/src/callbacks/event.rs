//! What else than messages an app's own server is told of.

use easebot_model::{AppKey, Conversation, Resource, UserId};
use easebot_msync::schema::{Jid, MessageBody, MucBody, RosterBody, message_body::Type, muc_body};
use serde_json::{Map, Value, json};

use super::CallbackEvent;
use crate::world::body_json;

/// Something that happened in an app, as its own server gets to read it, without what it is known and signed by.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(super) app: AppKey,
    /// What it is known by in its app.
    pub(super) id: String,
    pub(super) timestamp: u64,
    pub(super) fields: Map<String, Value>,
}

/// How a login began or ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LoginChange {
    LoggedIn,
    /// By its own wish, or because its connection is gone.
    LoggedOut,
    /// The server ended it.
    Replaced,
}

impl CallbackEvent {
    /// What a message of this kind is told as, if it is told of at all.
    pub(crate) const fn of(kind: Type) -> Option<Self> {
        match kind {
            Type::Chat | Type::Groupchat | Type::Chatroom => Some(Self::Message),
            Type::ReadAck | Type::ChannelAck => Some(Self::Receipt),
            Type::Recall => Some(Self::Recall),
            Type::Edit => Some(Self::Edit),
            Type::Normal | Type::DeliverAck => None,
        }
    }
}

impl Event {
    /// `from` said something about a message: a receipt, a recall or an edit. None for anything else.
    pub(crate) fn remark(
        app: &AppKey,
        (id, timestamp): (u64, u64),
        from: &UserId,
        to: &Conversation,
        body: &MessageBody,
    ) -> Option<Self> {
        let about = body.ack_message_id.or(body.edit_message_id);
        let about = about.map(|about| about.to_string()).unwrap_or_default();
        let is_muc = !matches!(to, Conversation::User(_));
        let mut fields = Map::new();
        let mut put = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
        let (chat_type, payload) = match body.r#type() {
            Type::ReadAck => {
                put(
                    "channel_channel",
                    json!(format!("{app}_{}@conference.easemob.com", to.name())),
                );
                if is_muc {
                    put("channel_user", json!(format!("{app}_{from}@easemob.com")));
                    put("content_type", json!("chat:ack:read"));
                    put("writed_channel", json!(false));
                    let config = json!({ "allow_group_ack": true });
                    (
                        "read_ack",
                        json!({ "ext": {}, "ack_message_id": about, "msg_config": config, "type": "read_ack" }),
                    )
                } else {
                    ("read_ack", json!({ "ext": {}, "ack_message_id": about, "bodies": [] }))
                }
            }
            Type::ChannelAck => {
                ("channel_ack", json!({ "ack_message_id": about, "type": "channel_ack" }))
            }
            Type::Recall => {
                put("recall_id", json!(about));
                ("recall", json!({ "ext": {}, "ack_message_id": about, "bodies": [] }))
            }
            Type::Edit => {
                let mut payload = body_json(body);
                payload.insert("edit_message_id".to_owned(), json!(about));
                payload.insert("type".to_owned(), json!("edit"));
                ("edit", Value::Object(payload))
            }
            Type::Normal | Type::Chat | Type::Groupchat | Type::Chatroom | Type::DeliverAck => {
                return None;
            }
        };
        if is_muc {
            put("group_id", json!(to.name()));
        }
        let whom = (json!(from), json!(to.name()));
        Some(Self::said(app, (id, timestamp), chat_type, whom, payload, fields))
    }

    /// A group or chat room changed. None for message threads, which are told in another way.
    pub(crate) fn muc(app: &AppKey, at: (u64, u64), body: &MucBody) -> Option<Self> {
        let muc = body.muc_id.as_ref().filter(|_| body.is_thread != Some(true))?;
        let operation = match body.operation() {
            muc_body::Operation::Join => return None,
            // As the service spells it.
            muc_body::Operation::AssignOwner => "assing_owner".to_owned(),
            other => other.as_str_name().to_lowercase(),
        };
        let mut payload = Map::from_iter([
            ("muc_id".to_owned(), json!(address(muc))),
            ("reason".to_owned(), json!(body.reason())),
            ("is_chatroom".to_owned(), json!(body.is_chatroom())),
            ("operation".to_owned(), json!(operation)),
            ("status".to_owned(), json!({ "description": "", "error_code": "ok" })),
        ]);
        if let Some(facts) = body.event_info.as_ref().and_then(|info| info.ext.as_deref()) {
            let info = json!({ "ext": facts, "type": "event_none" });
            payload.insert("event_info".to_owned(), info);
        }
        let name = |jid: &Jid| json!(jid.name());
        let from = body.from.as_ref();
        let to = body.to.first().or(from).map_or(Value::Null, name);
        let fields = Map::from_iter([("group_id".to_owned(), name(muc))]);
        let whom = (json!(from.map(address)), to);
        Some(Self::said(app, at, "muc", whom, Value::Object(payload), fields))
    }

    /// What members are notified of, by `from` in `to`: a reaction, or something about a message thread.
    pub(crate) fn notice(
        app: &AppKey,
        at: (u64, u64),
        from: &UserId,
        to: &str,
        payload: Value,
    ) -> Self {
        Self::said(app, at, "notify", (json!(from), json!(to)), payload, Map::new())
    }

    /// Something between two users changed; `from` did it.
    pub(crate) fn roster(
        app: &AppKey,
        at: (u64, u64),
        from: &UserId,
        to: &UserId,
        body: &RosterBody,
    ) -> Self {
        let operation = body.operation().as_str_name().to_lowercase();
        let mut payload = Map::from_iter([("operation".to_owned(), json!(operation))]);
        let mut put = |key: &str, value: Value| drop(payload.insert(key.to_owned(), value));
        if let Some(reason) = &body.reason {
            put("reason", json!(reason));
        }
        match &body.roster_ver {
            Some(version) => put("roster_ver", json!(version)),
            None => put("status", json!({ "error_code": "ok" })),
        }
        let whom = (json!(format!("{app}_{from}@easemob.com")), json!(to));
        Self::said(app, at, "roster", whom, Value::Object(payload), Map::new())
    }

    /// A device came or went.
    pub(crate) fn presence(
        app: &AppKey,
        timestamp: u64,
        user: &UserId,
        device: &Resource,
        presence: LoginChange,
    ) -> Self {
        let (status, reason) = match presence {
            LoginChange::LoggedIn => ("online", "login"),
            LoginChange::LoggedOut => ("offline", "logout"),
            LoginChange::Replaced => ("offline", "replaced"),
        };
        // A resource begins with the kind of its device, such as `android_8070d7b2`.
        let os = device.as_str().split('_').next().unwrap_or_default();
        let fields = [
            ("eventType", json!("userStatus")),
            ("status", json!(status)),
            ("reason", json!(reason)),
            ("user", json!(format!("{app}_{user}@easemob.com/{device}"))),
            ("os", json!(os)),
            ("ip", json!("127.0.0.1")),
            ("version", json!("")),
        ];
        let fields = fields.map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
        let id = format!("{:032x}", fastrand::u128(..));
        Self { app: app.clone(), id, timestamp, fields }
    }

    /// What has the form of a message.
    fn said(
        app: &AppKey,
        (id, timestamp): (u64, u64),
        chat_type: &str,
        (from, to): (Value, Value),
        payload: Value,
        mut fields: Map<String, Value>,
    ) -> Self {
        let id = id.to_string();
        let more = [
            ("eventType", json!("chat")),
            ("chat_type", json!(chat_type)),
            ("from", from),
            ("to", to),
            ("msg_id", json!(id)),
            ("payload", payload),
        ];
        fields.extend(more.map(|(key, value)| (key.to_owned(), value)));
        Self { app: app.clone(), id, timestamp, fields }
    }
}

/// A JID as a text: `easebot#demo_1001@conference.easemob.com`.
fn address(jid: &Jid) -> String {
    format!("{}_{}@{}", jid.app_key(), jid.name(), jid.domain())
}

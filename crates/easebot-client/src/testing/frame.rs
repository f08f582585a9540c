//! Frames as a server reads and writes them.

use bytes::Bytes;
use easebot_msync::schema::{
    CommSyncUl, Jid, KeyValue, Logout, MSync, MessageBody, Meta, MetaQueue, MucBody, Provision,
    StatisticsBody, Status, key_value::ValueType, m_sync::Command, message_body, meta::NameSpace,
    statistics_body::Operation, status::ErrorCode,
};
use prost::Message as _;

/// A frame of the client.
#[derive(Debug, PartialEq)]
pub enum Up {
    /// It logs out.
    Logout(Logout),
    /// It says something.
    Message(Said),
    /// It logs in.
    Provision(Box<Provision>),
    /// It pulls a queue; with a key it releases what came before.
    Sync {
        /// The queue, as the server named it.
        queue: Jid,
        /// The cursor.
        key: Option<u64>,
    },
    /// It asks what waits, or whether the server is there.
    Unread,
}

/// Something that the client said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Said {
    /// The client id.
    pub id: u64,
    /// The name of the user, group or room.
    pub to: String,
    /// The text of a message; `<typing>`, `<delivered 7>`, `<recalled 7>`, `<read 7>` and `<join>` for what is none.
    pub what: String,
}

impl Up {
    /// Reads a frame.
    ///
    /// # Panics
    /// When it is none, or one that no client sends.
    #[must_use]
    pub fn read(bytes: Bytes) -> Self {
        let frame = MSync::decode(bytes).unwrap();
        let command = frame.command();
        let payload = frame.payload.unwrap_or_default();
        match command {
            Command::Logout => Self::Logout(Logout::decode(payload).unwrap()),
            Command::Notice => panic!("a client sends no NOTICE"),
            Command::Provision => Self::Provision(Box::new(Provision::decode(payload).unwrap())),
            Command::Unread => Self::Unread,
            Command::Sync => {
                let sync = CommSyncUl::decode(payload).unwrap();
                match (sync.meta, sync.queue) {
                    (Some(meta), None) => Self::Message(Said::read(meta)),
                    (None, Some(queue)) => Self::Sync { queue, key: sync.key },
                    other => panic!("neither message nor queue, or both: {other:?}"),
                }
            }
        }
    }
}

impl Said {
    fn read(meta: Meta) -> Self {
        if meta.ns() == NameSpace::Muc {
            return Self::read_muc(meta);
        }
        let body = MessageBody::decode(meta.payload.unwrap_or_default()).unwrap();
        let content = body.contents.first().cloned().unwrap_or_default();
        let what = match body.r#type() {
            message_body::Type::DeliverAck => format!("<delivered {}>", body.ack_message_id()),
            message_body::Type::Recall => format!("<recalled {}>", body.ack_message_id()),
            message_body::Type::ReadAck => format!("<read {}>", body.ack_message_id()),
            _ if content.action() == "TypingBegin" => "<typing>".to_owned(),
            _ => content.text().to_owned(),
        };
        Self {
            id: meta.id.unwrap_or_default(),
            to: meta.to.unwrap_or_default().name().to_owned(),
            what,
        }
    }
    fn read_muc(meta: Meta) -> Self {
        let body = MucBody::decode(meta.payload.unwrap_or_default()).unwrap();
        Self {
            id: meta.id.unwrap_or_default(),
            what: format!("<{:?}>", body.operation()).to_lowercase(),
            to: body.muc_id.unwrap_or_default().name().to_owned(),
        }
    }
}

/// A frame of the server with `payload`.
#[must_use]
pub fn down(command: Command, payload: &impl prost::Message) -> Bytes {
    let payload = Some(payload.encode_to_vec().into());
    let frame = MSync { command: Some(command.into()), payload, ..MSync::default() };
    frame.encode_to_vec().into()
}

pub(super) fn listed(queue: &Jid) -> MetaQueue {
    MetaQueue { queue: Some(queue.clone()), n: Some(1) }
}

/// The address of a user, and the name of the queue of what that user writes.
#[must_use]
pub fn user(name: &str) -> Jid {
    Jid { name: Some(name.to_owned()), domain: Some("easemob.com".to_owned()), ..Jid::default() }
}

/// The address of a group, and the name of its queue.
#[must_use]
pub fn group(id: &str) -> Jid {
    Jid {
        name: Some(id.to_owned()),
        domain: Some("conference.easemob.com".to_owned()),
        ..Jid::default()
    }
}

/// A text that `from` wrote to the account `concierge`.
#[must_use]
pub fn text(from: &str, id: u64, words: &str) -> Meta {
    text_to(from, "concierge", id, words)
}

/// A text that `from` wrote to `to`.
#[must_use]
pub fn text_to(from: &str, to: &str, id: u64, words: &str) -> Meta {
    message(message_body::Type::Chat, from, user(to), id, written(words))
}

/// `from` writes to the account `concierge`: a typing indicator.
#[must_use]
pub fn typing(from: &str, id: u64) -> Meta {
    let content = message_body::Content {
        r#type: Some(message_body::content::Type::Command.into()),
        action: Some("TypingBegin".to_owned()),
        ..message_body::Content::default()
    };
    message(message_body::Type::Chat, from, user("concierge"), id, content)
}

/// A meta as the server keeps it.
#[must_use]
pub fn encoded(meta: &Meta) -> Bytes {
    meta.encode_to_vec().into()
}

/// A text that `from` wrote in a group.
#[must_use]
pub fn group_text(id_of_group: &str, from: &str, id: u64, words: &str) -> Meta {
    message(message_body::Type::Groupchat, from, group(id_of_group), id, written(words))
}

/// The same, and it names the user `named`.
#[must_use]
pub fn group_text_naming(id_of_group: &str, from: &str, named: &str, id: u64, words: &str) -> Meta {
    let at_list = KeyValue {
        key: Some("em_at_list".to_owned()),
        r#type: Some(ValueType::JsonString.into()),
        string_value: Some(format!(r#"["{named}"]"#)),
        ..KeyValue::default()
    };
    let body = MessageBody { ext: vec![at_list], ..MessageBody::default() };
    let (kind, to) = (message_body::Type::Groupchat, group(id_of_group));
    meta(kind, from, to, id, MessageBody { contents: vec![written(words)], ..body })
}

/// `from` takes back what was said in a group under the id `message`.
#[must_use]
pub fn group_recall(id_of_group: &str, from: &str, id: u64, message: u64) -> Meta {
    let body = MessageBody { ack_message_id: Some(message), ..MessageBody::default() };
    meta(message_body::Type::Recall, from, group(id_of_group), id, body)
}

fn written(words: &str) -> message_body::Content {
    message_body::Content {
        r#type: Some(message_body::content::Type::Text.into()),
        text: Some(words.to_owned()),
        ..message_body::Content::default()
    }
}

fn message(
    kind: message_body::Type,
    from: &str,
    to: Jid,
    id: u64,
    content: message_body::Content,
) -> Meta {
    let body = MessageBody { contents: vec![content], ..MessageBody::default() };
    meta(kind, from, to, id, body)
}

fn meta(kind: message_body::Type, from: &str, to: Jid, id: u64, body: MessageBody) -> Meta {
    let body = MessageBody {
        r#type: Some(kind.into()),
        from: Some(user(from)),
        to: Some(to.clone()),
        ..body
    };
    Meta {
        id: Some(id),
        from: Some(user(from)),
        to: Some(to),
        timestamp: Some(1_700_000_000_000 + id),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec().into()),
        ..Meta::default()
    }
}

/// The end of a login by the server.
#[must_use]
pub fn kick(operation: Operation, reason: &str) -> Meta {
    let body = StatisticsBody {
        operation: Some(operation.into()),
        reason: Some(reason.to_owned()),
        ..StatisticsBody::default()
    };
    Meta {
        id: Some(1),
        ns: Some(NameSpace::Statistic.into()),
        payload: Some(body.encode_to_vec().into()),
        ..Meta::default()
    }
}

/// A status that says no.
#[must_use]
pub fn refusal(code: ErrorCode, reason: &str) -> Status {
    Status { error_code: Some(code.into()), reason: Some(reason.to_owned()), ..Status::default() }
}

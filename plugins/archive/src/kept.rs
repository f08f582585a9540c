//! A message as JSON, without what says nothing.

use easebot_model::{
    Body, ChatThread, Conversation, EditInfo, Ext, Message, MessageId, OnlineState, Priority,
    Reaction, Resource, StreamEnd, ThreadOverview, Timestamp, UserId,
};
use serde::Serialize;
use serde_json::Value;

/// `message` as it is kept.
pub(crate) fn write(message: &Message) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    #[serde(transparent)]
    struct As<'m>(#[serde(with = "Kept")] &'m Message);

    serde_json::to_string(&As(message))
}

/// What was [written](write), with everything that a message has.
pub(crate) fn read(text: &str) -> Result<Value, serde_json::Error> {
    let kept: Value = serde_json::from_str(text)?;
    // One that another version has kept in another way is what it is.
    let Ok(Value::Object(mut all)) =
        serde_json::from_str::<Message>(text).and_then(serde_json::to_value)
    else {
        return Ok(kept);
    };
    if let Value::Object(kept) = kept {
        for (field, value) in kept {
            all.entry(field).or_insert(value);
        }
    }
    Ok(Value::Object(all))
}

/// Whether two texts are the same message; an older version wrote what says nothing, too.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one == other || matches!((read(one), read(other)), (Ok(one), Ok(other)) if one == other)
}

/// The fields of [`Message`] under their names; those that are as they are without being written are left out.
#[derive(Serialize)]
#[serde(remote = "Message")]
struct Kept {
    id: MessageId,
    conversation: Conversation,
    from: UserId,
    #[serde(skip_serializing_if = "is_default")]
    from_resource: Option<Resource>,
    to: UserId,
    time: Timestamp,
    body: Body,
    #[serde(skip_serializing_if = "is_default")]
    ext: Ext,
    #[serde(skip_serializing_if = "is_default")]
    online_state: OnlineState,
    #[serde(skip_serializing_if = "is_default")]
    priority: Option<Priority>,
    #[serde(skip_serializing_if = "is_default")]
    is_broadcast: bool,
    #[serde(skip_serializing_if = "is_default")]
    wants_group_receipts: bool,
    #[serde(skip_serializing_if = "is_default")]
    is_content_replaced: bool,
    #[serde(skip_serializing_if = "is_default")]
    is_delivered: bool,
    #[serde(skip_serializing_if = "is_default")]
    is_read: bool,
    #[serde(skip_serializing_if = "is_default")]
    reactions: Vec<Reaction>,
    #[serde(skip_serializing_if = "is_default")]
    thread: Option<Box<ChatThread>>,
    #[serde(skip_serializing_if = "is_default")]
    thread_overview: Option<Box<ThreadOverview>>,
    #[serde(skip_serializing_if = "is_default")]
    edited: Option<Box<EditInfo>>,
    #[serde(skip_serializing_if = "is_default")]
    stream: Option<Box<StreamEnd>>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Message {
        let to = Conversation::group("7");
        Message::new(MessageId(1), to, "bob".into(), Timestamp(9), Body::text("hi"))
    }

    /// One in which nothing is as it is without being said.
    fn full() -> Message {
        let last_message = Some(Value::from("last"));
        let thread = |id: &str| ThreadOverview {
            id: id.into(),
            parent: "7".into(),
            name: "tea".to_owned(),
            n_messages: 2,
            created: Timestamp(3),
            updated: Timestamp(4),
            last_message: last_message.clone(),
        };
        let Message { id, conversation, from, to, time, body, .. } = plain();
        // Each by its name: one that comes to a message has to come here, too, and is then missed if it is not kept.
        Message {
            id,
            conversation,
            from,
            to,
            time,
            body,
            from_resource: Some(Resource::new("web")),
            ext: [("n", 7)].into_iter().collect(),
            online_state: OnlineState::Offline,
            priority: Some(Priority::High),
            is_broadcast: true,
            wants_group_receipts: true,
            is_content_replaced: true,
            is_delivered: true,
            is_read: true,
            reactions: vec![Reaction {
                reaction: "😀".to_owned(),
                count: 1,
                is_added_by_self: true,
                users: vec!["ann".into()],
            }],
            thread: Some(Box::new(ChatThread {
                message: Some(MessageId(5)),
                parent: "7".into(),
                name: "tea".to_owned(),
            })),
            thread_overview: Some(Box::new(thread("8"))),
            edited: Some(Box::new(EditInfo {
                operator: "bob".into(),
                time: Timestamp(2),
                count: 1,
            })),
            stream: Some(Box::default()),
        }
    }

    #[test]
    fn what_is_kept_is_the_whole_message() {
        for message in [plain(), full()] {
            let text = write(&message).unwrap();
            assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message);
            assert_eq!(read(&text).unwrap(), serde_json::to_value(&message).unwrap());
        }
    }

    #[test]
    fn what_says_nothing_is_not_kept() {
        let text = write(&plain()).unwrap();
        let fields: Value = serde_json::from_str(&text).unwrap();
        let names: Vec<&str> = fields.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["id", "conversation", "from", "to", "time", "body"]);
        let whole = serde_json::to_value(full()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&write(&full()).unwrap()).unwrap(), whole);
    }

    #[test]
    fn a_message_of_an_older_version_is_the_same() {
        let older = serde_json::to_string(&plain()).unwrap();
        assert!(older.contains("is_read") && is_same(&older, &write(&plain()).unwrap()));
        assert!(!is_same(&older, &write(&full()).unwrap()));
        let strange = r#"{"kept":"in another way"}"#;
        assert_eq!(read(strange).unwrap(), serde_json::from_str::<Value>(strange).unwrap());
        let newer = older.replace("\"id\"", "\"mood\":\"calm\",\"id\"");
        assert_eq!(read(&newer).unwrap().get("mood"), Some(&Value::from("calm")));
    }
}

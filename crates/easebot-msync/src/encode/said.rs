//! What this login said, as another device of the account would get it.

use bytes::Bytes;
use easebot_model::{
    Act, AppKey, Conversation, Draft, EditInfo, MessageId, Outgoing, Priority, Receipt,
};
use prost::Message as _;
use serde_json::{Map, Value, json};

use super::{EncodeError, USER_DOMAIN, address, bare, body};
use crate::{
    Me,
    schema::{
        Jid, Meta,
        meta::{NameSpace, RouteType},
    },
};

/// The encoded `Meta` of `outgoing` as the server has it since it gave `receipt`: under its id, with its time, and with the content that
/// moderation put in place. [`decode_meta`](crate::decode_meta) makes of it what another device of the account would be told.
///
/// `None` for what is no message, edit or recall. An edit or recall whose receipt names the message itself has no id, so that it
/// is not taken for that message.
///
/// Source: the official SDK hands out the same for a send that was taken, its own encoding with id and time of the answer.
///
/// # Errors
/// As [`encode_outgoing`](crate::encode_outgoing), apart from the limits: the server has it already.
pub fn encode_said(
    outgoing: &Outgoing,
    receipt: &Receipt,
    me: &Me,
    app_key: &AppKey,
) -> Result<Option<Bytes>, EncodeError> {
    let (to, act) = (&outgoing.to, moderated(&outgoing.act, receipt));
    let subject = match &act {
        Act::Edit { message, .. } | Act::Recall { message, .. } => Some(*message),
        Act::Message(_) => None,
        _ => return Ok(None),
    };
    let mut body = body::encode_body(to, &act, me)?;
    if let Some(edited) = &receipt.edited {
        body.meta = with_edit(body.meta.as_deref(), edited);
    }
    let mut ext = body::envelope_ext(to, &act);
    if let (Act::Recall { ext: Some(_), .. }, Conversation::Room(_)) = (&act, to) {
        // What others get of it is known for a room's by that.
        ext.push(body::priority(Priority::Normal));
    }
    let id = Some(receipt.message).filter(|id| subject != Some(*id)).unwrap_or(MessageId(0));
    let meta = Meta {
        id: Some(id.0),
        from: Some(Jid {
            app_key: Some(app_key.as_str().to_owned()),
            domain: Some(USER_DOMAIN.to_owned()),
            ..bare(me.user.as_str())
        }),
        to: Some(address(to, app_key)),
        timestamp: Some(receipt.time.0),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec().into()),
        routetype: Some(RouteType::RouteAll.into()),
        ext,
        meta: receipt.replaced.is_some().then(|| REPLACED.into()),
        ..Meta::default()
    };
    Ok(Some(meta.encode_to_vec().into()))
}

/// `Meta.meta` of a message whose content moderation replaced.
const REPLACED: &[u8] = br#"{"callback_replace":true}"#;

/// `act` with the content that moderation put in place.
fn moderated(act: &Act, receipt: &Receipt) -> Act {
    match (act, &receipt.replaced) {
        (Act::Message(draft), Some(message)) => {
            let priority = receipt.priority.unwrap_or(draft.priority);
            let (body, ext) = (message.body.clone(), message.ext.clone());
            Act::Message(Box::new(Draft { body, ext, priority, ..Draft::clone(draft) }))
        }
        (Act::Edit { message, is_thread, .. }, Some(replaced)) => Act::Edit {
            message: *message,
            body: Box::new(replaced.body.clone()),
            ext: Some(replaced.ext.clone()),
            is_thread: *is_thread,
        },
        (act, _) => act.clone(),
    }
}

/// `MessageBody.meta` with how often and by whom the message was edited.
fn with_edit(remarks: Option<&[u8]>, edited: &EditInfo) -> Option<Bytes> {
    let mut remarks: Map<String, Value> =
        remarks.and_then(|remarks| serde_json::from_slice(remarks).ok()).unwrap_or_default();
    let EditInfo { time, operator, count } = edited;
    let edited = json!({ "count": count, "operator": operator.as_str(), "edit_time": time.0 });
    remarks.insert("edit_msg".to_owned(), edited);
    Some(Value::Object(remarks).to_string().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use easebot_model::{
        Attachment, Body, ClientMessageId, Event, EventKey, Image, Message, Resource, Secret,
        Timestamp, UserId,
    };

    use super::*;
    use crate::decode_meta;

    fn me() -> Me {
        Me { user: UserId::new("bot"), resource: Resource::new("server") }
    }

    fn receipt() -> Receipt {
        Receipt {
            client_id: ClientMessageId(1001),
            message: MessageId(7),
            time: Timestamp(1_700_000_000_123),
            priority: None,
            replaced: None,
            edited: None,
            note: None,
            room: None,
        }
    }

    /// What another device would be told of `outgoing`.
    fn told(outgoing: &Outgoing, receipt: &Receipt) -> (EventKey, Event) {
        let raw = encode_said(outgoing, receipt, &me(), &"org#app".parse().unwrap()).unwrap();
        let mut events = decode_meta(&raw.unwrap(), &me()).into_events();
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    fn message(outgoing: &Outgoing, receipt: &Receipt) -> Message {
        match told(outgoing, receipt) {
            (key, Event::Message(message)) => {
                assert_eq!(key, EventKey { ns: 1, id: 7, seq: 0 }, "the key that it has on a link");
                *message
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_message_is_told_with_the_id_and_the_time_of_the_server() {
        let places = [Conversation::user("bob"), Conversation::group("g"), Conversation::room("r")];
        for to in places {
            let said = message(&Outgoing::text(to.clone(), "hi").ext("n", 1), &receipt());
            assert_eq!((said.id, said.time), (MessageId(7), receipt().time));
            assert_eq!((said.from.as_str(), said.from_resource), ("bot", None));
            assert_eq!((said.body, said.conversation), (Body::text("hi"), to));
            assert_eq!(said.ext.get("n"), Some(&1.into()));
            assert!(!said.is_content_replaced);
        }
    }

    #[test]
    fn a_message_to_oneself_has_its_conversation() {
        let to = Conversation::user("bot");
        assert_eq!(message(&Outgoing::text(to.clone(), "note"), &receipt()).conversation, to);
    }

    #[test]
    fn an_attachment_is_told_as_it_was_sent() {
        let attachment = Attachment {
            url: "https://host/org/app/chatfiles/U".to_owned(),
            secret: Some(Secret::new("S")),
            name: Some("cat.png".to_owned()),
            length_bytes: Some(9),
        };
        let body =
            Body::Image(Box::new(Image { attachment: attachment.clone(), ..Image::default() }));
        let said = message(&Outgoing::message(Conversation::user("bob"), body), &receipt());
        let sent = said.body.attachment().unwrap();
        assert_eq!((&sent.name, sent.length_bytes), (&attachment.name, attachment.length_bytes));
        assert!(sent.url.starts_with(&attachment.url), "{}", sent.url);
        assert_eq!(sent.secret, attachment.secret);
    }

    #[test]
    fn of_what_moderation_replaced_the_new_content_is_told() {
        let to = Conversation::user("bob");
        let kept =
            Message::new(MessageId(7), to.clone(), "bot".into(), Timestamp(1), Body::text("***"));
        let replaced = Receipt { replaced: Some(Box::new(kept)), ..receipt() };
        let said = message(&Outgoing::text(to, "rude"), &replaced);
        assert_eq!(said.body, Body::text("***"));
        assert!(said.is_content_replaced);
    }

    #[test]
    fn an_edit_is_told_with_who_made_it() {
        let to = Conversation::group("g");
        let edit = |message| {
            let (body, ext) = (Box::new(Body::text("better")), None);
            Outgoing { to: to.clone(), act: Act::Edit { message, body, ext, is_thread: false } }
        };
        let info = Box::new(EditInfo { time: Timestamp(9), operator: "bot".into(), count: 2 });
        let answer = Receipt { edited: Some(info.clone()), ..receipt() };
        let (key, Event::Edited(edited)) = told(&edit(MessageId(5)), &answer) else { panic!() };
        assert_eq!(key.id, 7);
        assert_eq!((edited.message.id, edited.message.edited), (MessageId(5), Some(info)));
        assert_eq!(
            (edited.message.body, edited.message.conversation),
            (Body::text("better"), to.clone())
        );
        let (key, _) = told(&edit(MessageId(7)), &answer);
        assert_eq!(key.id, 0, "it is not the message itself");
    }

    #[test]
    fn a_recall_is_told_where_it_was_made() {
        let places = [Conversation::user("bob"), Conversation::group("g"), Conversation::room("r")];
        for (to, ext) in places.into_iter().flat_map(|to| [(to.clone(), None), (to, Some("why"))]) {
            let ext = ext.map(str::to_owned);
            let act = Act::Recall { message: MessageId(5), ext: ext.clone(), is_thread: false };
            let (key, event) = told(&Outgoing { to: to.clone(), act }, &receipt());
            let Event::Recalled(recalled) = event else { panic!("{event:?}") };
            assert_eq!((key.id, recalled.message, recalled.ext), (7, MessageId(5), ext));
            assert_eq!((recalled.from.as_str(), recalled.conversation), ("bot", to));
        }
    }

    #[test]
    fn what_is_no_message_is_not_told() {
        let to = Conversation::user("bob");
        for act in [Act::Typing, Act::MarkRead { message: MessageId(5), content: None }] {
            let outgoing = Outgoing { to: to.clone(), act };
            let told = encode_said(&outgoing, &receipt(), &me(), &"org#app".parse().unwrap());
            assert_eq!(told, Ok(None));
        }
    }
}

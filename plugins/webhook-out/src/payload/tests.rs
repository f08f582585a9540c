use easebot_model::{
    Attachment, Body, Combine, Contact, ContactChange, Custom, EditInfo, Edited, Event, Image,
    Location, Message as Received, MessageId, Recalled, Size, Timestamp, Typing, UserId,
};
use serde_json::json;

use super::*;

fn bot() -> BotInfo {
    BotInfo {
        name: "front desk".to_owned(),
        user: UserId::new("concierge"),
        app_key: "easebot#demo".parse().unwrap(),
    }
}

fn received(body: Body) -> Received {
    let conversation = Conversation::group("7");
    let (id, from) = (MessageId(u64::MAX), UserId::new("ann"));
    Received::new(id, conversation, from, Timestamp(1), body)
}

fn posted(event: &Event) -> Value {
    serde_json::to_value(Posted::new(event, &bot(), Timestamp(5))).unwrap()
}

fn message(body: Body) -> Value {
    posted(&Event::Message(Box::new(received(body))))["message"].clone()
}

#[test]
fn a_text_is_posted_with_ids_as_text() {
    let mut received = received("你好".into());
    received.ext.insert("n", 9_007_199_254_740_993_i64);
    let posted = posted(&Event::Message(Box::new(received)));
    assert_eq!(
        posted,
        json!({
            "version": 1,
            "id": posted["id"],
            "type": "message",
            "time": 5,
            "bot": "front desk",
            "user": "concierge",
            "app": "easebot#demo",
            "conversation": "group:7",
            "message": {
                "id": "18446744073709551615",
                "from": "ann",
                "kind": "text",
                "time": 1,
                "text": "你好",
                "ext": { "n": 9_007_199_254_740_993_i64 },
            },
        })
    );
}

#[test]
fn each_kind_of_message_has_its_own_members() {
    let attachment = Attachment {
        url: "https://a.b/f".to_owned(),
        secret: Some("s".into()),
        name: Some("图.png".to_owned()),
        length_bytes: Some(3),
    };
    let file =
        json!({ "url": "https://a.b/f", "name": "图.png", "length_bytes": 3, "secret": "s" });
    let image = Image {
        attachment: attachment.clone(),
        size: Some(Size { width: 4.0, height: 3.0 }),
        thumbnail: Some(attachment.clone()),
        ..Image::default()
    };
    let image = message(Body::Image(Box::new(image)));
    assert_eq!((&image["kind"], &image["width"]), (&json!("image"), &json!(4.0)));
    assert_eq!((&image["attachment"], &image["thumbnail"]), (&file, &file));

    let place = Location { latitude: 1.5, longitude: 2.5, ..Location::default() };
    assert_eq!(message(Body::Location(place))["location"]["longitude"], 2.5);
    let custom = Custom { event: "order".to_owned(), exts: [("id", "7")].into_iter().collect() };
    let custom = message(Body::Custom(custom));
    assert_eq!(custom["custom"], json!({ "event": "order", "exts": { "id": "7" } }));
    let combine = Combine { attachment, title: "chat".to_owned(), ..Combine::default() };
    let combine = message(Body::Combine(Box::new(combine)));
    assert_eq!((&combine["title"], &combine["attachment"]), (&json!("chat"), &file));
    assert_eq!(message(Body::Cmd { action: "open".to_owned() })["action"], "open");
}

#[test]
fn an_event_of_another_kind_has_its_members_in_data() {
    let contact = Contact { peer: "ann".into(), change: ContactChange::Invited, reason: None };
    let posted = posted(&Event::Contact(contact));
    assert_eq!((&posted["type"], &posted["conversation"]), (&json!("contact"), &json!("user:ann")));
    assert_eq!(posted["data"], json!({ "peer": "ann", "change": "invited" }));
    assert!(posted.get("message").is_none());
}

#[test]
fn an_event_that_comes_again_has_the_same_id_and_others_have_others() {
    let id = |event: &Event| posted(event)["id"].as_str().unwrap().to_owned();
    let text = Event::Message(Box::new(received("hi".into())));
    assert_eq!(id(&text), id(&text.clone()));
    assert!(id(&text).starts_with("evt_") && id(&text).len() == 36, "{}", id(&text));

    let mut edited = received("hello".into());
    edited.edited =
        Some(Box::new(EditInfo { time: Timestamp(9), operator: "ann".into(), count: 1 }));
    let first = Edited { message: edited.clone(), replaces_ext: false };
    edited.edited =
        Some(Box::new(EditInfo { time: Timestamp(10), operator: "ann".into(), count: 2 }));
    let second = Edited { message: edited, replaces_ext: false };
    let recalled = Recalled {
        conversation: Conversation::group("7"),
        message: MessageId(u64::MAX),
        from: "ann".into(),
        ext: None,
        online_state: easebot_model::OnlineState::default(),
    };
    let events = [
        text,
        Event::Edited(Box::new(first)),
        Event::Edited(Box::new(second)),
        Event::Recalled(recalled),
    ];
    let ids: std::collections::HashSet<String> = events.iter().map(id).collect();
    assert_eq!(ids.len(), 4, "of one message");

    let typing =
        Typing { conversation: Conversation::group("7"), from: "ann".into(), is_typing: true };
    let typing = Event::Typing(typing);
    assert_ne!(id(&typing), id(&typing), "what has no id happens each time anew");
}

#[test]
fn the_schema_in_the_documents_is_that_of_the_types() {
    let schema = schema();
    let written = include_str!("../../../../docs/webhook-out.schema.json");
    assert!(
        written == format!("{schema:#}\n"),
        "docs/webhook-out.schema.json is stale; `cargo xtask docs` writes it"
    );
    let definitions = schema["$defs"].as_object().unwrap();
    for name in ["Event", "Message", "Attachment", "Answer", "Reply"] {
        assert!(definitions.contains_key(name), "{name}");
    }
    let types = definitions["Event"]["properties"]["type"]["enum"].as_array().unwrap();
    assert!(types.contains(&json!("message")) && !types.contains(&json!("text")), "{types:?}");
}

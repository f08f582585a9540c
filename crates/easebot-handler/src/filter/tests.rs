use easebot_model::{Body, Ext, ExtValue, MessageId, Resource, Timestamp};

use super::*;

fn me() -> BotInfo {
    BotInfo {
        name: "concierge".to_owned(),
        user: UserId::new("concierge"),
        app_key: "easebot#demo".parse().unwrap(),
    }
}

fn said(from: &str, to: Conversation, text: &str) -> Event {
    let message = Message::new(MessageId(1), to, from.into(), Timestamp(1), Body::text(text));
    Event::Message(Box::new(message))
}

fn in_group(text: &str) -> Event {
    said("bob", Conversation::group("7"), text)
}

fn agrees(filter: &Filter, event: &Event) -> bool {
    filter.agrees(event, &me())
}

#[test]
fn what_a_message_says_and_where_is_told_apart() {
    let hi = in_group(" hi ");
    for (filter, expected) in [
        (any(), true),
        (texts(), true),
        (body(BodyKind::Image), false),
        (event(EventKind::Recalled), false),
        (in_groups(), true),
        (in_users(), false),
        (in_rooms(), false),
        (in_conversation(Conversation::group("7")), true),
        (in_conversation(Conversation::group("8")), false),
        (from("bob"), true),
        (from("amy"), false),
        (contains("h"), true),
        (contains("H"), false),
        (equals("hi"), true),
        (equals("h"), false),
        (starts_with(" "), true),
        (starts_with("i"), false),
        (mentions_me(), false),
    ] {
        assert_eq!(agrees(&filter, &hi), expected, "{filter:?}");
    }
}

#[test]
fn filters_compose() {
    let (hi, ho) = (in_group("hi"), in_group("ho"));
    let either = equals("hi") | equals("ho");
    assert!(agrees(&either, &hi) && agrees(&either, &ho));
    let both = contains("h") & !equals("ho");
    assert!(agrees(&both, &hi) && !agrees(&both, &ho));
    let mixed = event(EventKind::Connected) | (in_groups() & equals("hi"));
    let connected = Event::Connected { resource: Resource::new("r") };
    assert!(agrees(&mixed, &hi) && !agrees(&mixed, &ho) && agrees(&mixed, &connected));
    assert!(agrees(&!!equals("hi"), &hi) && !agrees(&!!equals("hi"), &ho));
}

#[test]
fn an_event_of_no_conversation_is_in_none() {
    let connected = Event::Connected { resource: Resource::new("r") };
    assert!(!agrees(&in_groups(), &connected));
    assert!(agrees(&!in_groups(), &connected));
}

#[test]
fn own_messages_are_asked_about_on_request_alone() {
    let mine = said("concierge", Conversation::user("bob"), "hi");
    assert!(!agrees(&texts(), &mine));
    assert!(!agrees(&!from("bob"), &mine), "not by a negation");
    assert!(agrees(&(texts() & own()), &mine));
}

#[test]
fn a_mention_is_in_the_list() {
    let mut event = in_group("@concierge hi");
    let Event::Message(message) = &mut event else { unreachable!() };
    let list = ExtValue::Json(serde_json::json!(["concierge"]));
    message.ext = [("em_at_list", list)].into_iter().collect::<Ext>();
    assert!(agrees(&mentions_me(), &event));
}

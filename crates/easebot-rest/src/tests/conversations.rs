use easebot_model::Conversation;

use super::*;

fn mark(number: u8) -> ConversationMark {
    ConversationMark::new(number).unwrap()
}

#[tokio::test]
async fn a_conversation_is_pinned_unpinned_and_removed() {
    let (fake, api) = saying(json!({ "data": { "is_top": true } }));
    let (amy, group) = (Conversation::user("amy"), Conversation::group("77"));
    api.pin_conversation(&amy).await.unwrap();
    api.unpin_conversation(&group).await.unwrap();
    api.remove_conversation(&group, true).await.unwrap();
    let asked = fake.asked();
    assert_eq!(
        fake.lines(),
        [
            "POST /sdk/user/bob/user_channel/top",
            "DELETE /sdk/user/bob/user_channel/top",
            "DELETE /user/bob/user_channel",
        ]
    );
    assert_eq!(asked[0].body_json(), json!({ "type": "chat", "to": "amy" }));
    assert_eq!((asked[1].param("type"), asked[1].param("to")), (Some("groupchat"), Some("77")));
    let removed = json!({ "channel": "77", "type": "groupchat", "delete_roam": true });
    assert_eq!(asked[2].body_json(), removed);
}

#[tokio::test]
async fn conversations_are_marked_twenty_at_a_time_and_found_by_their_mark() {
    let (fake, api) = saying(json!({ "data": { "channel_infos": [
        { "session_to": "amy", "session_type": "chat", "marks": ["mark_19"] },
    ] } }));
    let all: Vec<_> = (0..21).map(|n| Conversation::user(format!("u{n}"))).collect();
    api.mark_conversations(&all, mark(19)).await.unwrap();
    api.unmark_conversations(&[Conversation::room("9")], mark(0)).await.unwrap();
    let found = api.marked_conversations(mark(19)).collect(10).await.unwrap();
    let pinned = api.pinned_conversations().collect(10).await.unwrap();
    assert_eq!((found[0].marks.as_slice(), pinned.len()), (&["mark_19".to_owned()][..], 1));
    let asked = fake.asked();
    assert_eq!(asked[0].line(), "POST /sdk/user/bob/user_channels/mark");
    assert_eq!(asked[0].body_json()["targets"].as_array().unwrap().len(), 20);
    assert_eq!(
        asked[1].body_json(),
        json!({ "mark": "mark_19", "targets": [{ "type": "chat", "to": "u20" }] })
    );
    assert_eq!(asked[2].line(), "DELETE /sdk/user/bob/user_channels/mark");
    assert_eq!(
        asked[2].body_json(),
        json!({ "mark": "mark_0", "targets": [{ "type": "chatroom", "to": "9" }] })
    );
    assert_eq!(
        (asked[3].line().as_str(), asked[3].param("mark")),
        ("GET /sdk/user/bob/user_channels/mark/search", Some("mark_19"))
    );
    assert_eq!(
        (asked[4].line().as_str(), asked[4].param("is_top")),
        ("GET /sdk/user/bob/user_channels/list", Some("true"))
    );
}

#[test]
fn there_are_twenty_marks() {
    assert_eq!(ConversationMark::new(19).map(ConversationMark::number), Some(19));
    assert_eq!(ConversationMark::new(20), None);
}

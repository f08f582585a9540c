//! What each call asks, and what it makes of the answer.

use easebot_model::{Conversation, Message, MessageId, Resource, Timestamp};

use super::*;

fn users(n_users: usize) -> Vec<UserId> {
    (0..n_users).map(|n| UserId::new(format!("u{n}"))).collect()
}

#[tokio::test]
async fn a_user_is_read() {
    let (fake, api) = saying(
        json!({ "entities": [{ "username": "amy", "nickname": "A", "created": 7, "activated": false }] }),
    );
    let user = api.profile(&"amy".into()).await.unwrap();
    assert_eq!(fake.lines(), ["GET /users/amy"]);
    assert_eq!(
        (user.nickname.as_deref(), user.created, user.is_active),
        (Some("A"), Some(Timestamp(7)), false)
    );
}

#[tokio::test]
async fn who_is_online_is_asked_for_a_hundred_at_a_time() {
    let (fake, api) = saying(json!({ "data": [{ "u1": "online" }, { "u2": "offline" }] }));
    let online = api.online_status(&users(201)).await.unwrap();
    assert_eq!((online[&UserId::new("u1")], online[&UserId::new("u2")]), (true, false));
    let asked = fake.asked();
    let sizes: Vec<_> = asked
        .iter()
        .map(|asked| asked.body_json()["usernames"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [100, 100, 1]);
    assert_eq!(asked[0].line(), "POST /users/batch/status");
}

#[tokio::test]
async fn attributes_are_read_and_set() {
    let (fake, api) = saying(
        json!({ "data": { "amy": { "nickname": "A", "gender": 1, "x": null }, "cid": {} } }),
    );
    let all = api.attributes(&users(101), &["nickname"]).await.unwrap();
    let amy = &all[&UserId::new("amy")];
    assert_eq!((amy["nickname"].as_str(), amy["gender"].as_str(), amy.len()), ("A", "1", 2));
    assert!(all[&UserId::new("cid")].is_empty());
    let own = Attributes::from([("nickname".to_owned(), "B & C=甲".to_owned())]);
    api.set_attributes(&own).await.unwrap();
    let asked = fake.asked();
    assert_eq!(fake.lines()[0], "POST /metadata/user/get");
    assert_eq!(asked[0].body_json()["targets"].as_array().unwrap().len(), 100);
    assert_eq!(asked[0].body_json()["properties"], json!(["nickname"]));
    assert_eq!(asked[2].line(), "PUT /metadata/user/bob");
    assert_eq!(asked[2].body, Payload::Form(own.into_iter().collect()));
}

#[tokio::test]
async fn rooms_are_read_with_their_owner() {
    let (fake, api) = saying(json!({ "data": [
        { "id": 9, "name": "lobby", "owner": "org#app_amy_lee", "affiliations_count": 3 },
    ] }));
    let room = api.room(&"9".into()).await.unwrap();
    assert_eq!((room.id.as_str(), room.n_members), ("9", 3));
    assert_eq!(room.owner.unwrap(), "amy_lee");
    api.room_members(&"9".into()).next().await.unwrap();
    assert_eq!(fake.lines(), ["GET /chatrooms/9", "GET /chatrooms/9/users"]);
}

#[tokio::test]
async fn contacts_are_asked_for_answered_and_listed() {
    let (fake, api) =
        saying(json!({ "data": { "contacts": [{ "username": "amy", "remark": "A" }, {}] } }));
    let amy = UserId::new("amy");
    api.request_contact(&amy, "hi").await.unwrap();
    api.accept_contact(&amy).await.unwrap();
    api.decline_contact(&amy).await.unwrap();
    api.remove_contact(&amy).await.unwrap();
    api.set_remark(&amy, "A").await.unwrap();
    api.block(std::slice::from_ref(&amy)).await.unwrap();
    api.unblock(std::slice::from_ref(&amy)).await.unwrap();
    let contacts = api.contacts().collect(10).await.unwrap();
    assert_eq!(contacts.len(), 1);
    assert_eq!((contacts[0].user.as_str(), contacts[0].remark.as_str()), ("amy", "A"));
    assert_eq!(
        fake.lines(),
        [
            "POST /users/bob/contacts/apply",
            "POST /users/bob/contacts/accept/users/amy",
            "POST /users/bob/contacts/decline/users/amy",
            "DELETE /users/bob/contacts/users/amy",
            "PUT /users/bob/contacts/users/amy",
            "POST /sdk/user/bob/blocks",
            "DELETE /sdk/user/bob/blocks",
            "GET /users/bob/contacts",
        ]
    );
    let asked = fake.asked();
    assert_eq!(asked[0].body_json(), json!({ "usernames": ["amy"], "reason": "hi" }));
    assert_eq!(asked[4].body_json(), json!({ "remark": "A" }));
    assert_eq!(asked[7].param("needReturnRemark"), Some("true"));
}

#[tokio::test]
async fn presence_is_published_followed_and_read() {
    let (fake, api) = saying(json!({ "result": [{
        "uid": "amy", "last_time": "1700000000", "expiry": "1700003600", "ext": "busy",
        "status": { "webim_1": "1", "ios_2": 0, "x": "?" },
    }] }));
    api.publish_presence(&Resource::new("webim_1"), "away").await.unwrap();
    let month = Duration::from_secs(90 * 24 * 60 * 60);
    let followed = api.subscribe_presence(&["amy".into()], month).await.unwrap();
    let asked_for = api.presence(&["amy".into()]).await.unwrap();
    assert_eq!(followed, asked_for);
    let presence = &followed[0];
    assert_eq!((presence.last_time_secs, presence.expiry_secs), (1_700_000_000, 1_700_003_600));
    assert_eq!(presence.devices, [(Resource::new("webim_1"), 1), (Resource::new("ios_2"), 0)]);
    api.unsubscribe_presence(&["amy".into()]).await.unwrap();
    assert_eq!(
        fake.lines(),
        [
            "POST /users/bob/presence/webim_1/1",
            "POST /users/bob/presence/2592000",
            "POST /users/bob/presence",
            "DELETE /users/bob/presence",
        ]
    );
    assert_eq!(fake.asked()[3].body_json(), json!(["amy"]));
}

#[tokio::test]
async fn presence_subscriptions_are_listed() {
    let (fake, api) = saying(
        json!({ "result": { "totalnum": 1, "sublist": [{ "uid": "amy", "expiry": "7" }] } }),
    );
    let all = api.presence_subscriptions().collect(10).await.unwrap();
    assert_eq!((all[0].user.as_str(), all[0].expiry_secs), ("amy", 7));
    assert_eq!(fake.lines(), ["GET /users/bob/presence/sublist"]);
}

/// A message as the server keeps it.
fn kept() -> Value {
    let id = MessageId(1_000_000_000_000_000_001);
    let alice = Conversation::user("alice");
    Script::message(&Message::new(id, alice, "bob".into(), Timestamp(7), "hi".into()))
}

#[tokio::test]
async fn history_is_decoded_page_by_page() {
    let fake = Script::new("bob", |_, n| match n {
        0 => Script::ok(&json!({ "data": {
            "msgs": [kept(), { "msg": "!" }, {}, { "msg": "AAAA" }], "is_last": "false", "next_key": 42,
        } })),
        _ => {
            Script::ok(&json!({ "data": { "msgs": [kept()], "is_last": true, "next_key": "43" } }))
        }
    });
    let query = HistoryQuery {
        direction: Direction::OldestFirst,
        n_messages: 10,
        from: Some("alice".into()),
        kinds: vec!["txt".to_owned(), "img".to_owned()],
        since: Some(Timestamp(1)),
        until: Some(Timestamp(2)),
    };
    let mut history = fake.api().history(&Conversation::user("alice"), query);
    let page = history.next().await.unwrap().unwrap();
    assert_eq!(
        (page.len(), page[0].text(), page[0].id),
        (1, "hi", MessageId(1_000_000_000_000_000_001))
    );
    assert_eq!(history.cursor(), Some("42"));
    assert_eq!(history.next().await.unwrap().unwrap().len(), 1);
    assert!(history.next().await.unwrap().is_none());

    let asked = fake.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].line(), "POST /users/bob/messageroaming");
    assert_eq!(
        asked[0].body_json(),
        json!({
            "queue": "alice@easemob.com", "start": -1, "end": -1, "pull_number": 10, "is_positive": true,
            "msgType": "txt,img", "startTime": 1, "endTime": 2, "userId": "alice",
        })
    );
    assert_eq!(asked[1].body_json()["start"], "42");
}

#[tokio::test]
async fn history_of_a_group_has_another_queue_and_ends_without_messages() {
    let (fake, api) = saying(json!({ "data": { "next_key": "9" } }));
    let mut history = api.history(&Conversation::group("77"), HistoryQuery::default());
    assert!(history.next().await.unwrap().unwrap().is_empty());
    assert!(history.next().await.unwrap().is_none());
    let body = fake.asked()[0].body_json();
    assert_eq!(body["queue"], "77@conference.easemob.com");
    assert_eq!((&body["pull_number"], &body["is_positive"]), (&json!(50), &json!(false)));
}

#[tokio::test]
async fn conversations_are_listed() {
    let (fake, api) = saying(json!({ "data": { "channel_infos": [
        { "session_to": "amy", "session_type": "chat", "unread_num": "3", "is_top": true, "marks": ["mark_0"],
          "meta": { "id": "19", "from": "org#app_amy@easemob.com/x", "timestamp": 7 } },
        { "session_to": 77, "session_type": "groupChat" },
        { "session_type": "chat" },
    ] } }));
    let all = api.conversations().collect(10).await.unwrap();
    assert_eq!(fake.lines(), ["GET /sdk/user/bob/user_channels/list"]);
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].conversation.to_string().as_str(), all[0].n_unread), ("user:amy", 3));
    assert!(all[0].is_pinned && all[0].marks == ["mark_0"]);
    assert_eq!((all[0].last_message, all[0].last_time), (Some(MessageId(19)), Some(Timestamp(7))));
    assert_eq!(all[0].last_from.as_ref().unwrap(), "amy");
    assert_eq!(all[1].conversation.to_string(), "group:77");
}

#[tokio::test]
async fn reactions_are_given_taken_and_listed() {
    let (fake, api) = saying(json!({ "data": [{ "msgId": "19", "reactionList": [
        { "reaction": "👍", "count": 2, "state": true, "userList": ["bob", "amy"] },
    ] }] }));
    api.add_reaction(MessageId(19), "👍").await.unwrap();
    api.remove_reaction(MessageId(19), "👍").await.unwrap();
    let ids: Vec<_> = (1..=21).map(MessageId).collect();
    let all = api.reactions(&Conversation::group("77"), &ids).await.unwrap();
    assert_eq!(all.len(), 2, "one from each of two calls");
    assert_eq!((all[0].message, all[0].reactions[0].count), (MessageId(19), 2));
    assert!(all[0].reactions[0].is_added_by_self);
    let asked = fake.asked();
    assert_eq!(asked[0].body_json(), json!({ "msgId": "19", "message": "👍" }));
    assert_eq!((asked[1].method.as_str(), asked[1].param("message")), ("DELETE", Some("👍")));
    assert_eq!(asked[2].param("msgIdList").unwrap().split(',').count(), 20);
    assert_eq!(
        (asked[3].param("msgType"), asked[3].param("groupId")),
        (Some("groupchat"), Some("77"))
    );
}

#[tokio::test]
async fn messages_are_pinned_unpinned_and_listed() {
    let (fake, api) = saying(json!({ "data": { "msg_infos": [
        { "message": { "id": "19", "payload": "{}" }, "pin_opt_at": 7, "pin_operator": "amy" },
    ], "cursor": "" } }));
    let room = Conversation::room("9");
    api.pin_message(&room, MessageId(19)).await.unwrap();
    api.unpin_message(&room, MessageId(19)).await.unwrap();
    let all = api.pinned_messages(&room).collect(10).await.unwrap();
    assert_eq!((all[0].message, all[0].pinned), (MessageId(19), Some(Timestamp(7))));
    let asked = fake.asked();
    assert_eq!(asked[0].body_json(), json!({ "to": "9", "type": "chatroom", "pin_msg_id": "19" }));
    assert_eq!(asked[1].line(), "DELETE /sdk/user/bob/user_channel/pin");
    assert_eq!((asked[2].param("to"), asked[2].param("type")), (Some("9"), Some("chatroom")));
    assert_eq!(asked.len(), 3);
}

#[tokio::test]
async fn a_translation_is_read_in_each_of_its_forms() {
    let one = json!({ "translations": [{ "text": "hello", "to": "en" }], "detectedLanguage": { "language": "zh-Hans" } });
    for answer in [one.clone(), json!([one]), json!({ "data": one }), json!({ "data": [one] })] {
        let (fake, api) = saying(answer);
        let translated = api.translate("你好", &["en"]).await.unwrap();
        assert_eq!(translated.detected.as_deref(), Some("zh-Hans"));
        assert_eq!(
            (translated.translations[0].code.as_str(), translated.translations[0].text.as_str()),
            ("en", "hello")
        );
        assert_eq!(fake.asked()[0].body_json(), json!({ "text": "你好", "to": ["en"] }));
    }
    let (fake, api) = saying(json!({ "data": 7 }));
    assert!(matches!(api.translate("x", &["en"]).await, Err(ApiError::MissingField { .. })));
    let error = api.translate(&"x".repeat(5001), &["en", "fr"]).await.unwrap_err();
    assert_eq!(error.to_string(), "the text has 5001 characters, the limit is 5000");
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn languages_are_listed() {
    let (_fake, api) =
        saying(json!([{ "code": "zh-Hans", "name": "Chinese", "nativeName": "中文" }, {}]));
    let all = api.translation_languages().await.unwrap();
    assert_eq!((all.len(), all[0].native_name.as_str()), (1, "中文"));
}

#[tokio::test]
async fn threads_are_made_joined_and_listed() {
    let fake = Script::new("bob", |asked, _| {
        Script::ok(&match asked.line().as_str() {
            "POST /thread" => json!({ "data": { "thread_id": "5" } }),
            "GET /thread/5/users" => {
                json!({ "data": { "affiliations": ["amy", { "owner": "bob" }] } })
            }
            "GET /threads/chatgroups/77" => {
                json!({ "entities": [{ "id": "5", "name": "t", "msgId": "19" }], "properties": {} })
            }
            _ => {
                json!({ "data": { "id": 5, "name": "t", "groupId": "77", "msgId": 19, "affiliations_count": 2 } })
            }
        })
    });
    let api = fake.api();
    let thread = NewThread { group: "77".into(), message: MessageId(19), name: "t".to_owned() };
    let id = api.create_thread(&thread).await.unwrap();
    let found = api.thread(&id).await.unwrap();
    assert_eq!(
        (found.group.unwrap().as_str(), found.message, found.n_members),
        ("77", Some(MessageId(19)), 2)
    );
    api.join_thread(&id).await.unwrap();
    api.rename_thread(&id, "u").await.unwrap();
    api.leave_thread(&id).await.unwrap();
    api.destroy_thread(&id).await.unwrap();
    assert_eq!(api.thread_members(&id).collect(10).await.unwrap(), ["amy", "bob"]);
    assert_eq!(api.threads(&"77".into()).collect(10).await.unwrap().len(), 1);
    assert_eq!(
        fake.asked()[0].body_json(),
        json!({ "name": "t", "msg_id": "19", "group_id": "77", "owner": "bob" })
    );
    assert_eq!(
        fake.lines()[1..],
        [
            "GET /thread/5",
            "POST /thread/5/user/bob/join",
            "PUT /thread/5",
            "DELETE /thread/5/user/bob/quit",
            "DELETE /thread/5",
            "GET /thread/5/users",
            "GET /threads/chatgroups/77",
        ]
    );
    let long = NewThread { name: "x".repeat(65), ..thread };
    assert!(matches!(api.create_thread(&long).await, Err(ApiError::TooLong { n_chars: 65, .. })));
}

#[tokio::test]
async fn a_nickname_is_set_and_one_that_is_too_long_is_not() {
    let (script, api) = saying(json!({ "entities": [{}] }));
    api.set_nickname("B").await.unwrap();
    let error = api.set_nickname(&"x".repeat(101)).await.unwrap_err();
    assert_eq!(error.to_string(), "the nickname has 101 characters, the limit is 100");
    assert_eq!(script.lines(), ["PUT /users/bob"]);
    assert_eq!(script.asked()[0].body_json(), json!({ "nickname": "B" }));
}

#[tokio::test]
async fn rooms_are_made_and_those_of_the_account_listed() {
    let script = Script::new("bob", |_, n| {
        Script::ok(&match n {
            0 => json!({ "data": { "id": "9" } }),
            _ => {
                json!({ "data": [{ "id": "9", "title": "lobby", "owner": "org#app_bob", "max_users": 7 }] })
            }
        })
    });
    let api = script.api();
    let id = api.create_room(&NewRoom::new("lobby")).await.unwrap();
    assert_eq!(id.as_str(), "9");
    let rooms = api.joined_rooms().collect(10).await.unwrap();
    assert_eq!((rooms[0].name.as_str(), rooms[0].max_members), ("lobby", 7));
    assert_eq!(rooms[0].owner.as_ref().unwrap(), "bob");
    let asked = script.asked();
    let made = json!({ "owner": "bob", "name": "lobby", "description": "", "members": [], "maxusers": 200 });
    assert_eq!((asked[0].line().as_str(), asked[0].body_json()), ("POST /chatrooms", made));
    assert_eq!(asked[1].line(), "GET /users/bob/joined_chatrooms");
}

#[tokio::test]
async fn public_groups_are_listed() {
    let (script, api) = saying(json!({ "data": [{ "id": "77", "name": "ops" }] }));
    let groups = api.public_groups().collect(10).await.unwrap();
    assert_eq!((groups[0].id.as_str(), groups[0].name.as_str()), ("77", "ops"));
    assert_eq!(script.lines(), ["GET /publicchatgroups"]);
}

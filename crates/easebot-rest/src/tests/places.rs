//! Running groups and chat rooms.

use easebot_model::{GroupId, RoomId, Timestamp};

use super::*;

/// What was asked: `METHOD /path` below the place, and the body.
fn asked_of(script: &Script, place: &str) -> Vec<(String, Value)> {
    let asked = script.asked();
    let below = |call: &Call| call.line().replacen(place, "…", 1);
    asked.iter().map(|call| (below(call), call.body_json())).collect()
}

#[tokio::test]
async fn groups_and_rooms_are_run_by_the_same_requests() {
    let (group, room) = (GroupId::new("77"), RoomId::new("9"));
    let places = [(Place::from(&group), "/chatgroups/77"), (Place::from(&room), "/chatrooms/9")];
    for (place, path) in places {
        let (script, api) = saying(json!({ "data": { "result": true } }));
        let amy = UserId::new("amy");
        let two = [amy.clone(), UserId::new("cid")];
        api.add_admin(place, &amy).await.unwrap();
        api.remove_admin(place, &amy).await.unwrap();
        api.kick_members(place, &two).await.unwrap();
        api.mute_members(place, &two, Some(Duration::from_secs(60))).await.unwrap();
        api.mute_members(place, &two, None).await.unwrap();
        api.unmute_members(place, &two).await.unwrap();
        api.mute_all(place).await.unwrap();
        api.unmute_all(place).await.unwrap();
        api.add_to_allow_list(place, &two).await.unwrap();
        api.remove_from_allow_list(place, &two).await.unwrap();
        api.block_members(place, &two).await.unwrap();
        api.unblock_members(place, &two).await.unwrap();
        api.set_announcement(place, "hear").await.unwrap();
        let names = json!({ "usernames": ["amy", "cid"] });
        let muted = |ms: i64| json!({ "usernames": ["amy", "cid"], "mute_duration": ms });
        let expected = [
            ("POST …/admin", json!({ "newadmin": "amy" })),
            ("DELETE …/admin/amy", Value::Null),
            ("DELETE …/users/amy,cid", Value::Null),
            ("POST …/mute", muted(60_000)),
            ("POST …/mute", muted(-1)),
            ("DELETE …/mute/amy,cid", Value::Null),
            ("POST …/ban", Value::Null),
            ("DELETE …/ban", Value::Null),
            ("POST …/white/users", names.clone()),
            ("DELETE …/white/users/amy,cid", Value::Null),
            ("POST …/blocks/users", names),
            ("DELETE …/blocks/users/amy,cid", Value::Null),
            ("POST …/announcement", json!({ "announcement": "hear" })),
        ];
        let expected = expected.map(|(line, body)| (line.to_owned(), body));
        assert_eq!(asked_of(&script, path), expected);
    }
}

#[tokio::test]
async fn the_lists_of_a_place_are_read() {
    let script = Script::new("bob", |call, _| {
        Script::ok(&json!({ "data": match call.line().as_str() {
            "GET /chatgroups/77/mute" => json!([{ "user": "amy", "expire": "1700000000000" }, {}]),
            _ => json!(["amy", "cid"]),
        } }))
    });
    let (api, id) = (script.api(), GroupId::new("77"));
    assert_eq!(api.admins(&id).await.unwrap(), ["amy", "cid"]);
    assert_eq!(api.allow_list(&id).await.unwrap(), ["amy", "cid"]);
    assert_eq!(api.blocked_members(&id).await.unwrap(), ["amy", "cid"]);
    let muted = api.muted_members(&id).await.unwrap();
    assert_eq!((muted.len(), muted[0].user.as_str()), (1, "amy"));
    assert_eq!(muted[0].until, Some(Timestamp(1_700_000_000_000)));
    let lines = ["admin", "white/users", "blocks/users", "mute"];
    assert_eq!(script.lines(), lines.map(|path| format!("GET /chatgroups/77/{path}")));
}

#[tokio::test]
async fn an_answer_without_a_list_is_named() {
    let (_script, api) = saying(json!({ "data": null }));
    let id = GroupId::new("77");
    for result in [api.admins(&id).await.err(), api.muted_members(&id).await.err()] {
        assert!(matches!(result, Some(ApiError::MissingField { field: "data" })), "{result:?}");
    }
}

#[tokio::test]
async fn what_is_to_change_is_sent_and_nothing_else() {
    let (script, api) = saying(json!({ "data": {} }));
    let (group, room) = (GroupId::new("77"), RoomId::new("9"));
    let change = GroupChange {
        name: Some("new".to_owned()),
        is_public: Some(false),
        max_members: Some(300),
        ..GroupChange::default()
    };
    api.update_group(&group, &change).await.unwrap();
    api.update_group(&group, &GroupChange::default()).await.unwrap();
    let change = RoomChange { description: Some("all".to_owned()), ..RoomChange::default() };
    api.update_room(&room, &change).await.unwrap();
    api.transfer_group(&group, &"amy".into()).await.unwrap();
    api.destroy_group(&group).await.unwrap();
    api.destroy_room(&room).await.unwrap();
    let seen: Vec<_> = script.asked().iter().map(|call| (call.line(), call.body_json())).collect();
    let expected = [
        ("PUT /chatgroups/77", json!({ "groupname": "new", "public": false, "maxusers": 300 })),
        ("PUT /chatrooms/9", json!({ "description": "all" })),
        ("PUT /chatgroups/77", json!({ "newowner": "amy" })),
        ("DELETE /chatgroups/77", Value::Null),
        ("DELETE /chatrooms/9", Value::Null),
    ];
    assert_eq!(seen, expected.map(|(line, body)| (line.to_owned(), body)));
    let repeatable: Vec<_> = script.asked().iter().map(|call| call.is_repeatable).collect();
    assert_eq!(repeatable, [true, true, false, false, false]);
}

#[tokio::test]
async fn a_name_or_description_that_is_too_long_is_not_sent() {
    let (script, api) = saying(json!({ "data": {} }));
    let text = |n: usize| Some("字".repeat(n));
    let name = GroupChange { name: text(129), ..GroupChange::default() };
    let error = api.update_group(&"77".into(), &name).await.unwrap_err();
    assert_eq!(error.to_string(), "the name has 129 characters, the limit is 128");
    let about = RoomChange { description: text(513), ..RoomChange::default() };
    let error = api.update_room(&"9".into(), &about).await.unwrap_err();
    assert_eq!(error.to_string(), "the description has 513 characters, the limit is 512");
    assert!(script.asked().is_empty());
}

#[tokio::test]
async fn attributes_of_a_room_are_read_set_and_removed() {
    let script = Script::new("bob", |_, n| {
        Script::ok(&match n {
            0 => json!({ "data": { "theme": "dark", "n": 7 } }),
            _ => json!({ "data": { "successKeys": ["theme"], "errorKeys": { "x": "not yours" } } }),
        })
    });
    let (api, id) = (script.api(), RoomId::new("9"));
    let all = api.room_attributes(&id, &[]).await.unwrap();
    assert_eq!((all["theme"].as_str(), all["n"].as_str()), ("dark", "7"));
    let outcome = api.set_room_attributes(&id, &all, Reach::Own, Keep::WhileHere).await.unwrap();
    assert_eq!((outcome.done, outcome.refused["x"].as_str()), (vec!["theme".into()], "not yours"));
    api.remove_room_attributes(&id, &["theme"], Reach::Everybody).await.unwrap();
    let seen: Vec<_> = script.asked().iter().map(|call| (call.line(), call.body_json())).collect();
    let expected = [
        ("POST /metadata/chatroom/9", json!({ "keys": [] })),
        (
            "PUT /metadata/chatroom/9/user/bob",
            json!({ "metaData": { "n": "7", "theme": "dark" }, "autoDelete": "DELETE" }),
        ),
        ("DELETE /metadata/chatroom/9/user/bob/forced", json!({ "keys": ["theme"] })),
    ];
    assert_eq!(seen, expected.map(|(line, body)| (line.to_owned(), body)));
}

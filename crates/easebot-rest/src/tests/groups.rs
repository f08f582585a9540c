use easebot_model::GroupId;

use super::*;

#[tokio::test]
async fn a_group_is_made_with_the_names_of_both_kinds_of_clients() {
    let fake = Script::new("bob", |_, _| Script::ok(&json!({ "data": { "groupid": "77" } })));
    let group = NewGroup {
        description: "about".to_owned(),
        members: vec!["amy".into()],
        is_public: true,
        ..NewGroup::new("ops")
    };
    let id = fake.api().create_group(&group).await.unwrap();
    assert_eq!(id.as_str(), "77");
    let asked = fake.asked().remove(0);
    assert_eq!(asked.line(), "POST /chatgroups");
    assert_eq!(
        asked.body_json(),
        json!({
            "owner": "bob", "groupname": "ops", "desc": "about", "description": "about",
            "members": ["amy"], "public": true, "approval": true, "membersonly": true,
            "allowinvites": false, "invite_need_confirm": true, "maxusers": 200, "custom": "",
        })
    );
}

#[tokio::test]
async fn a_group_is_read_whatever_its_numbers_are_written_as() {
    let fake = Script::new("bob", |_, _| {
        Script::ok(&json!({ "data": [{
            "id": 77, "name": "ops", "owner": "bob", "created": "1700000000000",
            "membersonly": "true", "mute": true, "maxusers": "200", "affiliations_count": 2,
            "affiliations": [{ "owner": "bob" }, { "member": "amy", "joined_time": 5 }],
        }] }))
    });
    let group = fake.api().group(&"77".into()).await.unwrap();
    assert_eq!(fake.lines(), ["GET /chatgroups/77"]);
    assert_eq!(group.id, "77");
    assert_eq!(group.created.unwrap().0, 1_700_000_000_000);
    assert!(group.needs_approval && group.is_muted && !group.is_public);
    assert_eq!((group.n_members, group.max_members), (2, 200));
    let roles: Vec<_> = group.members.iter().map(|member| member.role).collect();
    assert_eq!(roles, [Role::Owner, Role::Member]);
}

#[tokio::test]
async fn each_call_about_members_is_the_request_of_the_official_sdk() {
    let fake = Script::new("bob", |_, _| Script::ok(&json!({ "data": { "result": true } })));
    let api = fake.api();
    let (id, amy) = ("77".into(), UserId::new("amy"));
    let two = [amy.clone(), UserId::new("cid")];
    api.join_group(&id, "let me in").await.unwrap();
    api.approve_member(&id, &amy).await.unwrap();
    api.refuse_member(&id, &amy, "no").await.unwrap();
    api.invite_members(&id, &two).await.unwrap();
    api.answer_invitation(&id, true).await.unwrap();
    api.leave_group(&id).await.unwrap();

    let seen: Vec<_> = fake.asked().iter().map(|asked| (asked.line(), asked.body_json())).collect();
    let at = |method: &str, path: &str| format!("{method} /chatgroups/77/{path}");
    let expected = [
        (at("POST", "apply"), json!({ "message": "let me in" })),
        (at("POST", "apply_verify"), json!({ "applicant": "amy", "verifyResult": true })),
        (
            at("POST", "apply_verify"),
            json!({ "applicant": "amy", "verifyResult": false, "reason": "no" }),
        ),
        (at("POST", "invite"), json!({ "usernames": ["amy", "cid"] })),
        (at("POST", "invite_verify"), json!({ "invitee": "bob", "verifyResult": true })),
        (at("DELETE", "quit"), Value::Null),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn each_user_of_a_call_has_an_outcome() {
    let fake = Script::new("bob", |asked, _| match asked.line().as_str() {
        "POST /chatgroups/77/invite" => Script::ok(&json!({ "data": [
            { "action": "invite", "user": "amy", "result": true },
            { "action": "invite", "user": "cid", "result": false, "reason": "already in group" },
        ] })),
        _ => Script::ok(&json!({ "data": { "action": "remove_member", "result": false } })),
    });
    let api = fake.api();
    let outcomes = api.invite_members(&"77".into(), &["amy".into(), "cid".into()]).await.unwrap();
    let is_done: Vec<_> = outcomes.iter().map(|one| (one.user.as_str(), one.is_done)).collect();
    assert_eq!(is_done, [("amy", true), ("cid", false)]);
    assert_eq!(outcomes[1].reason.as_deref(), Some("already in group"));
    let outcomes = api.kick_members(&GroupId::new("77"), &["amy".into()]).await.unwrap();
    assert_eq!((outcomes[0].user.as_str(), outcomes[0].is_done), ("amy", false));
}

#[tokio::test]
async fn an_announcement_that_is_too_long_is_not_sent() {
    let fake =
        Script::new("bob", |_, _| Script::ok(&json!({ "data": { "announcement": "hear" } })));
    let api = fake.api();
    assert_eq!(api.announcement(&GroupId::new("77")).await.unwrap(), "hear");
    let error = api.set_announcement(&GroupId::new("77"), &"字".repeat(513)).await.unwrap_err();
    assert_eq!(error.to_string(), "the announcement has 513 characters, the limit is 512");
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn a_group_whose_name_or_description_is_too_long_is_not_made() {
    let (fake, api) = saying(json!({}));
    let error = api.create_group(&NewGroup::new("字".repeat(129))).await.unwrap_err();
    assert_eq!(error.to_string(), "the name has 129 characters, the limit is 128");
    let wordy = NewGroup { description: "x".repeat(513), ..NewGroup::new("ops") };
    let error = api.create_group(&wordy).await.unwrap_err();
    assert_eq!(error.to_string(), "the description has 513 characters, the limit is 512");
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn the_groups_of_an_account_are_read_by_number() {
    let fake = Script::new("bob", |_, _| {
        Script::ok(
            &json!({ "entities": [{ "groupId": "77", "name": "ops", "affiliations_count": 2 }, {}] }),
        )
    });
    let groups = fake.api().joined_groups().collect(100).await.unwrap();
    assert_eq!(groups.len(), 1);
    let asked = fake.asked().remove(0);
    assert_eq!(asked.line(), "GET /chatgroups/user/bob");
    assert_eq!((asked.param("pagenum"), asked.param("pagesize")), (Some("0"), Some("20")));
}

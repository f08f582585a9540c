//! Requests that are wrong, and what is said to them.

use super::*;

/// Texts that are no JSON, and the word for it.
const NO_JSON: [(&str, &str); 4] = [
    ("{", "json_parse"),
    ("nickname=x", "json_parse"),
    ("\"x\"", "invalid_request_body"),
    ("1", "invalid_request_body"),
];

#[tokio::test]
async fn what_is_no_json_is_refused_wherever_json_is_asked_for() {
    let place = Place::new().await;
    let form = "Content-Type: application/x-www-form-urlencoded";
    for (who, method, path) in [
        ("app", "PUT", "/users/bob"),
        ("app", "POST", "/users/batch/status"),
        ("app", "POST", "/users"),
        ("app", "POST", "/token"),
        ("bob", "POST", "/users/bob/contacts/apply"),
        ("bob", "POST", "/users/bob/contacts/check"),
        ("app", "POST", "/users/bob/contacts/import"),
        ("bob", "DELETE", "/sdk/user/bob/blocks"),
        ("bob", "POST", "/metadata/user/get"),
        ("bob", "POST", "/users/bob/presence/60"),
        ("bob", "POST", "/thread/message"),
        ("app", "POST", "/chatgroups"),
        ("alice", "PUT", "/chatgroups/g"),
        ("alice", "PUT", "/chatrooms/r"),
        ("bob", "POST", "/reaction/user/bob"),
    ] {
        for (body, error) in NO_JSON {
            for kind in ["X-Nothing: x", form] {
                let answer = place.raw(who, method, path, &[kind], body.as_bytes()).await;
                let (status, word, _) = answer.refusal();
                assert_eq!((status, word.as_str()), (400, error), "{method} {path} {body}");
            }
        }
    }
    place.ok("bob", "POST", "/users/bob/contacts/apply", Value::Null).await;
}

#[tokio::test]
async fn a_list_is_taken_only_where_lists_come() {
    let place = Place::new().await;
    place.ok("bob", "DELETE", "/users/bob/presence", json!(["alice"])).await;
    place.ok("app", "POST", "/users", json!([{ "username": "dave", "password": "p" }])).await;
    let (status, answer) = place.call("app", "POST", "/users/batch/status", json!(["alice"])).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_request_body")));
}

#[tokio::test]
async fn attributes_that_are_said_to_be_json_have_to_be_json() {
    let place = Place::new().await;
    let kind = "Content-Type: application/json; charset=utf-8";
    let path = "/metadata/user/bob";
    let broken = place.raw("bob", "PUT", path, &[kind], b"{\"nickname\":").await;
    assert_eq!((broken.status, broken.refusal().1.as_str()), (400, "json_parse"));
    let set = place.raw("bob", "PUT", path, &[kind], b"{\"nickname\":\"B\"}").await;
    assert_eq!(set.json()["data"], json!({ "nickname": "B" }));
    let set = place.raw("bob", "PUT", path, &[], b"sign=x").await;
    assert_eq!(set.json()["data"], json!({ "nickname": "B", "sign": "x" }));
}

#[tokio::test]
async fn a_group_or_room_is_not_changed_by_values_of_a_wrong_type() {
    let place = Place::new().await;
    for (path, body) in [
        ("/chatgroups/g", json!({ "groupname": 5, "maxusers": "many" })),
        ("/chatgroups/g", json!({ "maxusers": "many" })),
        ("/chatgroups/g", json!({ "maxusers": -1 })),
        ("/chatgroups/g", json!({ "allowinvites": "perhaps" })),
        ("/chatgroups/g", json!({ "groupname": "new", "public": 1 })),
        ("/chatgroups/g", json!({ "newowner": ["bob"] })),
        ("/chatrooms/r", json!({ "name": 5 })),
        ("/chatrooms/r", json!({ "maxusers": 1.5 })),
        ("/chatrooms/r", json!({ "newowner": 5 })),
    ] {
        let (status, answer) = place.call("alice", "PUT", path, body.clone()).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_parameter")), "{body}");
    }
    let (status, _) = place.call("alice", "POST", "/chatgroups", json!({ "groupname": {} })).await;
    assert_eq!(status, 400);
    let (status, _) = place.call("alice", "POST", "/chatrooms", json!({ "maxusers": {} })).await;
    assert_eq!(status, 400);
    let group = place.data("alice", "GET", "/chatgroups/g", Value::Null).await;
    assert_eq!(group[0]["name"], "g");
    let body = json!({ "groupname": null, "maxusers": "300", "allowinvites": "true" });
    place.ok("alice", "PUT", "/chatgroups/g", body).await;
    let group = place.data("alice", "GET", "/chatgroups/g", Value::Null).await;
    assert_eq!((&group[0]["name"], &group[0]["maxusers"]), (&json!("g"), &json!(300)));
}

#[tokio::test]
async fn a_path_that_is_not_there_is_no_matter_of_rights() {
    let place = Place::new().await;
    for path in ["/users/bob/nonsense", "/users/bob/status/x", "/users/alice/nonsense"] {
        let (status, answer) = place.call("bob", "GET", path, Value::Null).await;
        assert_eq!((status, &answer["error"]), (404, &json!("service_resource_not_found")));
    }
    for path in ["/users/bob/status", "/users/alice"] {
        assert_eq!(place.call("bob", "GET", path, Value::Null).await.0, 401);
    }
}

#[tokio::test]
async fn a_known_path_with_a_wrong_verb_is_named_as_that() {
    let place = Place::new().await;
    for (who, method, path) in [
        ("app", "GET", "/token"),
        ("app", "PUT", "/users"),
        ("app", "POST", "/users/bob"),
        ("app", "POST", "/users/bob/password"),
        ("app", "GET", "/users/bob/activate"),
        ("bob", "PUT", "/chatfiles"),
        ("bob", "GET", "/users/bob/contacts/apply"),
        ("bob", "PUT", "/users/bob/blocks/users"),
        ("bob", "POST", "/metadata/user/bob"),
        ("bob", "PUT", "/chatgroups"),
        ("alice", "POST", "/chatgroups/g"),
        ("alice", "PUT", "/chatgroups/g/users"),
        ("alice", "PUT", "/chatgroups/g/admin"),
        ("alice", "GET", "/chatgroups/g/ban"),
        ("alice", "DELETE", "/chatgroups/g/announcement"),
        ("app", "DELETE", "/chatrooms"),
        ("app", "POST", "/chatrooms/r"),
        ("bob", "PUT", "/reaction/user/bob"),
        ("bob", "GET", "/thread"),
        ("bob", "GET", "/users/bob/presence"),
        ("bob", "POST", "/users/bob/notification/language"),
        ("app", "PUT", "/mutes"),
        ("app", "GET", "/messages/users"),
    ] {
        let (status, answer) = place.call(who, method, path, Value::Null).await;
        let got = (status, &answer["error"]);
        assert_eq!(got, (405, &json!("method_not_allowed")), "{method} {path}");
    }
    for (method, path) in [("GET", "/chatgroups/g/nonsense"), ("GET", "/nonsense")] {
        assert_eq!(place.call("alice", method, path, Value::Null).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn what_a_user_is_called_and_asks_for_has_its_limits() {
    let place = Place::new().await;
    let long = |n: usize| "名".repeat(n);
    let names = |n: usize| json!({ "usernames": vec!["bob"; n] });
    for (method, path, fits, exceeds) in [
        ("PUT", "/users/bob", json!({ "nickname": long(100) }), json!({ "nickname": long(101) })),
        ("PUT", "/users/bob", json!({ "nickname": null }), json!({ "nickname": 5 })),
        (
            "PUT",
            "/users/bob/password",
            json!({ "newpassword": long(64) }),
            json!({ "newpassword": long(65) }),
        ),
        (
            "POST",
            "/users",
            json!({ "username": "dave", "password": "p", "nickname": long(100) }),
            json!({ "username": "erin", "password": "p", "nickname": long(101) }),
        ),
        ("POST", "/users/batch/status", names(100), names(101)),
        ("POST", "/users/batch/status", names(1), names(0)),
    ] {
        place.ok("app", method, path, fits).await;
        let (status, answer) = place.call("app", method, path, exceeds.clone()).await;
        assert_eq!(status, 400, "{exceeds}: {answer}");
    }
    let bob = place.ok("app", "GET", "/users/bob", Value::Null).await;
    assert_eq!(bob["entities"][0]["nickname"], long(100));
}

#[tokio::test]
async fn the_texts_of_a_group_have_their_limits() {
    let place = Place::new().await;
    let long = |n: usize| "名".repeat(n);
    for (key, limit, is_bytes) in
        [("groupname", 128, false), ("desc", 512, false), ("custom", 8192, true)]
    {
        let text = |n: usize| if is_bytes { "x".repeat(n) } else { long(n) };
        place.ok("alice", "PUT", "/chatgroups/g", json!({ key: text(limit) })).await;
        for (method, path) in [("PUT", "/chatgroups/g"), ("POST", "/chatgroups")] {
            let body = json!({ key: text(limit + 1), "public": true });
            let (status, answer) = place.call("alice", method, path, body).await;
            let got = (status, &answer["error"]);
            assert_eq!(got, (400, &json!("invalid_parameter")), "{method} {key}");
        }
    }
}

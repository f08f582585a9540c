//! REST as clients ask it: tokens, users, groups, discovery, browsers.

use easebot_emulator::Options;
use easebot_msync::schema::{Provision, m_sync::Command};
use serde_json::{Value, json};

use super::{Client, app_token, http, raw_http, start, start_with};
use crate::frames::provision;

#[tokio::test]
async fn expired_tokens_are_called_expired_by_rest_and_by_login() {
    let emulator = start().await;
    let token = emulator.control().token(&"alice".into(), None).unwrap();
    let path = "/easebot/demo/sdk/users/alice/token/expires";
    let (status, answer) = http(&emulator, "GET", path, Some(token.reveal()), &Value::Null).await;
    assert_eq!(status, 200);
    assert!(answer["expire_timestamp"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(emulator.control().expire_tokens(Some(&"alice".into())), 1);
    let (status, answer) = http(&emulator, "GET", path, Some(token.reveal()), &Value::Null).await;
    assert_eq!((status, answer["error"].as_str()), (401, Some("unauthorized")));
    let mut client = Client::connect(&emulator).await;
    client.send(provision("alice", "d", token.reveal())).await;
    let answer: Provision = client.expect(Command::Provision).await;
    assert_eq!(answer.status.unwrap().reason(), "Sorry, token expired");
}

#[tokio::test]
async fn token_requests_fail_in_the_words_that_sdks_compare() {
    let emulator = start().await;
    let grant = |user: &str, password: &str| json!({ "grant_type": "password", "username": user, "password": password });
    for (path, body, status, error, description) in [
        ("/easebot/demo/token", grant("alice", "no"), 400, "invalid_grant", "invalid password"),
        ("/easebot/demo/token", grant("nobody", "pw"), 404, "invalid_grant", "user not found"),
        (
            "/other/app/token",
            grant("alice", "pw"),
            404,
            "organization_application_not_found",
            "Could not find application for other/app from URI",
        ),
        (
            "/easebot/demo/token",
            json!({ "grant_type": "inherit", "username": "alice" }),
            401,
            "unauthorized",
            "Unable to authenticate due to expired access token",
        ),
    ] {
        let (code, answer) = http(&emulator, "POST", path, None, &body).await;
        assert_eq!((code, answer["error"].as_str()), (status, Some(error)), "{answer}");
        assert_eq!(answer["error_description"], description);
        assert!(answer["timestamp"].is_u64() && answer["exception"].is_string());
    }
}

#[tokio::test]
async fn a_life_that_is_no_number_of_seconds_is_refused_and_null_is_the_usual_one() {
    let emulator = start().await;
    let token = async |ttl: Value| {
        let body =
            json!({ "grant_type": "password", "username": "alice", "password": "pw", "ttl": ttl });
        http(&emulator, "POST", "/easebot/demo/token", None, &body).await
    };
    let usual = Options::default().token_ttl.as_secs();
    for (ttl, secs) in [(Value::Null, usual), (json!(60), 60), (json!("60"), 60), (json!(0), 0)] {
        let (status, answer) = token(ttl.clone()).await;
        assert_eq!((status, &answer["expires_in"]), (200, &json!(secs)), "{ttl}");
    }
    for ttl in [json!(-1), json!(1.5), json!("x"), json!(1e30), json!([60])] {
        let (status, answer) = token(ttl.clone()).await;
        assert_eq!(
            (status, &answer["error_description"]),
            (400, &json!("wrong parameter value")),
            "{ttl}"
        );
    }
}

#[tokio::test]
async fn a_user_who_is_made_with_a_token_has_a_legal_name() {
    let emulator = start().await;
    let admin = app_token(&emulator).await;
    for (name, expected) in [("frank", 200), ("a b/../c", 400)] {
        let body = json!({ "grant_type": "inherit", "username": name, "autoCreateUser": true });
        let (status, answer) =
            http(&emulator, "POST", "/easebot/demo/token", Some(&admin), &body).await;
        assert_eq!(status, expected, "{answer}");
    }
}

#[tokio::test]
async fn users_register_openly_and_in_batches() {
    let emulator = start().await;
    let user = |name: &str| json!({ "username": name, "password": "pw" });
    let path = "/easebot/demo/users";
    let (status, answer) = http(&emulator, "POST", path, None, &user("Dave")).await;
    assert_eq!((status, &answer["entities"][0]["username"]), (200, &json!("dave")));
    assert_eq!((&answer["path"], &answer["organization"]), (&json!("/users"), &json!("easebot")));
    let (status, answer) = http(&emulator, "POST", path, None, &user("dave")).await;
    assert_eq!((status, &answer["error"]), (400, &json!("duplicate_unique_property_exists")));
    assert!(answer["error_description"].as_str().unwrap().contains("username be unique"));
    let (_, answer) = http(&emulator, "POST", path, None, &user("no spaces")).await;
    assert!(answer["error_description"].as_str().unwrap().contains("is not legal"));

    let token = app_token(&emulator).await;
    let batch = json!([user("erin"), user("dave")]);
    let (_, answer) = http(&emulator, "POST", path, Some(&token), &batch).await;
    assert_eq!(answer["entities"].as_array().unwrap().len(), 1);
    assert_eq!(answer["data"][0]["username"], "dave");

    let closed = Options { open_registration: false, ..Options::default() };
    let closed = start_with(closed).await;
    let (status, answer) = http(&closed, "POST", path, None, &user("dave")).await;
    assert_eq!(status, 401);
    assert!(
        answer["error_description"].as_str().unwrap().contains("Open registration doesn't allow")
    );
}

#[tokio::test]
async fn the_administrator_sees_and_ends_what_users_do() {
    let emulator = start().await;
    let token = app_token(&emulator).await;
    let admin = Some(token.as_str());
    let _bob = Client::login(&emulator, "bob", "webim_wx_2").await;
    let get = |path: &'static str| http(&emulator, "GET", path, admin, &Value::Null);
    assert_eq!(get("/easebot/demo/users/bob/status").await.1["data"]["bob"], "online");
    let (_, devices) = get("/easebot/demo/users/bob/resources").await;
    assert_eq!(devices["data"][0]["res"], "webim_wx_2");
    assert_eq!(get("/easebot/demo/users/alice/offline_msg_count").await.1["data"]["alice"], 0);
    assert_eq!(get("/easebot/demo/users/nobody").await.0, 404);

    let path = "/easebot/demo/users/bob/deactivate";
    let (_, answer) = http(&emulator, "POST", path, admin, &Value::Null).await;
    assert_eq!(answer["entities"][0]["activated"], false);
    let body = json!({ "grant_type": "password", "username": "bob", "password": "pw" });
    let (status, answer) = http(&emulator, "POST", "/easebot/demo/token", None, &body).await;
    assert_eq!((status, &answer["error_description"]), (400, &json!("user not activated")));
    assert_eq!(get("/easebot/demo/users/bob/status").await.1["data"]["bob"], "offline");

    let alice = emulator.control().token(&"alice".into(), None).unwrap();
    let path = "/easebot/demo/users/bob";
    let (status, answer) =
        http(&emulator, "DELETE", path, Some(alice.reveal()), &Value::Null).await;
    assert_eq!(status, 401);
    assert_eq!(answer["error_description"], "Unable to authenticate (OAuth)");
    let (status, _) = http(&emulator, "Delete", path, admin, &Value::Null).await;
    assert_eq!(status, 200, "clients write methods in mixed case");
    assert_eq!(get(path).await.0, 404);
}

#[tokio::test]
async fn groups_and_rooms_are_made_under_all_the_names_that_clients_use() {
    let emulator = start().await;
    let token = app_token(&emulator).await;
    let admin = Some(token.as_str());
    for body in [
        json!({ "groupname": "n", "desc": "d", "public": true, "owner": "alice", "members": ["bob"],
            "membersonly": true, "maxusers": 7 }),
        json!({ "name": "n", "description": "d", "public": true, "owner": "alice",
            "members": ["bob"], "memberonly": true, "maxusers": "7" }),
    ] {
        let (status, answer) =
            http(&emulator, "POST", "/easebot/demo/chatgroups", admin, &body).await;
        assert_eq!(status, 200, "{answer}");
        let id = answer["data"]["groupid"].as_str().unwrap();
        let path = format!("/easebot/demo/chatgroups/{id}?joined_time=true");
        let (_, answer) = http(&emulator, "GET", &path, admin, &Value::Null).await;
        let group = &answer["data"][0];
        assert_eq!((&group["name"], &group["description"]), (&json!("n"), &json!("d")));
        assert_eq!((&group["membersonly"], &group["maxusers"]), (&json!(true), &json!(7)));
        assert_eq!(group["affiliations_count"], 2);
    }
    let bob = emulator.control().token(&"bob".into(), None).unwrap();
    let path = "/easebot/demo/users/bob/joined_chatgroups?pagenum=1&pagesize=20&version=v3";
    let (_, answer) = http(&emulator, "GET", path, Some(bob.reveal()), &Value::Null).await;
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    assert!(answer["uri"].as_str().unwrap().contains("joined_chatgroups"));
    let body = json!({ "name": "room", "owner": "alice" });
    let (_, answer) = http(&emulator, "POST", "/easebot/demo/chatrooms", admin, &body).await;
    let path = format!("/easebot/demo/chatrooms/{}", answer["data"]["id"].as_str().unwrap());
    let (_, answer) = http(&emulator, "GET", &path, Some(bob.reveal()), &Value::Null).await;
    assert_eq!(answer["data"][0]["owner"], "alice");
    let (status, answer) =
        http(&emulator, "GET", "/easebot/demo/chatgroups/9", admin, &Value::Null).await;
    assert_eq!((status, &answer["error_description"]), (404, &json!("grpID 9 does not exist!")));
}

#[tokio::test]
async fn discovery_points_here_and_unknown_paths_are_refused_in_the_envelope() {
    let emulator = start().await;
    let path = "/easemob/server.json?app_key=easebot&_v=1";
    let (status, answer) = http(&emulator, "GET", path, None, &Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(answer["app_key"], "easebot#demo", "a raw # cuts the query");
    let host = &answer["msync-wx"]["hosts"][0];
    let port = emulator.addr().port().to_string();
    assert_eq!((&host["protocol"], &host["port"]), (&json!("http"), &json!(port)));
    let (status, answer) = http(&emulator, "GET", "/easebot/demo/nope", None, &Value::Null).await;
    assert_eq!((status, &answer["error"]), (404, &json!("service_resource_not_found")));
}

#[tokio::test]
async fn browsers_may_ask() {
    let emulator = start().await;
    let (head, _) = raw_http(&emulator, "OPTIONS", "/easebot/demo/token", None, &Value::Null).await;
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200"));
    assert!(head.contains("access-control-allow-origin: *"));
    assert!(head.contains("restrict-access"));
}

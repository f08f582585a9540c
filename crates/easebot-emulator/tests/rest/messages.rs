//! Messages that an app's own server sends.

use easebot_msync::schema::MessageBody;
use prost::Message as _;
use serde_json::{Value, json};

use super::{APP, Answer, Options, Town, links::Client};

impl Town {
    /// A request with the token of the app.
    async fn admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Authorization: Bearer {}", self.app_token().await);
        self.request(method, &format!("{APP}/{path}"), &[&bearer], body.to_string().as_bytes())
            .await
    }

    /// A message to bob.
    async fn send(&self, body: &Value) -> Answer {
        self.admin("POST", "messages/users", body).await
    }
}

fn text_to(to: &Value) -> Value {
    json!({ "from": "alice", "to": to, "type": "txt", "body": { "msg": "hi" } })
}

#[tokio::test]
async fn a_message_is_answered_by_id_and_arrives_with_its_extras() {
    let town = Town::new(Options::default()).await;
    let mut bob = Client::login(&town.emulator, "bob").await;
    let body = json!({
        "to": ["bob", "nobody"],
        "type": "txt",
        "body": { "msg": "hi" },
        "ext": { "n": 9_007_199_254_740_993_u64, "deep": { "a": [1] } },
    });
    let answer = town.send(&body).await;
    let data = answer.json()["data"].clone();
    assert!(data["nobody"].is_string(), "a server is not asked whether there is such a user");
    let meta = bob.fetch("admin").await;
    assert_eq!(data["bob"], meta.id.unwrap().to_string());
    let body = MessageBody::decode(meta.payload.unwrap()).unwrap();
    assert_eq!((body.from.unwrap().name(), body.contents[0].text()), ("admin", "hi"));
    let ext = easebot_msync::decode_ext(body.ext);
    assert_eq!(
        serde_json::to_value(&ext).unwrap(),
        json!({ "n": 9_007_199_254_740_993_u64, "deep": { "a": [1] } })
    );
}

#[tokio::test]
async fn who_is_named_twice_gets_it_once() {
    let town = Town::new(Options::default()).await;
    let mut bob = Client::login(&town.emulator, "bob").await;
    let answer = town.send(&text_to(&json!(["bob", "bob", "BOB"]))).await;
    assert_eq!(answer.json()["data"].as_object().unwrap().len(), 1);
    let meta = bob.fetch("alice").await;
    assert_eq!(answer.json()["data"]["bob"], meta.id.unwrap().to_string());
    let token = town.app_token().await;
    let path = format!("{APP}/users/bob/offline_msg_count");
    let bearer = format!("Authorization: Bearer {token}");
    let count = town.request("GET", &path, &[&bearer], b"").await;
    assert_eq!(count.json()["data"]["bob"], 1, "the one that is not acknowledged yet");
}

#[tokio::test]
async fn each_target_has_its_limit_and_each_mistake_its_words() {
    let town = Town::new(Options::default()).await;
    let many = |n: usize| json!((0..n).map(|n| n.to_string()).collect::<Vec<_>>());
    let with = |changes: Value| {
        let mut body = text_to(&json!(["bob"]));
        let fields = body.as_object_mut().unwrap();
        for (key, value) in changes.as_object().unwrap() {
            if value.is_null() && key != "ext" {
                fields.remove(key);
            } else {
                fields.insert(key.clone(), value.clone());
            }
        }
        body
    };
    for (path, body, text) in [
        ("users", with(json!({ "from": "" })), "param from can't be empty"),
        ("users", with(json!({ "to": null })), "param to can't be empty"),
        ("users", with(json!({ "to": [] })), "param to can't be empty"),
        ("users", with(json!({ "type": null })), "param type can't be empty"),
        ("users", with(json!({ "body": {} })), "param body can't be empty"),
        ("users", with(json!({ "ext": null })), "param ext must be JSONObject"),
        ("users", with(json!({ "ext": "x" })), "param ext must be JSONObject"),
        ("users", text_to(&many(601)), "params to's size can't exceed limit 600"),
        ("chatgroups", text_to(&many(4)), "params to's size can't exceed limit 3"),
        ("chatrooms", text_to(&many(11)), "params to's size can't exceed limit 10"),
        ("chatgroups/users", text_to(&many(1)), "param users can't be empty"),
        (
            "chatrooms/users",
            with(json!({ "users": many(21) })),
            "params users's size can't exceed limit 20",
        ),
    ] {
        let answer = town.admin("POST", &format!("messages/{path}"), &body).await;
        let words = (400, "message_send_error".to_owned(), text.to_owned());
        assert_eq!(answer.refusal(), words, "{path}");
    }
    assert_eq!(town.send(&text_to(&many(600))).await.status, 200);

    let large = with(json!({ "body": { "msg": "x".repeat(5120) } }));
    let answer = town.send(&large).await;
    assert_eq!(answer.refusal().2, "message is too large");
    let json = answer.json();
    assert_eq!(
        (&json["error_code"], &json["exception"]),
        (&json!(14007), &json!("MessageSendException"))
    );

    let bearer = format!("Authorization: Bearer {}", town.app_token().await);
    let path = "/easebot/demo/messages/users";
    let broken = town.request("POST", path, &[&bearer], b"{").await;
    assert_eq!((broken.status, broken.refusal().1.as_str()), (400, "invalid_request_body"));
    assert_eq!(town.request("GET", path, &[&bearer], b"").await.status, 405);
    let user = town.bearer();
    let answer = town.request("POST", path, &[&user], b"{}").await;
    assert_eq!(answer.refusal().2, "Unable to authenticate (OAuth)", "a user is no server");
}

#[tokio::test]
async fn recalls_and_edits_are_answered_as_documented() {
    let town = Town::new(Options::default()).await;
    let sent = town.send(&text_to(&json!(["bob"]))).await.json();
    let id = sent["data"]["bob"].as_str().unwrap().to_owned();
    let edit = json!({ "user": "alice", "new_msg": { "type": "txt", "msg": "two" } });
    let edited = town.admin("PUT", &format!("messages/rewrite/{id}"), &edit).await;
    assert_eq!((edited.status, &edited.json()["data"]), (200, &json!("success")));
    let bad = json!({ "user": "alice", "new_msg": { "type": "img", "url": "u" } });
    let bad = town.admin("PUT", &format!("messages/rewrite/{id}"), &bad).await;
    assert_eq!(bad.status, 400);

    let wish = json!({ "msg_id": id, "to": "bob", "chat_type": "chat" });
    let recalled = town.admin("POST", "messages/msg_recall", &wish).await.json();
    let expected = json!({ "recalled": "yes", "chattype": "chat", "from": "admin", "to": "bob", "msg_id": id });
    assert_eq!(recalled["data"], expected);
    let again = town.admin("POST", "messages/msg_recall", &wish).await;
    let words = (403, "message_recall_error".to_owned(), "not_found msg".to_owned());
    assert_eq!(again.refusal(), words);
    let partial = json!({ "msg_id": id, "to": "bob" });
    assert_eq!(town.admin("POST", "messages/msg_recall", &partial).await.status, 400);
    let batch = json!({ "msgs": [wish] });
    let batch = town.admin("POST", "messages/batch_recall", &batch).await.json();
    assert_eq!(batch["data"][0]["recalled"], "no");

    let mut bob = Client::login(&town.emulator, "bob").await;
    // What the administrator takes back is said in the administrator's queue.
    let metas = [bob.fetch("alice").await, bob.fetch_more().await, bob.fetch("admin").await];
    let kinds = metas.map(|meta| MessageBody::decode(meta.payload.unwrap()).unwrap().r#type);
    assert_eq!(kinds, [Some(1), Some(8), Some(6)]);
}

#[tokio::test]
async fn broadcasts_reach_rooms_and_users() {
    let town = Town::new(Options::default()).await;
    let mut bob = Client::login(&town.emulator, "bob").await;
    let body = json!({ "from": "alice", "msg": { "type": "txt", "msg": "all of you" } });
    for path in ["messages/users/broadcast", "messages/chatrooms/broadcast"] {
        let answer = town.admin("POST", path, &body).await.json();
        assert!(answer["data"]["id"].is_string(), "{path}: {answer}");
    }
    assert_eq!(town.admin("POST", "messages/broadcast", &body).await.status, 400);
    let meta = bob.fetch("alice").await;
    let body = MessageBody::decode(meta.payload.unwrap()).unwrap();
    assert_eq!(body.contents[0].text(), "all of you");
}

#[tokio::test]
async fn a_stream_is_named_by_its_first_piece() {
    let town = Town::new(Options::default()).await;
    let mut bob = Client::login(&town.emulator, "bob").await;
    let piece = |seq: u64, id: Option<&str>, finish: bool| {
        let body =
            json!({ "msg": "a", "seq": seq, "msgId": id, "finish": finish, "type": "markdown" });
        json!({ "from": "bot", "to": "bob", "body": body })
    };
    let path = "stream_message/user";
    let first = town.admin("POST", path, &piece(0, None, false)).await.json();
    let id = first["data"]["msgId"].as_str().unwrap().to_owned();
    let second = town.admin("POST", path, &piece(1, Some(&id), true)).await.json();
    assert_eq!(second["data"]["msgId"], id);
    let meta = bob.fetch("bot").await;
    assert_eq!(meta.id.unwrap().to_string(), id);
    let late = town.admin("POST", path, &piece(2, Some(&id), false)).await;
    assert_eq!((late.status, &late.json()["error_code"]), (400, &json!(14035)));
    for (field, code) in [("from", 14001), ("to", 14002), ("body", 14005)] {
        let mut body = piece(0, None, false);
        body.as_object_mut().unwrap().remove(field);
        let answer = town.admin("POST", path, &body).await;
        assert_eq!((answer.status, &answer.json()["error_code"]), (400, &json!(code)));
    }
}

#[tokio::test]
async fn imported_messages_are_answered_by_id() {
    let town = Town::new(Options::default()).await;
    let body = json!({ "from": "alice", "target": "bob", "type": "txt", "body": { "msg": "x" },
        "msg_timestamp": 1_700_000_000_000_u64 });
    let answer = town.admin("POST", "messages/users/import", &body).await.json();
    assert!(answer["data"]["msg_id"].is_string());
}

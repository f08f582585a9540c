//! Groups, rooms, contacts, history, attributes and what hangs on messages.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use easebot_emulator::Options;
use easebot_msync::schema::{MessageBody, Meta};
use prost::Message as _;
use serde_json::{Value, json};

use super::{APP, Town, token_of};

mod mistakes;

/// An emulator with alice, bob and carol, alice's group `g` with bob, alice's room `r`, and the app's token.
struct Place {
    town: Town,
    app: String,
}

impl Place {
    async fn new() -> Self {
        let options = Options {
            groups: vec![("g".into(), "alice".into(), vec!["bob".into()])],
            rooms: vec![("r".into(), "alice".into())],
            ..Options::default()
        };
        let town = Town::new(options).await;
        assert!(town.emulator.control().register(&"carol".into(), "pw"));
        let app = town.app_token().await;
        Self { town, app }
    }

    /// A request of `who`, a user or `app`. Returns the status and the JSON.
    async fn call(&self, who: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.raw(who, method, path, &[], body.as_bytes()).await;
        (answer.status, answer.json())
    }

    async fn raw(
        &self,
        who: &str,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &[u8],
    ) -> super::Answer {
        let token = match who {
            "app" => self.app.clone(),
            user => token_of(&self.town.emulator.control(), user),
        };
        let bearer = format!("Authorization: Bearer {token}");
        let headers = [headers, &[bearer.as_str()]].concat();
        self.town.request(method, &format!("{APP}{path}"), &headers, body).await
    }

    /// As [`call`](Self::call), for what succeeds.
    async fn ok(&self, who: &str, method: &str, path: &str, body: Value) -> Value {
        let (status, json) = self.call(who, method, path, body).await;
        assert_eq!(status, 200, "{method} {path}: {json}");
        json
    }

    async fn data(&self, who: &str, method: &str, path: &str, body: Value) -> Value {
        self.ok(who, method, path, body).await["data"].take()
    }

    /// Sends a text by REST and returns its id.
    async fn say(&self, from: &str, kind: &str, to: &str, text: &str) -> String {
        let body = json!({ "from": from, "to": [to], "type": "txt", "body": { "msg": text } });
        let data = self.data("app", "POST", &format!("/messages/{kind}"), body).await;
        data[to].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn joined_groups_come_in_the_three_shapes_of_the_sdk() {
    let place = Place::new().await;
    let simple = place.ok("bob", "GET", "/users/bob/joined_chatgroups", Value::Null).await;
    assert_eq!(simple["data"], json!([{ "groupid": "g", "groupname": "g" }]));
    let path = "/users/bob/joined_chatgroups?pagenum=1&pagesize=5&version=v3";
    let paged = place.ok("bob", "GET", path, Value::Null).await;
    assert_eq!(paged["data"][0]["permission"], "member");
    assert!(paged["uri"].as_str().unwrap().contains("joined_chatgroups"), "the SDK looks for it");
    let path = "/chatgroups/user/bob?pagenum=0&pagesize=5&needRole=true";
    let with_role = place.ok("bob", "GET", path, Value::Null).await;
    assert_eq!(
        (&with_role["entities"][0]["groupId"], &with_role["total"]),
        (&json!("g"), &json!(1))
    );
    let count = place.data("bob", "GET", "/chatgroups/user/bob/joined_count", Value::Null).await;
    assert_eq!(count, 1);
}

#[tokio::test]
async fn pages_of_joined_groups_begin_at_one_and_with_roles_at_zero() {
    let place = Place::new().await;
    let made = json!({ "groupname": "more", "public": true, "owner": "bob" });
    place.ok("app", "POST", "/chatgroups", made).await;
    for (path, first, key, list) in [
        ("/users/bob/joined_chatgroups?version=v3", 1, "id", "data"),
        ("/chatgroups/user/bob?needRole=true", 0, "groupId", "entities"),
    ] {
        let mut groups = Vec::new();
        for page in first..first + 3 {
            let path = format!("{path}&pagenum={page}&pagesize=1");
            let answer = place.ok("bob", "GET", &path, Value::Null).await;
            let page = answer[list].as_array().unwrap().iter();
            groups.extend(page.map(|group| group[key].as_str().unwrap().to_owned()));
        }
        assert_eq!(groups.len(), 2, "{path}: {groups:?}");
        assert_ne!(groups[0], groups[1], "{path}");
    }
}

#[tokio::test]
async fn each_write_asks_for_the_role_that_it_needs() {
    let place = Place::new().await;
    let needs_admin = [
        ("PUT", "", json!({ "groupname": "x" })),
        ("POST", "/mute", json!({ "usernames": ["bob"], "mute_duration": 1000 })),
        ("GET", "/mute", Value::Null),
        ("POST", "/ban", Value::Null),
        ("GET", "/blocks/users", Value::Null),
        ("POST", "/white/users", json!({ "usernames": ["bob"] })),
        ("POST", "/announcement", json!({ "announcement": "x" })),
    ];
    for root in ["/chatgroups/g", "/chatrooms/r"] {
        for (method, path, body) in &needs_admin {
            let path = format!("{root}{path}");
            let (status, answer) = place.call("carol", method, &path, body.clone()).await;
            assert_eq!((status, &answer["error"]), (403, &json!("forbidden_op")), "{path}");
            let text = answer["error_description"].as_str().unwrap();
            assert!(text.starts_with("user:carol is not admin of group:"), "{text}");
        }
    }
    place.ok("alice", "POST", "/chatgroups/g/admin", json!({ "newadmin": "bob" })).await;
    place.ok("bob", "POST", "/chatgroups/g/ban", Value::Null).await;
    let (status, _) = place.call("bob", "PUT", "/chatgroups/g", json!({ "newowner": "bob" })).await;
    assert_eq!(status, 403, "an admin does not give the group away");
    let members = place.data("bob", "GET", "/chatgroups/g/users", Value::Null).await;
    assert_eq!(members[1]["admin"], "bob");
}

#[tokio::test]
async fn mutes_blocks_and_the_allow_list_answer_in_the_shapes_of_the_documents() {
    let place = Place::new().await;
    let body = json!({ "usernames": ["bob", "carol"], "mute_duration": -1 });
    let muted = place.data("alice", "POST", "/chatgroups/g/mute", body).await;
    assert_eq!(muted[0]["expire"], 4_638_873_600_000_u64);
    assert_eq!(muted[1]["result"], false);
    assert_eq!(muted[1]["reason"], "users [carol] are not members of this group!");
    let own = place.data("bob", "GET", "/sdk/chatgroups/g/mute/bob", Value::Null).await;
    assert_eq!(own, true);
    let lifted = place.data("alice", "DELETE", "/chatgroups/g/mute/bob", Value::Null).await;
    assert_eq!((&lifted[0]["result"], &lifted[0]["user"]), (&json!(true), &json!("bob")));
    let body = json!({ "usernames": ["bob"] });
    place.ok("alice", "POST", "/chatgroups/g/white/users", body.clone()).await;
    let own = place.data("bob", "GET", "/chatgroups/g/white/users/bob", Value::Null).await;
    assert_eq!(own, json!({ "member": "bob", "white": true }));
    let blocked = place.data("alice", "POST", "/chatgroups/g/blocks/users/bob", Value::Null).await;
    assert_eq!((&blocked["groupid"], &blocked["result"]), (&json!("g"), &json!(true)));
    let list = place.data("alice", "GET", "/chatgroups/g/blocks/users", Value::Null).await;
    assert_eq!(list, json!(["bob"]));
    let (status, answer) = place.call("bob", "POST", "/chatgroups/g/apply", body).await;
    assert_eq!(status, 403, "{answer}");
}

#[tokio::test]
async fn a_group_that_was_shut_refuses_writes_of_users() {
    let place = Place::new().await;
    let (status, _) = place.call("alice", "POST", "/chatgroups/g/disable", Value::Null).await;
    assert_eq!(status, 401, "the administrator of the app shuts groups");
    place.ok("app", "POST", "/chatgroups/g/disable", Value::Null).await;
    let (status, answer) =
        place.call("alice", "PUT", "/chatgroups/g", json!({ "groupname": "x" })).await;
    let text = "can not operate this group, reason: group is disabled";
    assert_eq!((status, &answer["error_description"]), (403, &json!(text)));
    let detail = place.data("bob", "GET", "/chatgroups/g", Value::Null).await;
    assert_eq!(detail[0]["disabled"], true);
    place.ok("bob", "DELETE", "/chatgroups/g/quit", Value::Null).await;
}

#[tokio::test]
async fn a_shared_file_goes_up_down_and_away() {
    let place = Place::new().await;
    let kind = "Content-Type: multipart/form-data; boundary=x";
    let form = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--x--\r\n";
    let path = "/chatgroups/g/share_files";
    let shared = place.raw("bob", "POST", path, &[kind], form).await.json()["data"].take();
    assert_eq!((&shared["file_name"], &shared["file_size"]), (&json!("a.txt"), &json!(5)));
    let list = place.data("alice", "GET", path, Value::Null).await;
    assert_eq!((&list[0]["file_id"], &list[0]["file_owner"]), (&shared["file_id"], &json!("bob")));
    let one = format!("{path}/{}", shared["file_id"].as_str().unwrap());
    assert_eq!(place.raw("alice", "GET", &one, &[], b"").await.body, b"hello");
    let (status, _) = place.call("carol", "GET", &one, Value::Null).await;
    assert_eq!(status, 403, "only members see it");
    place.ok("alice", "DELETE", &one, Value::Null).await;
    let (status, _) = place.call("alice", "DELETE", &one, Value::Null).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn rooms_change_owners_and_are_made_by_who_may() {
    let place = Place::new().await;
    let (status, _) =
        place.call("alice", "PUT", "/chatrooms/r", json!({ "newowner": "bob" })).await;
    assert_eq!(status, 403, "bob is not in it");
    place.ok("app", "POST", "/chatrooms/r/users/bob", Value::Null).await;
    place.ok("alice", "PUT", "/chatrooms/r", json!({ "newowner": "bob" })).await;
    let changed =
        place.data("bob", "PUT", "/chatrooms/r", json!({ "name": "R", "maxusers": 5 })).await;
    assert_eq!(changed, json!({ "name": true, "maxusers": true }));
    let detail = place.data("carol", "GET", "/chatrooms/r", Value::Null).await;
    assert_eq!((&detail[0]["owner"], &detail[0]["name"]), (&json!("bob"), &json!("R")));
    place.ok("app", "POST", "/chatrooms/super_admin", json!({ "superadmin": "alice" })).await;
    let (status, _) = place.call("carol", "POST", "/chatrooms", json!({ "name": "x" })).await;
    assert_eq!(status, 403);
    place.ok("alice", "POST", "/chatrooms", json!({ "name": "x" })).await;
}

#[tokio::test]
async fn contacts_are_imported_checked_remarked_and_paged() {
    let place = Place::new().await;
    let body = json!({ "usernames": ["bob", "nobody", "carol"] });
    let imported = place.data("app", "POST", "/users/alice/contacts/import", body.clone()).await;
    assert_eq!(
        (&imported["success"], &imported["NotExistFailed"]),
        (&json!(["bob", "carol"]), &json!(["nobody"]))
    );
    let checked = place.data("app", "POST", "/users/alice/contacts/check", body).await;
    assert_eq!((&checked[0]["isContact"], &checked[1]["isContact"]), (&json!(true), &json!(false)));
    let path = "/users/alice/contacts/users/carol";
    place.ok("alice", "PUT", path, json!({ "remark": "C." })).await;
    let (status, answer) =
        place.call("alice", "PUT", path, json!({ "remark": "x".repeat(101) })).await;
    assert_eq!(status, 400);
    assert!(answer["error_description"].as_str().unwrap().contains("remark length must less"));
    let path = "/users/alice/contacts?needReturnRemark=true&limit=1";
    let first = place.data("alice", "GET", path, Value::Null).await;
    assert_eq!(first, json!({ "contacts": [{ "username": "bob", "remark": "" }], "cursor": "1" }));
    let rest = place.data("alice", "GET", &format!("{path}&cursor=1"), Value::Null).await;
    assert_eq!(
        rest,
        json!({ "contacts": [{ "username": "carol", "remark": "C." }], "cursor": "" })
    );
}

#[tokio::test]
async fn history_comes_as_base64_of_metas_page_by_page() {
    let place = Place::new().await;
    for text in ["one", "two", "three"] {
        place.say("bob", "users", "alice", text).await;
    }
    let ask = |start: Value| json!({ "queue": "bob@easemob.com", "start": start, "end": -1, "pull_number": 2, "is_positive": true });
    let texts = |page: &Value| -> Vec<String> {
        let metas = page["msgs"].as_array().unwrap().iter().map(|message| {
            let bytes = STANDARD.decode(message["msg"].as_str().unwrap()).unwrap();
            let body = Meta::decode(bytes.as_slice()).unwrap().payload.unwrap();
            MessageBody::decode(body).unwrap().contents[0].text().to_owned()
        });
        metas.collect()
    };
    let path = "/users/alice/messageroaming";
    let first = place.data("alice", "POST", path, ask(json!(-1))).await;
    assert_eq!(
        (texts(&first), &first["is_last"]),
        (vec!["one".to_owned(), "two".to_owned()], &json!(false))
    );
    let last = place.data("alice", "POST", path, ask(first["next_key"].clone())).await;
    assert_eq!(
        (texts(&last), &last["is_last"], &last["next_key"]),
        (vec!["three".to_owned()], &json!(true), &json!(""))
    );
}

#[tokio::test]
async fn history_is_for_who_was_there() {
    let place = Place::new().await;
    let ask = |queue: &str| json!({ "queue": queue, "start": -1, "pull_number": 10 });
    for (who, path, queue, expected) in [
        ("bob", "bob", "g@conference.easemob.com", 200),
        ("carol", "carol", "g@conference.easemob.com", 403),
        ("bob", "bob", "nope@conference.easemob.com", 404),
        ("bob", "alice", "bob@easemob.com", 401),
        ("bob", "bob", "alice", 400),
    ] {
        let path = format!("/users/{path}/messageroaming");
        let (status, answer) = place.call(who, "POST", &path, ask(queue)).await;
        assert_eq!(status, expected, "{queue}: {answer}");
    }
}

#[tokio::test]
async fn the_list_of_conversations_writes_the_last_message_as_text_in_json() {
    let place = Place::new().await;
    let id = place.say("bob", "users", "alice", "hi").await;
    let list = place.data("alice", "GET", "/sdk/user/alice/user_channels/list", Value::Null).await;
    let one = &list["channel_infos"][0];
    assert_eq!((&one["session_to"], &one["session_type"]), (&json!("bob"), &json!("chat")));
    assert_eq!((&one["unread_num"], &one["meta"]["id"]), (&json!(1), &json!(id)));
    let payload: Value = serde_json::from_str(one["meta"]["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload["bodies"][0]["msg"], "hi");
    let body = json!({ "mark": "mark_20", "targets": [{ "to": "bob", "type": "chat" }] });
    let (status, answer) =
        place.call("alice", "Post", "/sdk/user/alice/user_channels/mark", body).await;
    let text = "param mark illegal, please check it!";
    assert_eq!((status, &answer["error_description"]), (400, &json!(text)));
}

#[tokio::test]
async fn attributes_come_as_a_form_and_go_out_for_many() {
    let place = Place::new().await;
    let kind = "Content-Type: application/x-www-form-urlencoded";
    let form = b"nickname=Al%20%26%20ice&ext=a+b";
    let set = place.raw("alice", "PUT", "/metadata/user/alice", &[kind], form).await;
    assert_eq!(set.json()["data"], json!({ "nickname": "Al & ice", "ext": "a b" }));
    let body = json!({ "targets": ["alice", "bob"], "properties": ["nickname"] });
    let got = place.data("bob", "POST", "/metadata/user/get", body).await;
    assert_eq!(got, json!({ "alice": { "nickname": "Al & ice" }, "bob": {} }));
    let capacity = place.data("app", "GET", "/metadata/user/capacity", Value::Null).await;
    assert_eq!(capacity, 22);
    place.ok("app", "DELETE", "/metadata/user/alice", Value::Null).await;
    let got = place.data("alice", "GET", "/metadata/user/alice", Value::Null).await;
    assert_eq!(got, json!({}));
}

#[tokio::test]
async fn presence_and_reactions_answer_without_an_envelope() {
    let place = Place::new().await;
    let body = json!({ "usernames": ["alice"] });
    let subscribed = place.ok("bob", "POST", "/users/bob/presence/60", body).await;
    assert_eq!(subscribed["result"][0]["uid"], "alice");
    assert_eq!(subscribed.as_object().unwrap().len(), 1);
    let list = place
        .ok("bob", "GET", "/users/bob/presence/sublist?pageNum=1&pageSize=9", Value::Null)
        .await;
    assert_eq!(
        (&list["result"]["totalnum"], &list["result"]["sublist"][0]["uid"]),
        (&json!(1), &json!("alice"))
    );
    place.ok("bob", "Delete", "/users/bob/presence", json!(["alice"])).await;
    let online = place.ok("app", "GET", "/presence/online/g/type/0", Value::Null).await;
    assert_eq!(online, json!({ "result": 0 }));
    let id = place.say("bob", "users", "alice", "hi").await;
    let body = json!({ "msgId": id, "message": "+1" });
    let reacted = place.ok("alice", "POST", "/reaction/user/alice", body).await;
    assert_eq!(
        (&reacted["requestStatusCode"], &reacted["data"]["reaction"]),
        (&json!("ok"), &json!("+1"))
    );
    let path = format!("/reaction/user/bob/detail?msgId={id}&message=%2B1");
    let detail = place.data("bob", "GET", &path, Value::Null).await;
    assert_eq!(
        (&detail["count"], &detail["state"], &detail["userList"]),
        (&json!(1), &json!(false), &json!(["alice"]))
    );
}

#[tokio::test]
async fn a_translation_is_found_wherever_a_client_looks() {
    let place = Place::new().await;
    let body = json!({ "text": "你好", "to": ["en", "de"] });
    let answer = place.ok("alice", "POST", "/users/alice/translate", body).await;
    let expected =
        json!([{ "text": "[en] 你好", "to": "en" }, { "text": "[de] 你好", "to": "de" }]);
    assert_eq!(answer["data"][0]["translations"], expected);
    assert_eq!(answer["translations"], expected);
    assert_eq!(answer["detectedLanguage"]["language"], "zh-Hans");
    let body = json!({ "text": "x".repeat(10_001), "to": ["en"] });
    let (status, answer) = place.call("alice", "POST", "/users/alice/translate", body).await;
    assert_eq!(
        (status, &answer["error_description"]),
        (400, &json!("The input text is too long."))
    );
}

#[tokio::test]
async fn the_administrator_mutes_looks_into_queues_and_removes_the_oldest() {
    let place = Place::new().await;
    let body = json!({ "username": "bob", "chat": -1, "groupchat": 60, "chatroom": 0 });
    place.ok("app", "POST", "/mutes", body).await;
    let muted = place.data("app", "GET", "/mutes/bob", Value::Null).await;
    assert_eq!((&muted["chat"], &muted["chatroom"]), (&json!(-1), &json!(0)));
    assert_eq!(muted["userid"], "easebot#demo_bob");
    let id = place.say("bob", "users", "carol", "later").await;
    let path = format!("/users/carol/offline_msg_status/{id}");
    let status = place.data("app", "GET", &path, Value::Null).await;
    assert_eq!(status, json!({ id: "undelivered" }));
    let pushed = json!({ "device_id": "d", "device_token": "t", "notifier_name": "n" });
    let entity = place.ok("bob", "PUT", "/users/bob", pushed).await;
    assert_eq!(entity["entities"][0]["notifier_name"], "n");
    let gone = place.ok("app", "DELETE", "/users?limit=1", Value::Null).await;
    assert_eq!(gone["entities"][0]["username"], "alice");
    let (status, _) = place.call("app", "GET", "/users/alice", Value::Null).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn silent_mode_and_threads_answer_as_the_sdk_reads_them() {
    let place = Place::new().await;
    let path = "/users/alice/notification/user/bob";
    let set = place.data("alice", "PUT", path, json!({ "type": "AT" })).await;
    assert_eq!(set, json!({ "type": "AT" }));
    let many =
        place.data("alice", "GET", "/users/alice/notification?user=bob&group=g", Value::Null).await;
    assert_eq!(many, json!({ "user": { "bob": { "type": "AT" } }, "group": { "g": {} } }));
    place.ok("alice", "PUT", path, json!({ "type": "DEFAULT" })).await;
    let types =
        place.data("alice", "GET", "/users/alice/notification/mute/type", Value::Null).await;
    assert_eq!(types, json!([]));
    let message = place.say("bob", "chatgroups", "g", "topic").await;
    let body = json!({ "name": "th", "msg_id": message, "group_id": "g", "owner": "alice" });
    let created = place.data("alice", "POST", "/thread", body).await;
    let id = created["thread_id"].as_str().unwrap();
    let joined =
        place.data("bob", "POST", &format!("/thread/{id}/user/bob/join"), Value::Null).await;
    assert_eq!(joined["detail"]["affiliations_count"], 2);
    let (status, _) = place.call("carol", "GET", &format!("/thread/{id}"), Value::Null).await;
    assert_eq!(status, 403);
    place.say("bob", "chatgroups", id, "inside").await;
    let last = place.ok("bob", "POST", "/thread/message", json!({ "threadIds": [id] })).await;
    assert_eq!(last["entities"][0]["last_message"]["payload"]["bodies"][0]["msg"], "inside");
}

#[tokio::test]
async fn several_members_come_in_together_or_not_at_all() {
    let place = Place::new().await;
    for (path, members) in [("/chatgroups/g/users", 2), ("/chatrooms/r/users", 1)] {
        let body = json!({ "usernames": ["carol", "nobody"] });
        let (status, answer) = place.call("app", "POST", path, body).await;
        assert_eq!(status, 404, "{answer}");
        let inside = place.data("app", "GET", path, Value::Null).await;
        assert_eq!(inside.as_array().unwrap().len(), members, "{inside}");
    }
}

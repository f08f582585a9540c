//! The emulator over real sockets: HTTP by hand, and frames put together byte by byte, not with the emulator's own codec.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

use std::{sync::Arc, time::Duration};

use easebot_emulator::{Clock as _, Emulator, ManualClock, Options, Whose, Wish};
use easebot_model::Kick;
use easebot_msync::schema::{
    CommNotice, CommSyncDl, CommUnreadDl, Logout, MSync, MessageBody, Provision, StatisticsBody,
    m_sync::Command,
};
use futures_util::{SinkExt as _, StreamExt as _};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// Longest wait for anything here; reached only by a bug.
const PATIENCE: Duration = Duration::from_secs(10);

/// A hand-written protobuf message: fields in the order they are added.
#[derive(Clone, Default)]
struct Pb(Vec<u8>);

impl Pb {
    fn new() -> Self {
        Self::default()
    }

    fn varint(mut self, field: u64, value: u64) -> Self {
        push_varint(&mut self.0, field << 3);
        push_varint(&mut self.0, value);
        self
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        push_varint(&mut self.0, field << 3 | 2);
        push_varint(&mut self.0, u64::try_from(value.len()).unwrap());
        self.0.extend_from_slice(value);
        self
    }

    fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    fn sub(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
}

/// The `traceId` that the official SDK puts on every frame.
const TRACE: u64 = (1_785_000_000_000 << 22) | (1 << 12);

fn jid(name: &str, domain: &str) -> Pb {
    Pb::new().text(1, "easebot#demo").text(2, name).text(3, domain)
}

/// PROVISION as the official SDK writes it.
fn provision(user: &str, device: &str, token: &str) -> Vec<u8> {
    let guid = jid(user, "easemob.com").text(4, device);
    let asked = Pb::new()
        .varint(1, 16)
        .text(2, "4.21.1")
        .varint(5, 0)
        .varint(6, 0)
        .text(9, "wx_1785000000000")
        .text(12, "webim")
        .text(13, device)
        .text(17, "v5.2")
        .text(18, &format!("{{\"token\":\"$t${token}\"}}"))
        .text(20, "1785000000000:")
        .bytes(22, &[2]);
    let frame = Pb::new().sub(2, &guid).text(3, &format!("$t${token}")).varint(8, 3);
    frame.sub(9, &asked).varint(10, 0).varint(11, 0).varint(20, TRACE).0
}

/// UNREAD as the official SDK writes it: no payload, no guid.
fn unread() -> Vec<u8> {
    Pb::new().varint(8, 1).varint(11, 0).varint(20, TRACE).0
}

fn sync(payload: &Pb) -> Vec<u8> {
    Pb::new().varint(8, 0).sub(9, payload).varint(11, 0).varint(20, TRACE).0
}

/// STATISTIC, which the official SDK sends behind each UNREAD.
fn statistic() -> Vec<u8> {
    let body = Pb::new().varint(1, 0);
    sync(&Pb::new().sub(1, &Pb::new().varint(1, 1_785_000_000_000).varint(5, 0).sub(6, &body)))
}

/// A text with typed extras as the official SDK writes it.
fn text(id: u64, from: &str, to: &str, text: &str) -> Vec<u8> {
    let name = |name: &str| Pb::new().text(2, name);
    let extra = Pb::new().text(1, "a").varint(2, 2).varint(3, 1);
    let body = Pb::new()
        .varint(1, 1)
        .sub(2, &name(from))
        .sub(3, &name(to))
        .sub(4, &Pb::new().varint(1, 0).text(2, text))
        .sub(5, &extra);
    let meta = Pb::new().varint(1, id).sub(3, &jid(to, "easemob.com")).varint(5, 1);
    sync(&Pb::new().sub(1, &meta.sub(6, &body).varint(7, 0)))
}

/// A pull, and with a key an acknowledgement.
fn pull(queue: &str, key: Option<u64>) -> Vec<u8> {
    let payload = key.map_or_else(Pb::new, |key| Pb::new().varint(2, key));
    sync(&payload.sub(3, &jid(queue, "easemob.com")))
}

#[test]
fn the_hand_made_frames_have_the_sizes_of_those_that_were_seen() {
    assert_eq!(unread().len(), 15);
    assert_eq!(statistic().len(), 32);
}

/// One client connection.
struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn connect(emulator: &Emulator) -> Self {
        Self(connect_async(emulator.websocket_url()).await.unwrap().0)
    }

    async fn login(emulator: &Emulator, user: &str, device: &str) -> Self {
        let token = emulator.control().token(&user.into(), None).unwrap();
        let mut client = Self::connect(emulator).await;
        client.send(provision(user, device, token.reveal())).await;
        let answer: Provision = client.expect(Command::Provision).await;
        assert_eq!(answer.status.unwrap().error_code, Some(0));
        client
    }

    async fn send(&mut self, bytes: Vec<u8>) {
        self.0.send(Message::binary(bytes)).await.unwrap();
    }

    /// The next frame; `None` at the end of the connection.
    async fn next(&mut self) -> Option<MSync> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.unwrap() {
                Some(Ok(Message::Binary(bytes))) => return Some(MSync::decode(bytes).unwrap()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(other)) => panic!("binary frames only, not {other:?}"),
            }
        }
    }

    async fn expect<M: prost::Message + Default>(&mut self, command: Command) -> M {
        let frame = self.next().await.unwrap();
        assert_eq!(frame.command(), command);
        M::decode(frame.payload.unwrap_or_default()).unwrap()
    }
}

async fn start() -> Emulator {
    start_with(Options::default()).await
}

async fn start_with(options: Options) -> Emulator {
    let users = ["alice", "bob"].map(|name| (name.into(), "pw".into())).into();
    Emulator::start(Options { users, ..options }).await.unwrap()
}

/// One HTTP request, written by hand. Returns the status and the JSON.
async fn http(
    emulator: &Emulator,
    method: &str,
    path: &str,
    bearer: Option<&str>,
    body: &Value,
) -> (u16, Value) {
    let (head, body) = raw_http(emulator, method, path, bearer, body).await;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(&body).unwrap_or_default())
}

async fn raw_http(
    emulator: &Emulator,
    method: &str,
    path: &str,
    bearer: Option<&str>,
    body: &Value,
) -> (String, String) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let auth = bearer.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{auth}Content-Length: {}\r\n\r\n{body}",
        emulator.addr(),
        body.len(),
    );
    let mut stream = TcpStream::connect(emulator.addr()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

async fn app_token(emulator: &Emulator) -> String {
    let body = json!({
        "grant_type": "client_credentials",
        "client_id": "easebot-client",
        "client_secret": "easebot-secret",
    });
    let (status, answer) = http(emulator, "POST", "/easebot/demo/token", None, &body).await;
    assert_eq!(status, 200);
    answer.get("access_token").unwrap().as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_quiet_login_and_a_conversation_of_golden_frames() {
    let emulator = start().await;
    let body = json!({ "grant_type": "password", "username": "alice", "password": "pw",
        "timestamp": 1_785_000_000_000_u64 });
    let (status, answer) = http(&emulator, "POST", "/easebot/demo/token", None, &body).await;
    assert_eq!((status, answer["expires_in"].as_u64()), (200, Some(5_184_000)));
    let token = answer["access_token"].as_str().unwrap();

    let mut alice = Client::connect(&emulator).await;
    alice.send(provision("alice", "webim_wx_1", token)).await;
    let welcome: Provision = alice.expect(Command::Provision).await;
    assert_eq!(welcome.resource(), "webim_wx_1");
    assert!(welcome.protocol_compress_type.is_empty());
    alice.send(unread()).await;
    alice.send(statistic()).await;
    let nothing: CommUnreadDl = alice.expect(Command::Unread).await;
    assert!(nothing.unread.is_empty());

    let mut bob = Client::login(&emulator, "bob", "webim_wx_2").await;
    alice.send(text(530_310_634_525, "alice", "bob", "hi")).await;
    let answer: CommSyncDl = alice.expect(Command::Sync).await;
    assert_eq!(answer.meta_id, Some(530_310_634_525));
    assert_eq!(answer.status.unwrap().error_code, Some(0));

    let notice: CommNotice = bob.expect(Command::Notice).await;
    let queue = notice.queue.unwrap();
    assert_eq!((queue.name(), queue.client_resource()), ("alice", "webim_wx_1"));
    bob.send(pull("alice", None)).await;
    let page: CommSyncDl = bob.expect(Command::Sync).await;
    assert_eq!((page.next_key, page.is_last), (answer.server_id, None));
    let body = MessageBody::decode(page.metas[0].payload.clone().unwrap()).unwrap();
    assert_eq!(body.contents[0].text(), "hi");
    assert_eq!((body.ext[0].key(), body.ext[0].varint_value()), ("a", 1));
    bob.send(pull("alice", page.next_key)).await;
    let end: CommSyncDl = bob.expect(Command::Sync).await;
    assert_eq!((end.metas.len(), end.is_last), (0, Some(true)));
    timeout(PATIENCE, emulator.quiet()).await.unwrap();

    alice
        .send(Pb::new().varint(8, 4).sub(9, &Pb::new().text(1, "s").text(2, "inner:logout")).0)
        .await;
    let goodbye: Logout = alice.expect(Command::Logout).await;
    assert_eq!(goodbye.session_id(), "s");
    assert!(alice.next().await.is_none());
    emulator.shutdown().await;
}

#[tokio::test]
async fn quiet_waits_for_a_device_that_has_not_fetched() {
    let emulator = start().await;
    let mut alice = Client::login(&emulator, "alice", "a").await;
    let mut bob = Client::login(&emulator, "bob", "b").await;
    alice.send(text(1, "alice", "bob", "hi")).await;
    let _: CommNotice = bob.expect(Command::Notice).await;
    tokio::select! {
        biased;
        () = emulator.quiet() => panic!("bob has not fetched"),
        _ = alice.next() => {}
    }
    bob.send(pull("alice", None)).await;
    let page: CommSyncDl = bob.expect(Command::Sync).await;
    bob.send(pull("alice", page.next_key)).await;
    timeout(PATIENCE, emulator.quiet()).await.unwrap();
}

#[tokio::test]
async fn a_refused_login_is_closed_by_the_server() {
    let emulator = start().await;
    let mut client = Client::connect(&emulator).await;
    client.send(provision("alice", "d", "made-up")).await;
    let answer: Provision = client.expect(Command::Provision).await;
    let words = "Sorry, token or password does not match login info";
    assert_eq!(answer.status.unwrap().reason(), words);
    assert!(client.next().await.is_none());
}

#[tokio::test]
async fn text_frames_and_garbage_end_their_connection_and_are_counted() {
    let emulator = start().await;
    for bad in [Message::text("hello"), Message::binary(vec![0xff; 3])] {
        let mut client = Client::connect(&emulator).await;
        client.0.send(bad).await.unwrap();
        assert!(client.next().await.is_none());
    }
    assert_eq!(emulator.control().n_bad_frames(), 2);
    Client::login(&emulator, "alice", "still works").await;
}

#[tokio::test]
async fn a_socket_that_does_not_log_in_is_closed() {
    let options = Options { provision_timeout: Duration::from_millis(1), ..Options::default() };
    let emulator = start_with(options).await;
    let mut client = Client::connect(&emulator).await;
    assert!(client.next().await.is_none());
}

#[tokio::test]
async fn a_changed_password_kicks_with_the_word_why() {
    let emulator = start().await;
    let mut bob = Client::login(&emulator, "bob", "b").await;
    let token = app_token(&emulator).await;
    let path = "/easebot/demo/users/bob/password";
    let body = json!({ "newpassword": "other" });
    let (status, answer) = http(&emulator, "PUT", path, Some(&token), &body).await;
    assert_eq!((status, answer["action"].as_str()), (200, Some("set user password")));
    let batch: CommSyncDl = bob.expect(Command::Sync).await;
    let body = StatisticsBody::decode(batch.metas[0].payload.clone().unwrap()).unwrap();
    assert_eq!(body.operation, Some(3));
    assert!(bob.next().await.is_none());
}

#[tokio::test]
async fn orders_drop_kick_refuse_and_silence() {
    let emulator = start().await;
    let control = emulator.control();
    let mut bob = Client::login(&emulator, "bob", "b").await;
    assert_eq!(control.online(&"bob".into()).len(), 1);
    assert_eq!(control.drop_links(&Whose::User("bob".into())), 1);
    assert!(bob.next().await.is_none());
    assert!(control.online(&"bob".into()).is_empty());

    let mut bob = Client::login(&emulator, "bob", "b").await;
    let order = json!({ "user": "bob", "operation": 2, "reason": "tv" });
    let (status, answer) = http(&emulator, "POST", "/_emulator/kick", None, &order).await;
    assert_eq!((status, &answer), (200, &json!({ "n": 1 })));
    let batch: CommSyncDl = bob.expect(Command::Sync).await;
    let body = StatisticsBody::decode(batch.metas[0].payload.clone().unwrap()).unwrap();
    assert_eq!((body.operation, body.reason()), (Some(2), "tv"));
    assert_eq!(control.kick(&Whose::All, Kick::UserRemoved, None), 0, "nobody is left");

    let mut alice = Client::login(&emulator, "alice", "a").await;
    control.refuse(Wish::Send, None, 1, 7, "traffic limit");
    alice.send(text(1, "alice", "bob", "hi")).await;
    let refused: CommSyncDl = alice.expect(Command::Sync).await;
    let status = refused.status.unwrap();
    assert_eq!((status.error_code, status.reason()), (Some(7), "traffic limit"));

    assert_eq!(control.silence(&Whose::User("alice".into()), false), 1);
    alice.send(text(2, "alice", "bob", "hi")).await;
    alice.send(unread()).await;
    // The WebSocket layer still answers: behind the pong, the frames before it were taken, and swallowed.
    alice.0.send(Message::Ping(vec![1].into())).await.unwrap();
    let pong = timeout(PATIENCE, alice.0.next()).await.unwrap().unwrap().unwrap();
    assert!(pong.is_pong(), "{pong:?}");
    control.end_silence();
    alice.send(unread()).await;
    let _: CommUnreadDl = alice.expect(Command::Unread).await;
}

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

#[tokio::test]
async fn time_is_the_clocks() {
    let clock = Arc::new(ManualClock::starting_at(1_785_000_000_000));
    let time: Arc<ManualClock> = Arc::clone(&clock);
    let emulator = start_with(Options { clock: time, ..Options::default() }).await;
    let life = Some(Duration::from_secs(60));
    let token = emulator.control().token(&"alice".into(), life).unwrap();
    let mut alice = Client::connect(&emulator).await;
    alice.send(provision("alice", "a", token.reveal())).await;
    let welcome: Provision = alice.expect(Command::Provision).await;
    assert_eq!(welcome.auth_token(), "{\"expires_in\":1785000060000}");
    clock.advance(Duration::from_secs(60));
    alice.send(unread()).await;
    let answer: CommUnreadDl = alice.expect(Command::Unread).await;
    assert_eq!(answer.timestamp, Some(clock.now_ms()), "the SDK sees from it that its token ended");
}

#[tokio::test]
async fn a_connection_that_does_not_read_is_cut_and_loses_no_messages() {
    let options = Options { link_queue_frames: 1, ..Options::default() };
    let emulator = start_with(options).await;
    let mut alice = Client::login(&emulator, "alice", "a").await;
    // Three answers at once do not fit: the link is cut before it can hold anybody else up.
    let statuses = text(1, "alice", "bob", "hi");
    for _ in 0..3 {
        alice.0.feed(Message::binary(statuses.clone())).await.unwrap();
    }
    alice.0.flush().await.unwrap();
    while alice.next().await.is_some() {}
    let token = emulator.control().token(&"bob".into(), None).unwrap();
    let mut bob = Client::connect(&emulator).await;
    bob.send(provision("bob", "b", token.reveal())).await;
    let _: Provision = bob.expect(Command::Provision).await;
    bob.send(pull("alice", None)).await;
    let page: CommSyncDl = bob.expect(Command::Sync).await;
    assert_eq!(page.metas.len(), 1, "one client id, one message");
}

#[tokio::test]
async fn shutdown_ends_every_connection() {
    let emulator = start().await;
    let mut alice = Client::login(&emulator, "alice", "a").await;
    let addr = emulator.addr();
    emulator.shutdown().await;
    assert!(alice.next().await.is_none());
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_client_in_this_process_needs_no_socket() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let dialler = emulator.dialler();
    let mut pipe = dialler.dial();
    pipe.write_all(b"GET /easebot/demo/users HTTP/1.1\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, pipe.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");

    let url = emulator.websocket_url();
    let (mut link, _) = tokio_tungstenite::client_async(url, dialler.dial()).await.unwrap();
    let n_cut = emulator.control().restart(Duration::ZERO);
    assert_eq!(n_cut, 1, "it is a link like any other");
    assert!(!matches!(timeout(PATIENCE, link.next()).await.unwrap(), Some(Ok(_))));

    emulator.shutdown().await;
    assert_eq!(dialler.dial().read(&mut [0]).await.unwrap(), 0, "nobody is there any more");
}

#[tokio::test]
async fn a_group_that_is_made_by_order_has_its_owner_and_admins() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let control = emulator.control();
    let (id, owner, admins) = ("ops".into(), "ann".into(), ["bob".into()]);
    assert!(control.make_group(&id, &owner, &admins, &["carl".into()]));
    assert!(!control.make_group(&id, &owner, &[], &[]), "there is one");
    assert!(control.make_room(&"hall".into(), &owner));
    assert!(!control.make_room(&"hall".into(), &owner));
    assert!(control.register(&"carl".into(), "pw"));
    let token = control.token(&"carl".into(), None).unwrap();
    let path = "/easebot/demo/chatgroups/ops";
    let mut pipe = emulator.dialler().dial();
    let token = token.reveal();
    for (path, expected) in [(format!("{path}/admin"), r#"["bob"]"#), (path.to_owned(), "\"ann\"")]
    {
        let request = format!("GET {path} HTTP/1.1\r\nauthorization: Bearer {token}\r\n\r\n");
        pipe.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 64 * 1024];
        let n_bytes = timeout(PATIENCE, pipe.read(&mut answer)).await.unwrap().unwrap();
        let answer = String::from_utf8_lossy(&answer[..n_bytes]);
        assert!(answer.contains(expected), "{answer}");
    }
}

//! What is ordered for connections, dynamic tokens, and compression.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use bytes::Bytes;
use easebot_emulator::{Callback, Callbacks, Emulator, Lz4, ManualClock, Options, PreSend};
use easebot_model::Secret;
use easebot_msync::{
    lz4::{Compressor, Decompressor},
    schema::{
        CommSyncDl, CommSyncUl, CommUnreadDl, Jid, MSync, MessageBody, Meta, Provision,
        m_sync::Command,
        message_body::{Content, Type},
        meta::NameSpace,
        provision::{CompressDirection, CompressType},
    },
};
use futures_util::{SinkExt as _, StreamExt as _};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::{PATIENCE, Town, token_of};

/// One client connection.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    up: Option<Compressor>,
    down: Option<Decompressor>,
    /// The queue that is being read, and how far.
    queue: Option<(Jid, u64)>,
    /// What came with the last page and was not taken.
    waiting: Vec<Meta>,
}

fn jid(name: &str) -> Jid {
    Jid { name: Some(name.to_owned()), ..Jid::default() }
}

fn frame(command: Command, payload: &impl prost::Message) -> MSync {
    let payload = Some(Bytes::from(payload.encode_to_vec()));
    MSync { command: Some(command.into()), payload, ..MSync::default() }
}

fn text_to(to: &str, id: u64, text: &str) -> MSync {
    let body = MessageBody {
        r#type: Some(Type::Chat.into()),
        contents: vec![Content {
            r#type: Some(0),
            text: Some(text.to_owned()),
            ..Content::default()
        }],
        ..MessageBody::default()
    };
    let meta = Meta {
        id: Some(id),
        to: Some(jid(to)),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec().into()),
        ..Meta::default()
    };
    frame(Command::Sync, &CommSyncUl { meta: Some(meta), ..CommSyncUl::default() })
}

impl Client {
    pub(crate) async fn login(emulator: &Emulator, user: &str) -> Self {
        let token = token_of(&emulator.control(), user);
        let (client, answer) = Self::provision(emulator, user, &token).await;
        assert_eq!(answer.status.unwrap().error_code, Some(0));
        client
    }

    /// Logs in, offers LZ4, and speaks it as the answer says.
    async fn provision(emulator: &Emulator, user: &str, token: &str) -> (Self, Provision) {
        let socket = connect_async(emulator.websocket_url()).await.unwrap().0;
        let mut client = Self { socket, up: None, down: None, queue: None, waiting: Vec::new() };
        let asked = Provision {
            resource: Some("device".to_owned()),
            auth: Some(token.to_owned()),
            protocol_compress_type: vec![CompressType::CompressLz4.into()],
            ..Provision::default()
        };
        let guid = Jid { app_key: Some("easebot#demo".to_owned()), ..jid(user) };
        client.send(&MSync { guid: Some(guid), ..frame(Command::Provision, &asked) }).await;
        let answer: Provision = client.expect(Command::Provision).await;
        if !answer.protocol_compress_type.is_empty() {
            let direction = answer.protocol_compress_direction();
            client.up = (direction != CompressDirection::OnlyDown).then(Compressor::default);
            client.down = (direction != CompressDirection::OnlyUp).then(Decompressor::default);
        }
        (client, answer)
    }

    async fn send(&mut self, frame: &MSync) {
        let plain = frame.encode_to_vec();
        let bytes = match &mut self.up {
            Some(up) => up.compress(&plain).unwrap(),
            None => plain.into(),
        };
        self.socket.send(Message::binary(bytes)).await.unwrap();
    }

    async fn expect<M: prost::Message + Default>(&mut self, command: Command) -> M {
        loop {
            let bytes = match timeout(PATIENCE, self.socket.next()).await.unwrap() {
                Some(Ok(Message::Binary(bytes))) => bytes,
                other => panic!("expected {command:?}, not {other:?}"),
            };
            let plain = match &mut self.down {
                Some(down) => down.decompress(&bytes).unwrap(),
                None => bytes,
            };
            let frame = MSync::decode(plain).unwrap();
            // Whoever reads queue by queue does not wait for notices.
            if frame.command() != Command::Notice {
                assert_eq!(frame.command(), command);
                return M::decode(frame.payload.unwrap_or_default()).unwrap();
            }
        }
    }

    /// The oldest message of the queue `peer`.
    pub(crate) async fn fetch(&mut self, peer: &str) -> Meta {
        self.queue = Some((jid(peer), 0));
        self.fetch_more().await
    }

    /// The next message of the same queue.
    pub(crate) async fn fetch_more(&mut self) -> Meta {
        if self.waiting.is_empty() {
            let (queue, key) = self.queue.clone().unwrap();
            let key = (key > 0).then_some(key);
            let pull = CommSyncUl { queue: Some(queue.clone()), key, ..CommSyncUl::default() };
            self.send(&frame(Command::Sync, &pull)).await;
            let page: CommSyncDl = self.expect(Command::Sync).await;
            self.queue = Some((queue, page.next_key.unwrap()));
            self.waiting = page.metas;
        }
        self.waiting.remove(0)
    }
}

#[tokio::test]
async fn over_a_mebibyte_goes_compressed_in_each_direction() {
    for (lz4, is_up, is_down) in [
        (Lz4::Both, true, true),
        (Lz4::Down, false, true),
        (Lz4::Off, false, false),
        (Lz4::Up, true, false),
    ] {
        let town = Town::new(Options { lz4, ..Options::default() }).await;
        let mut alice = Client::login(&town.emulator, "alice").await;
        let mut bob = Client::login(&town.emulator, "bob").await;
        assert_eq!((alice.up.is_some(), alice.down.is_some()), (is_up, is_down));
        let mut n_bytes = 0;
        for n in 1..=300 {
            // Half of each text was said before, in another frame.
            let text = format!("{}{:.>1800}", "0123456789".repeat(180), n * 7_919);
            n_bytes += text.len();
            alice.send(&text_to("bob", n, &text)).await;
            let answer: CommSyncDl = alice.expect(Command::Sync).await;
            assert_eq!(answer.status.unwrap().error_code, Some(0));
            let meta = if n == 1 { bob.fetch("alice").await } else { bob.fetch_more().await };
            let body = MessageBody::decode(meta.payload.unwrap()).unwrap();
            assert_eq!(body.contents[0].text(), text);
        }
        assert!(n_bytes > 1 << 20);
    }
}

#[tokio::test]
async fn a_frame_that_does_not_decompress_ends_its_connection() {
    let town = Town::new(Options { lz4: Lz4::Up, ..Options::default() }).await;
    let mut alice = Client::login(&town.emulator, "alice").await;
    let heartbeat = MSync { command: Some(Command::Unread.into()), ..MSync::default() };
    alice.send(&heartbeat).await;
    let _: CommUnreadDl = alice.expect(Command::Unread).await;
    alice.up = None;
    alice.send(&heartbeat).await;
    let end = timeout(PATIENCE, alice.socket.next()).await.unwrap();
    assert!(matches!(end, Some(Ok(Message::Close(_))) | None), "{end:?}");
    assert_eq!(town.emulator.control().n_bad_frames(), 1);
}

#[tokio::test]
async fn a_dynamic_token_of_the_apps_own_server_logs_in() {
    let town = Town::new(Options::default()).await;
    // SHA-256 of easebot-client, easebot#demo, bob, the time, the life and easebot-secret.
    let claims = json!({
        "signature": "029dada187e851f44dd9c6b1362f5e343b0efeed23ff696dce50e644f988cd6c",
        "appkey": "easebot#demo", "userId": "bob", "curTime": 4_000_000_000_u64, "ttl": 600,
    });
    let token = URL_SAFE.encode(format!("dt-{claims}"));
    let (_, answer) = Client::provision(&town.emulator, "bob", &format!("$t${token}")).await;
    assert_eq!(answer.status.clone().unwrap().error_code, Some(0), "{answer:?}");
    assert_eq!(answer.auth_token(), "{\"expires_in\":4000000600000}");
    let (_, answer) = Client::provision(&town.emulator, "alice", &token).await;
    let words = "Sorry, token or password does not match login info";
    assert_eq!(answer.status.unwrap().reason(), words, "it is bob's");
    let bearer = format!("Authorization: Bearer {token}");
    assert_eq!(town.get("/easebot/demo/users/bob", &[&bearer]).await.status, 200);
}

#[tokio::test]
async fn frames_come_late_and_in_order_when_ordered() {
    let town = Town::new(Options::default()).await;
    let mut alice = Client::login(&town.emulator, "alice").await;
    let answer = town.order("delay", &json!({ "user": "alice", "ms": 80 })).await;
    assert_eq!(answer.json(), json!({ "n": 1 }));
    let sent = Instant::now();
    alice.send(&text_to("bob", 1, "one")).await;
    alice.send(&text_to("bob", 2, "two")).await;
    let first: CommSyncDl = alice.expect(Command::Sync).await;
    assert!(sent.elapsed() >= Duration::from_millis(80));
    // What comes behind a late frame does not overtake it.
    town.order("delay", &json!({ "user": "alice", "ms": 0 })).await;
    let second: CommSyncDl = alice.expect(Command::Sync).await;
    assert_eq!((first.meta_id, second.meta_id), (Some(1), Some(2)));
}

#[tokio::test]
async fn a_restart_cuts_everything_and_forgets_no_message() {
    let town = Town::new(Options::default()).await;
    let control = town.emulator.control();
    let mut alice = Client::login(&town.emulator, "alice").await;
    let bob = Client::login(&town.emulator, "bob").await;
    alice.send(&text_to("bob", 1, "before")).await;
    let first: CommSyncDl = alice.expect(Command::Sync).await;
    let mut idle = TcpStream::connect(town.emulator.addr()).await.unwrap();
    idle.write_all(b"GET /easemob/server.json HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(timeout(PATIENCE, idle.read(&mut [0; 4096])).await.unwrap().unwrap() > 0);

    // It would stay down for an hour; who ordered it has an answer, and everybody else none.
    assert_eq!(town.order("restart", &json!({ "ms": 3_600_000 })).await.json(), json!({ "n": 2 }));
    assert!(control.online(&"alice".into()).is_empty());
    for socket in [alice.socket, bob.socket] {
        let rest = timeout(PATIENCE, socket.collect::<Vec<_>>()).await.unwrap();
        assert!(
            !rest.iter().any(|last| matches!(last, Ok(Message::Close(_)))),
            "no word: {rest:?}"
        );
    }
    assert_ended(idle).await;
    assert_ended(TcpStream::connect(town.emulator.addr()).await.unwrap()).await;

    // The next restart takes no time.
    assert_eq!(control.restart(Duration::ZERO), 0);
    let mut bob = Client::login(&town.emulator, "bob").await;
    assert_eq!(bob.fetch("alice").await.id, first.server_id);
    let mut alice = Client::login(&town.emulator, "alice").await;
    alice.send(&text_to("bob", 1, "before")).await;
    let again: CommSyncDl = alice.expect(Command::Sync).await;
    assert_eq!(again.server_id, first.server_id, "what is sent again is known");
}

/// The connection ends, and nothing was said on it before.
async fn assert_ended(mut connection: TcpStream) {
    let mut said = Vec::new();
    // Cut with unread input, it ends with an error.
    drop(timeout(PATIENCE, connection.read_to_end(&mut said)).await.unwrap());
    assert!(said.is_empty(), "{} bytes", said.len());
}

#[tokio::test]
async fn what_waits_longer_than_queues_live_is_gone() {
    let clock = Arc::new(ManualClock::starting_at(1_785_000_000_000));
    let options = Options {
        offline_life: Duration::from_secs(60),
        clock: Arc::clone(&clock) as _,
        ..Options::default()
    };
    let town = Town::new(options).await;
    let mut alice = Client::login(&town.emulator, "alice").await;
    alice.send(&text_to("bob", 1, "old")).await;
    let _: CommSyncDl = alice.expect(Command::Sync).await;
    clock.advance(Duration::from_secs(61));
    alice.send(&text_to("bob", 2, "new")).await;
    let new: CommSyncDl = alice.expect(Command::Sync).await;
    town.emulator.control().sweep();
    let mut bob = Client::login(&town.emulator, "bob").await;
    assert_eq!(bob.fetch("alice").await.id, new.server_id);
}

#[tokio::test]
async fn orders_with_mistakes_are_refused() {
    let town = Town::new(Options::default()).await;
    for (order, body) in [
        ("delay", json!({ "user": "alice" })),
        ("fail", json!({ "status": 200 })),
        ("fail", json!({ "what": "everything" })),
        ("rate-limit", json!({})),
        ("rate-limit", json!({ "what": "thought", "per_second": 1 })),
        ("redirect", json!({ "host": "127.0.0.2" })),
        ("redirect", json!({ "host": "127.0.0.2", "port": 80, "what": "send" })),
        ("refuse", json!({ "what": "hope", "code": 1 })),
        ("stream", json!({ "from": "bob", "user": "alice" })),
        ("stream", json!({ "from": "bob", "pieces": [] })),
        ("stream", json!({ "from": "bob", "user": "alice", "pieces": [{ "seq": 0 }] })),
        ("stream", json!({ "from": "bob", "user": "alice", "pieces": [{ "status": "full" }] })),
    ] {
        assert_eq!(town.order(order, &body).await.status, 400, "{order}: {body}");
    }
    let order = json!({ "host": "127.0.0.2", "port": 8080 });
    assert_eq!(town.order("redirect", &order).await.json(), json!({ "n": 1 }));
    let token = &town.token;
    let (_, answer) = Client::provision(&town.emulator, "alice", token).await;
    let status = answer.status.unwrap();
    assert_eq!((status.error_code, status.redirect_info[0].port()), (Some(5), 8080));
    let alice = Client::login(&town.emulator, "alice").await;
    let order = json!({ "user": "alice" });
    assert_eq!(town.order("expire-session", &order).await.json(), json!({ "n": 1 }));
    drop(alice);
}

#[tokio::test]
async fn a_body_that_is_malformed_is_no_body_that_is_too_large() {
    let town = Town::new(Options::default()).await;
    let mut connection = TcpStream::connect(town.emulator.addr()).await.unwrap();
    let head = "POST /easebot/demo/token HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n";
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, connection.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("invalid_request_body") && answer.contains("duration"), "{answer}");
}

#[tokio::test]
async fn a_request_that_claims_four_gibibytes_is_refused_by_its_claim() {
    let town = Town::new(Options::default()).await;
    let mut stream = TcpStream::connect(town.emulator.addr()).await.unwrap();
    let head = "POST /easebot/demo/token HTTP/1.1\r\nhost: h\r\ncontent-length: 4294967296\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Not a byte of it comes, and the connection is of no more use.
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("a request has at most 1048576 bytes"), "{answer}");
}

/// The app's own server, which answers when it is told to.
struct Judge {
    listener: TcpListener,
}

impl Judge {
    async fn start() -> (Self, Options) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/asked", listener.local_addr().unwrap()).parse().unwrap();
        let callback = Callback { url, secret: Secret::new("sesame") };
        let rule = PreSend { callback, wait: PATIENCE, blocks_on_failure: true };
        let callbacks = Callbacks { pre_send: Some(rule), ..Callbacks::default() };
        (Self { listener }, Options { callbacks, ..Options::default() })
    }

    /// The text that is asked about next, and the connection that waits for the answer.
    async fn asked(&self) -> (String, TcpStream) {
        let (mut stream, _) = timeout(PATIENCE, self.listener.accept()).await.unwrap().unwrap();
        let mut request = Vec::new();
        loop {
            stream.read_buf(&mut request).await.unwrap();
            let head = request.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            let body = head.map(|end| &request[end + 4..]).unwrap_or_default();
            if let Ok(letter) = serde_json::from_slice::<Value>(body) {
                return (
                    letter["payload"]["bodies"][0]["msg"].as_str().unwrap().to_owned(),
                    stream,
                );
            }
        }
    }

    /// Nothing is asked at the moment.
    async fn assert_idle(&self) {
        tokio::select! {
            biased;
            _ = self.listener.accept() => panic!("something is asked too early"),
            () = std::future::ready(()) => {}
        }
    }
}

async fn pass(mut stream: TcpStream) {
    let body = r#"{"valid":true}"#;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_connection_is_served_while_the_apps_own_server_is_asked_and_its_messages_keep_their_order()
 {
    let (judge, options) = Judge::start().await;
    let town = Town::new(options).await;
    let mut alice = Client::login(&town.emulator, "alice").await;
    let mut bob = Client::login(&town.emulator, "bob").await;
    for (id, text) in [(1, "one"), (2, "two"), (3, "three")] {
        alice.send(&text_to("bob", id, text)).await;
    }
    let (text, first) = judge.asked().await;
    assert_eq!(text, "one");

    // She reads and asks meanwhile; nobody has got anything of hers, and nothing else is asked.
    alice.send(&frame(Command::Unread, &CommUnreadDl::default())).await;
    let unread: CommUnreadDl = alice.expect(Command::Unread).await;
    assert!(unread.unread.is_empty());
    judge.assert_idle().await;

    pass(first).await;
    for (id, next) in [(1, Some("two")), (2, Some("three")), (3, None)] {
        let answer: CommSyncDl = alice.expect(Command::Sync).await;
        assert_eq!((answer.meta_id, answer.status.unwrap().error_code), (Some(id), Some(0)));
        if let Some(next) = next {
            let (text, asked) = judge.asked().await;
            assert_eq!(text, next);
            pass(asked).await;
        }
    }
    let mut texts = Vec::new();
    for n in 0..3 {
        let meta = if n == 0 { bob.fetch("alice").await } else { bob.fetch_more().await };
        let body = MessageBody::decode(meta.payload.unwrap()).unwrap();
        texts.push(body.contents[0].text().to_owned());
    }
    assert_eq!(texts, ["one", "two", "three"]);
}

#[tokio::test]
async fn what_was_said_before_a_goodbye_is_taken_once_it_was_asked_about() {
    let (judge, options) = Judge::start().await;
    let town = Town::new(options).await;
    let mut alice = Client::login(&town.emulator, "alice").await;
    alice.send(&text_to("bob", 1, "one")).await;
    alice.send(&text_to("bob", 2, "two")).await;
    alice.socket.close(None).await.unwrap();
    for expected in ["one", "two"] {
        let (text, asked) = judge.asked().await;
        assert_eq!(text, expected);
        pass(asked).await;
    }
    // It ends its side when all is done.
    while timeout(PATIENCE, alice.socket.next()).await.unwrap().is_some() {}
    let mut bob = Client::login(&town.emulator, "bob").await;
    bob.fetch("alice").await;
    bob.fetch_more().await;
}

#[tokio::test]
async fn what_was_taken_is_told_once_however_long_the_answer_is() {
    let (judge, mut options) = Judge::start().await;
    let rule = options.callbacks.pre_send.take().unwrap();
    options.callbacks.post_send = Some(rule.callback);
    let town = Town::new(options).await;
    let mut alice = Client::login(&town.emulator, "alice").await;
    let _bob = Client::login(&town.emulator, "bob").await;
    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n";
    let long = format!("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{}", "x".repeat(5000));
    let mut open = Vec::new();
    for (id, text, answer) in [(1, "one", long.as_str()), (2, "two", endless), (3, "three", "")] {
        alice.send(&text_to("bob", id, text)).await;
        let (told, mut stream) = judge.asked().await;
        assert_eq!(told, text);
        stream.write_all(answer.as_bytes()).await.unwrap();
        open.push(stream);
    }
}

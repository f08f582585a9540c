//! Connections: login, messages, faults and orders, the end.

use std::{sync::Arc, time::Duration};

use easebot_emulator::{Clock as _, Emulator, ManualClock, Options, Whose, Wish};
use easebot_model::Kick;
use easebot_msync::schema::{
    CommNotice, CommSyncDl, CommUnreadDl, Logout, MessageBody, Provision, StatisticsBody,
    m_sync::Command,
};
use futures_util::{SinkExt as _, StreamExt as _};
use prost::Message as _;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;

use super::{Client, PATIENCE, app_token, http, start, start_with};
use crate::frames::{Pb, provision, pull, statistic, text, unread};

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
async fn every_one_of_a_thousand_frames_that_come_at_once_is_answered() {
    let emulator = start().await;
    let mut alice = Client::login(&emulator, "alice", "a").await;
    for id in 1..=1000 {
        alice.0.feed(Message::binary(text(id, "alice", "bob", "hi"))).await.unwrap();
    }
    alice.0.flush().await.unwrap();
    for id in 1..=1000 {
        let answer: CommSyncDl = alice.expect(Command::Sync).await;
        assert_eq!(answer.meta_id, Some(id), "in their order");
    }
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

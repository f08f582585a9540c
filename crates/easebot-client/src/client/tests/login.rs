use easebot_msync::{
    LoginRefusal,
    schema::{CommUnreadDl, Provision, RedirectInfo, Status, m_sync::Command},
};

use super::*;
use crate::testing::Up;

/// The server sends the client to `host`.
fn elsewhere(host: &str, port: Option<u32>) -> Status {
    let redirect_info = vec![RedirectInfo { host: Some(host.to_owned()), port }];
    Status { redirect_info, ..refusal(ErrorCode::Redirect, "") }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_accepted_brings_the_account_online() {
    let mut server = Server::new();
    let mut side = Side::of(&server);
    let mut peer = side.during(server.accept()).await;
    assert!(!side.client.is_online());
    let provision = side.during(peer.log_in()).await;
    assert_eq!(provision.resource(), "easebot_1");
    assert_eq!(provision.auth_token(), r#"{"token":"$t$TOK"}"#);
    side.connected().await;
    assert!(side.client.is_online());
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_ends_the_account_or_is_tried_again_by_its_meaning() {
    for refused in LoginRefusal::ALL {
        let mut server = Server::new();
        let mut side = Side::of(&server);
        let mut peer = side.during(server.accept()).await;
        let (code, words) = refused.wire();
        let status = refusal(code.try_into().unwrap(), words);
        side.during(async {
            peer.refuse_login(status).await;
            peer.closed().await;
        })
        .await;
        match refused.retry() {
            LoginRetry::Later => {
                let wait = side.waiting().await;
                assert!(wait.cause.starts_with(refused.as_str()), "{wait:?}");
                assert!(!wait.was_online);
                side.log_in(&mut server).await;
            }
            // The account has a fixed token, so there is no other one to try.
            LoginRetry::Never | LoginRetry::NewToken => {
                let reason = side.ended().await;
                assert!(matches!(reason, EndReason::Login { .. }), "{refused}: {reason:?}");
                assert!(server.is_idle(), "{refused}: it dialled again");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_without_an_answer_is_given_up_after_ten_seconds() {
    let mut server = Server::new();
    let mut side = Side::of(&server);
    let mut peer = side.during(server.accept()).await;
    let start = tokio::time::Instant::now();
    side.during(peer.closed()).await;
    assert_eq!(start.elapsed(), 10 * SECOND);
    assert_eq!(side.waiting().await.cause, "the login was not answered within 10 s");
}

#[tokio::test(start_paused = true)]
async fn five_redirections_in_a_row_are_followed_with_scheme_and_path_kept() {
    let mut server = Server::new();
    let mut side = Side::of(&server);
    for n in 1..=5 {
        let mut peer = side.during(server.accept()).await;
        let status = elsewhere(&format!("n{n}.example.org"), Some(1_000 + n));
        side.during(peer.refuse_login(status)).await;
    }
    let mut peer = side.during(server.accept()).await;
    assert_eq!(peer.url().as_str(), "ws://n5.example.org:1005/websocket");
    side.during(peer.log_in()).await;
    side.connected().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_redirects_without_end_is_left_and_asked_anew_later() {
    let mut server = Server::new();
    let mut side = Side::of(&server);
    let mut urls = Vec::new();
    for _ in 0..6 {
        let mut peer = side.during(server.accept()).await;
        urls.push(peer.url().host_str().unwrap().to_owned());
        side.during(peer.refuse_login(elsewhere("loop.example.org", None))).await;
    }
    assert_eq!(urls[0], "im.example.org");
    assert!(urls[1..].iter().all(|host| host == "loop.example.org"));
    let wait = side.waiting().await;
    assert_eq!(wait.cause, "the server redirects without end or to no usable host");

    // The next attempt begins at the first server, and may be redirected like any other.
    let mut peer = side.during(server.accept()).await;
    assert_eq!(peer.url().host_str(), Some("im.example.org"));
    side.during(peer.refuse_login(elsewhere("good.example.org", None))).await;
    let mut peer = side.during(server.accept()).await;
    assert_eq!(peer.url().host_str(), Some("good.example.org"));
    side.during(peer.log_in()).await;
    side.connected().await;
}

#[tokio::test(start_paused = true)]
async fn a_redirection_names_a_host_and_a_port_if_it_is_another() {
    let table = [
        ("n1.example.org", None, Some("ws://n1.example.org:6717/websocket")),
        ("n1.example.org", Some(80), Some("ws://n1.example.org/websocket")),
        ("192.0.2.7", None, Some("ws://192.0.2.7:6717/websocket")),
        ("2001:db8::7", Some(81), Some("ws://[2001:db8::7]:81/websocket")),
        ("[2001:db8::7]", None, Some("ws://[2001:db8::7]:6717/websocket")),
        ("192.0.2.7:81", None, None),
        ("http://n1.example.org", None, None),
        ("n1.example.org/path", None, None),
    ];
    for (host, port, expected) in table {
        let mut server = Server::new();
        let mut side = Side::of(&server);
        let mut peer = side.during(server.accept()).await;
        side.during(peer.refuse_login(elsewhere("first.example.org", Some(6717)))).await;
        let mut peer = side.during(server.accept()).await;
        side.during(peer.refuse_login(elsewhere(host, port))).await;
        match expected {
            Some(url) => assert_eq!(side.during(server.accept()).await.url().as_str(), url),
            None => assert_eq!(
                side.waiting().await.cause,
                "the server redirects without end or to no usable host",
                "{host}"
            ),
        }
    }
}

/// The answer to the first question of an account that is online: go elsewhere.
async fn send_on(peer: &mut Peer, host: &str) {
    let status = Some(elsewhere(host, None));
    peer.down(Command::Unread, &CommUnreadDl { status, ..CommUnreadDl::default() }).await;
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_sends_on_whoever_is_online_is_left_after_five_times_too() {
    let mut server = Server::new();
    let mut side = Side::of(&server);
    for n in 1..=6 {
        let mut peer = side.during(server.log_in()).await;
        side.connected().await;
        side.during(send_on(&mut peer, "loop.example.org")).await;
        let wait = side.waiting().await;
        assert!(wait.was_online, "{n}");
        let expected = match n {
            6 => "the server redirects without end or to no usable host",
            _ => "the server sends the account to another host",
        };
        assert_eq!((wait.cause.as_str(), wait.after.is_zero()), (expected, n < 6), "{n}");
    }
    let peer = side.log_in(&mut server).await;
    assert_eq!(peer.url().host_str(), Some("im.example.org"), "it begins anew");
}

#[tokio::test(start_paused = true)]
async fn a_server_may_send_on_an_account_now_and_then_for_ever() {
    let mut server = Server::new();
    let mut side = Side::of(&server);
    for n in 1..=12 {
        let mut peer = side.log_in(&mut server).await;
        side.during(async {
            sleep(Backoff::STABLE).await;
            send_on(&mut peer, "next.example.org").await;
        })
        .await;
        assert_eq!(
            side.waiting().await.cause,
            "the server sends the account to another host",
            "{n}"
        );
        // The host that is named refuses, and names the one that takes it.
        let mut peer = side.during(server.accept()).await;
        side.during(peer.refuse_login(elsewhere("last.example.org", None))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn having_been_online_for_long_excuses_one_redirection_and_not_a_loop() {
    let mut server = Server::new();
    let mut side = Side::of(&server);
    let mut peer = side.log_in(&mut server).await;
    side.during(async {
        sleep(Backoff::STABLE).await;
        send_on(&mut peer, "loop.example.org").await;
    })
    .await;
    assert!(side.waiting().await.was_online);
    for _ in 0..5 {
        let mut peer = side.during(server.accept()).await;
        side.during(peer.refuse_login(elsewhere("loop.example.org", None))).await;
    }
    let wait = side.waiting().await;
    assert_eq!(wait.cause, "the server redirects without end or to no usable host");
}

#[tokio::test(start_paused = true)]
async fn after_a_redirection_to_a_dead_host_the_first_server_is_asked_again() {
    let mut server = Server::new();
    let mut side = Side::of(&server);
    let mut peer = side.during(server.accept()).await;
    side.during(peer.refuse_login(elsewhere("dead.example.org", None))).await;
    let dead = side.during(server.accept()).await;
    drop(dead);
    assert_eq!(side.waiting().await.cause, "the connection broke: broken pipe");
    let peer = side.log_in(&mut server).await;
    assert_eq!(peer.url().host_str(), Some("im.example.org"));
}

#[tokio::test(start_paused = true)]
async fn a_fixed_token_that_ends_while_online_ends_the_account() {
    let mut server = Server::new();
    let mut side = Side::of(&server);
    let mut peer = side.during(server.accept()).await;
    side.during(async {
        assert!(matches!(peer.read().await, Up::Provision(_)));
        let provision = Provision {
            status: Some(Status::default()),
            auth_token: Some(r#"{"expires_in":1700000000000}"#.to_owned()),
            ..Provision::default()
        };
        peer.down(Command::Provision, &provision).await;
        assert_eq!(peer.read().await, Up::Unread);
        let unread = CommUnreadDl { timestamp: Some(1_700_000_000_000), ..CommUnreadDl::default() };
        peer.down(Command::Unread, &unread).await;
        peer.closed().await;
    })
    .await;
    side.connected().await;
    let wait = side.waiting().await;
    assert_eq!((wait.cause.as_str(), wait.was_online), ("the token has ended", true));
    let reason = side.ended().await;
    assert!(matches!(reason, EndReason::Token { source: TokenError::FixedTokenEnded }));
}

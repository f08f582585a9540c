//! What needs a token server: on loopback, in real time.

use easebot_msync::schema::{CommUnreadDl, Provision, Status, m_sync::Command};

use super::*;
use crate::{
    Endpoint,
    rest::testing::{Reply, Script},
    testing::Up,
};

/// An account with a password, whose tokens come from `tokens`.
fn account(server: &Server, tokens: &Script) -> Account {
    let mut account = server.account("concierge");
    account.credentials = Credentials::Password(Secret::new("hunter2"));
    match &mut account.endpoint {
        Endpoint::Hosts { rest, .. } => *rest = tokens.url().into(),
        other => panic!("{other:?}"),
    }
    account
}

fn token(name: &str) -> Reply {
    Reply::json(200, &format!(r#"{{"access_token":"{name}","expires_in":600}}"#))
}

/// The token of the login that comes next, which is refused.
async fn refused_token(peer: &mut Peer) -> String {
    let status = refusal(ErrorCode::Fail, "Sorry, token expired");
    peer.refuse_login(status).await.auth_token().to_owned()
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_with_the_help_of_the_password() {
    let tokens = Script::of(vec![token("t1"), token("t2")]).await;
    let mut server = Server::new();
    let mut side = Side::with(account(&server, &tokens));
    let mut peer = side.during(server.accept()).await;
    assert_eq!(side.during(refused_token(&mut peer)).await, r#"{"token":"$t$t1"}"#);
    let mut peer = side.during(server.accept()).await;
    let provision = side.during(peer.log_in()).await;
    assert_eq!(provision.auth_token(), r#"{"token":"$t$t2"}"#);
    side.connected().await;
    assert_eq!(tokens.requests().len(), 2);
}

#[tokio::test]
async fn the_login_with_a_new_token_takes_a_turn_of_its_own() {
    let tokens = Script::of(vec![token("t1"), token("t2")]).await;
    let mut server = Server::new();
    let mut account = account(&server, &tokens);
    let logins = Logins::per_second(10);
    account.network = account.network.with_logins(logins.clone());
    let start = tokio::time::Instant::now();
    let mut side = Side::with(account);
    let mut peer = side.during(server.accept()).await;
    side.during(refused_token(&mut peer)).await;
    side.during(server.accept()).await;
    let third = logins.turn().unwrap();
    assert!(third >= start + Duration::from_millis(200), "{:?}", third - start);
}

#[tokio::test]
async fn two_refused_tokens_in_a_row_end_the_account() {
    let tokens = Script::of(vec![token("t1"), token("t2"), token("t3")]).await;
    let mut server = Server::new();
    let mut side = Side::with(account(&server, &tokens));
    for _ in 0..2 {
        let mut peer = side.during(server.accept()).await;
        side.during(refused_token(&mut peer)).await;
    }
    let event = side.next().await;
    assert!(matches!(event, ClientEvent::Ended(EndReason::Login { .. })), "{event:?}");
    assert_eq!(tokens.requests().len(), 2, "no third token");
    assert!(server.is_idle());
}

#[tokio::test]
async fn a_wrong_password_ends_the_account() {
    let refused =
        Reply::json(400, r#"{"error":"invalid_grant","error_description":"invalid password"}"#);
    let tokens = Script::of(vec![refused]).await;
    let server = Server::new();
    let mut side = Side::with(account(&server, &tokens));
    let event = side.next().await;
    assert!(
        matches!(event, ClientEvent::Ended(EndReason::Token { source: TokenError::WrongPassword })),
        "{event:?}"
    );
    assert!(server.is_idle());
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_used_on_and_asked_for_again_after_a_pause() {
    let busy = || Reply::json(503, "{}");
    let tokens = Script::of(vec![token("t1"), busy(), busy(), busy()]).await;
    let mut server = Server::new();
    let mut side = Side::with(account(&server, &tokens));
    let mut peer = side.log_in(&mut server).await;
    let due = side.client.renew_at().unwrap();
    assert!(due > now().at + 400 * SECOND);

    tokio::time::pause();
    tokio::time::advance(due - now().at + SECOND).await;
    tokio::time::resume();
    while tokens.requests().len() < 2 || side.client.renewal.is_some() {
        side.during(tokio::task::yield_now()).await;
    }
    assert!(side.client.renew_at().unwrap() > now().at + RENEW_PAUSE - SECOND);
    assert!(side.client.renewal.is_none());
    side.say(1, "still here");
    side.during(peer.said_and_acked()).await;
    assert_eq!(side.settled().await, (1, Ok(())));
    assert_eq!(tokens.requests().len(), 2);
}

#[tokio::test]
async fn a_link_outlives_its_tokens_whatever_our_own_clock_shows() {
    /// The server's clock is in the year 2001.
    const START_MS: u64 = 1_000_000_000_000;
    let tokens = Script::of(vec![token("t1"), token("t2"), token("t3"), token("t4")]).await;
    let mut server = Server::new();
    let mut side = Side::with(account(&server, &tokens));
    let at = |secs: u64| CommUnreadDl {
        timestamp: Some(START_MS + 1_000 * secs),
        ..CommUnreadDl::default()
    };
    let mut peer = side.during(server.accept()).await;
    side.during(async {
        assert!(matches!(peer.read().await, Up::Provision(_)));
        let auth_token = Some(format!(r#"{{"expires_in":{}}}"#, START_MS + 600_000));
        let status = Some(Status::default());
        peer.down(Command::Provision, &Provision { status, auth_token, ..Provision::default() })
            .await;
        assert_eq!(peer.read().await, Up::Unread);
        peer.down(Command::Unread, &at(0)).await;
    })
    .await;
    side.connected().await;
    // What is there counts as a sign of life when it is read, and this is no test of that.
    side.during(tokio::task::yield_now()).await;
    for n_renewed in 1..=3 {
        tokio::time::pause();
        tokio::time::advance(481 * SECOND).await;
        tokio::time::resume();
        while tokens.requests().len() < 1 + n_renewed || side.client.renewal.is_some() {
            side.during(tokio::task::yield_now()).await;
        }
        side.during(async {
            assert_eq!(peer.read().await, Up::Unread);
            // The token before has ended by now, but for the first time.
            peer.down(Command::Unread, &at(481 * n_renewed as u64)).await;
        })
        .await;
        side.say(n_renewed as u64, "still here");
        side.during(peer.said_and_acked()).await;
        // The first token was in its last fifth.
        side.told.retain(|told| !matches!(told, ClientEvent::Event(event) if matches!(**event, Event::TokenEnding { .. })));
        assert_eq!(side.settled().await, (n_renewed as u64, Ok(())));
    }
    assert_eq!(tokens.requests().len(), 4);
    assert!(side.client.is_online() && server.is_idle());
}

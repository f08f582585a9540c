use easebot_msync::schema::{Logout, m_sync::Command};
use tokio::time::Instant;

use super::*;
use crate::testing::Up;

#[tokio::test(start_paused = true)]
async fn a_logout_is_said_and_the_link_closed() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    side.say(1, "one");
    side.client.log_out(5 * SECOND);
    let start = Instant::now();
    side.during(async {
        assert!(matches!(peer.read().await, Up::Message(_)), "what was said before leaves before");
        match peer.read().await {
            Up::Logout(logout) => assert_eq!(logout.reason(), "inner:logout"),
            other => panic!("{other:?}"),
        }
        peer.down(Command::Logout, &Logout::default()).await;
        peer.closed().await;
        peer.close().await;
    })
    .await;
    assert_eq!(side.settled().await, (1, Err(SendError::LinkLost)));
    assert!(matches!(side.ended().await, EndReason::LoggedOut));
    assert!(start.elapsed() < 101 * SECOND, "{:?}", start.elapsed());
    assert!(server.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_logout_takes_its_patience_and_two_seconds_at_most() {
    let mut server = Server::new();
    let (mut side, peer) = Side::online(&mut server).await;
    side.client.log_out(5 * SECOND);
    let start = Instant::now();
    let event = side.next().await;
    assert!(matches!(event, ClientEvent::Ended(EndReason::LoggedOut)), "{event:?}");
    assert!((5 * SECOND..=7 * SECOND).contains(&start.elapsed()), "{:?}", start.elapsed());
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_a_logout_by_closing_is_not_dialled_again() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    side.client.log_out(5 * SECOND);
    side.during(async {
        assert!(matches!(peer.read().await, Up::Logout(_)));
        peer.close().await;
    })
    .await;
    assert!(matches!(side.ended().await, EndReason::LoggedOut));
    assert!(server.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_full_does_not_hold_up_the_logout() {
    let mut server = Server::with_pipe(256);
    let (mut side, peer) = Side::online(&mut server).await;
    for id in 1..=20 {
        side.say(id, &"x".repeat(2_000));
    }
    side.client.log_out(5 * SECOND);
    let start = Instant::now();
    for id in 1..=20 {
        assert_eq!(side.settled().await, (id, Err(SendError::LinkLost)));
    }
    let event = side.next().await;
    assert!(matches!(event, ClientEvent::Ended(EndReason::LoggedOut)), "{event:?}");
    assert!(start.elapsed() <= 7 * SECOND, "{:?}", start.elapsed());
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_not_online_leaves_at_once() {
    let mut server = Server::new();
    let mut opening = Side::of(&server);
    opening.client.log_out(5 * SECOND);
    assert!(matches!(opening.ended().await, EndReason::LoggedOut));

    let (mut waiting, peer) = Side::online(&mut server).await;
    drop(peer);
    waiting.waiting().await;
    waiting.client.log_out(5 * SECOND);
    assert!(matches!(waiting.ended().await, EndReason::LoggedOut));
    assert!(server.is_idle());
}

use bytes::Bytes;
use easebot_model::Kick;
use easebot_msync::{
    Refusal,
    schema::{MSync, statistics_body::Operation},
};
use futures_util::SinkExt;
use prost::Message as _;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::testing::{Up, kick, text};

#[tokio::test(start_paused = true)]
async fn a_batch_is_acknowledged_when_it_is_released_and_not_before() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    side.during(peer.text("bob", 7, "hi")).await;
    let batch = side.batch().await;
    assert_eq!(ids(&batch), [7]);
    side.during(peer.silence(60 * SECOND)).await;
    assert!(peer.released().is_empty());

    side.client.release(&batch.cursor.unwrap());
    side.during(peer.until_released("bob", 7)).await;
    assert_eq!(peer.released(), [("bob".to_owned(), 7)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_released_comes_as_new_on_the_next_link() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    side.during(peer.text("bob", 7, "hi")).await;
    let first = side.batch().await;
    drop(peer);
    assert!(side.waiting().await.was_online);

    let mut peer = side.log_in(&mut server).await;
    side.during(peer.text("bob", 7, "hi")).await;
    let again = side.batch().await;
    assert_eq!(ids(&again), [7]);
    side.client.release(&first.cursor.unwrap());
    side.during(peer.silence(SECOND)).await;
    assert!(peer.released().is_empty(), "a cursor of the lost link means nothing");
    side.client.release(&again.cursor.unwrap());
    side.during(peer.until_released("bob", 7)).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_link_is_opened_again_with_the_same_device() {
    let mut server = Server::new();
    let mut side = Side::of(&server);
    let mut peer = side.during(server.accept()).await;
    let first = side.during(peer.log_in()).await;
    side.connected().await;
    side.during(peer.close()).await;
    let wait = side.waiting().await;
    assert_eq!((wait.cause.as_str(), wait.attempt), ("the server closed the connection", 1));
    assert!(wait.was_online && !side.client.is_online());

    let start = Instant::now();
    let mut peer = side.during(server.accept()).await;
    assert!(start.elapsed().abs_diff(wait.after) <= Duration::from_millis(1));
    let second = side.during(peer.log_in()).await;
    assert_eq!(
        (second.resource, second.device_uuid, second.device_name),
        (first.resource, first.device_uuid, first.device_name)
    );
    side.connected().await;
}

#[tokio::test(start_paused = true)]
async fn the_waits_grow_until_the_link_has_stayed_up_for_a_while() {
    let mut server = Server::new();
    let mut side = Side::of(&server);
    for attempt in 1..=5 {
        drop(side.during(server.accept()).await);
        let wait = side.waiting().await;
        assert_eq!(wait.attempt, attempt);
        assert!((SECOND..=SECOND * 2_u32.pow(attempt)).contains(&wait.after), "{wait:?}");
    }
    // Up, but not for long enough to count.
    let mut peer = side.log_in(&mut server).await;
    side.during(peer.silence(29 * SECOND)).await;
    drop(peer);
    assert_eq!(side.waiting().await.attempt, 6);
    let mut peer = side.log_in(&mut server).await;
    side.during(peer.silence(30 * SECOND)).await;
    drop(peer);
    assert_eq!(side.waiting().await.attempt, 1);
}

#[tokio::test(start_paused = true)]
async fn a_kick_ends_the_account_behind_the_events_that_came_with_it() {
    for (operation, expected) in [
        (Operation::UserRemoved, Kick::UserRemoved),
        (Operation::UserLoginAnotherDevice, Kick::LoggedInElsewhere),
        (Operation::UserKickedByChangePassword, Kick::PasswordChanged),
        (Operation::UserKickedByOtherDevice, Kick::KickedByOther),
    ] {
        let mut server = Server::new();
        let (mut side, mut peer) = Side::online(&mut server).await;
        let metas = vec![text("bob", 7, "hi"), kick(operation, "from the console")];
        side.during(peer.batch(user("bob"), metas, 7)).await;
        assert_eq!(ids(&side.batch().await), [7]);
        match side.ended().await {
            EndReason::Kicked { kick, reason } => {
                assert_eq!((kick, reason.as_deref()), (expected, Some("from the console")));
            }
            other => panic!("{other:?}"),
        }
        assert!(server.is_idle(), "it dialled again");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_probed_after_30_seconds_and_ends_the_link_after_45() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    let start = Instant::now();
    assert_eq!(side.during(peer.read()).await, Up::Unread);
    assert_eq!(start.elapsed(), 30 * SECOND);
    side.during(peer.closed()).await;
    assert_eq!(start.elapsed(), 45 * SECOND);
    assert_eq!(side.waiting().await.cause, "no sign of life within 45 s");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_the_probes_keeps_the_link() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    side.during(peer.silence(3_600 * SECOND)).await;
    assert!(side.client.is_online() && side.told.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_malformed_frame_is_skipped() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    side.during(async {
        peer.bytes(Bytes::from_static(b"\x1a\xffHUSHHUSH")).await;
        peer.text("bob", 7, "hi").await;
    })
    .await;
    assert_eq!(ids(&side.batch().await), [7]);
    assert!(side.told.is_empty() && side.client.is_online());
}

#[tokio::test(start_paused = true)]
async fn what_came_before_the_link_ended_is_told_however_late_it_is_looked_at() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    // The owner does something else meanwhile, or the machine sleeps.
    peer.last(user("bob"), vec![text("bob", 7, "hi")]).await;
    let kicked = kick(Operation::UserLoginAnotherDevice, "a phone");
    peer.last(user("concierge"), vec![kicked]).await;
    drop(peer);
    tokio::time::advance(60 * SECOND).await;
    assert_eq!(ids(&side.batch().await), [7]);
    let end = side.ended().await;
    assert!(matches!(end, EndReason::Kicked { kick: Kick::LoggedInElsewhere, .. }), "{end:?}");
    assert!(server.is_idle(), "it dialled again");
}

#[tokio::test(start_paused = true)]
async fn a_kick_counts_when_the_link_is_found_closed_by_writing() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    side.say(1, "one");
    let kicked = kick(Operation::UserLoginAnotherDevice, "a phone");
    peer.last(user("concierge"), vec![kicked]).await;
    drop(peer);
    assert_eq!(side.settled().await, (1, Err(SendError::LinkLost)));
    let end = side.ended().await;
    assert!(matches!(end, EndReason::Kicked { kick: Kick::LoggedInElsewhere, .. }), "{end:?}");
    assert!(server.is_idle(), "it dialled again");
}

#[tokio::test(start_paused = true)]
async fn a_frame_of_a_later_protocol_is_skipped() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    let frame = MSync { command: Some(9), payload: Some(Bytes::new()), ..MSync::default() };
    side.during(peer.bytes(frame.encode_to_vec().into())).await;
    side.during(peer.text("bob", 7, "hi")).await;
    assert_eq!(ids(&side.batch().await), [7]);
    assert!(side.told.is_empty() && side.client.is_online());
}

#[tokio::test(start_paused = true)]
async fn a_text_frame_is_skipped() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    side.during(async {
        peer.stream().send(Message::text("hello")).await.unwrap();
        peer.text("bob", 7, "hi").await;
    })
    .await;
    assert_eq!(ids(&side.batch().await), [7]);
    assert!(side.client.is_online());
}

#[tokio::test(start_paused = true)]
async fn a_send_is_settled_by_the_answer_of_the_server() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    side.say(1, "one");
    side.say(2, "two");
    side.during(async {
        for expected in [(1, "one"), (2, "two")] {
            let said = peer.said().await;
            assert_eq!(
                (said.id, said.what.as_str(), said.to.as_str()),
                (expected.0, expected.1, "bob")
            );
        }
        peer.refuse(2, refusal(ErrorCode::PermissionDenied, "traffic limit")).await;
        peer.ack(1).await;
    })
    .await;
    let (id, refused) = side.settled().await;
    assert_eq!(id, 2);
    assert!(
        matches!(refused, Err(SendError::Refused { refusal: Refusal::TrafficLimit, .. })),
        "{refused:?}"
    );
    assert_eq!(side.settled().await, (1, Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_send_without_an_answer_is_settled_and_ends_the_link() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    side.say(1, "one");
    side.during(peer.closed()).await;
    assert_eq!(side.settled().await, (1, Err(SendError::TimedOut { after: 15 * SECOND })));
    assert_eq!(side.waiting().await.cause, "a send was not acknowledged within 15 s");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_counts_however_late_it_is_looked_at() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    side.say(1, "one");
    side.during(peer.said()).await;
    // The owner does something else meanwhile, or the machine sleeps.
    peer.text("bob", 7, "hello").await;
    peer.ack(1).await;
    tokio::time::advance(60 * SECOND).await;
    assert_eq!(ids(&side.batch().await), [7]);
    assert_eq!(side.settled().await, (1, Ok(())));
    side.during(peer.silence(100 * SECOND)).await;
    assert!(side.client.is_online() && side.told.is_empty());
}

#[tokio::test(start_paused = true)]
async fn sends_without_an_answer_are_settled_as_lost_with_the_link() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    side.say(1, "one");
    side.say(2, "two");
    side.during(peer.said()).await;
    drop(peer);
    assert_eq!(side.settled().await, (1, Err(SendError::LinkLost)));
    assert_eq!(side.settled().await, (2, Err(SendError::LinkLost)));
    side.waiting().await;
    let outgoing = Outgoing::text(Conversation::user("bob"), "three");
    assert_eq!(side.client.send(ClientMessageId(3), &outgoing), Err(SendError::NotOnline));
}

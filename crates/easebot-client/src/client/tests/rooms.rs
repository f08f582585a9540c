use easebot_model::Act;

use super::*;

/// A client that is to be in `rooms`, and is online.
async fn online(server: &mut Server, rooms: &[&str]) -> (Side, Peer) {
    let mut side = Side::of(server);
    side.client.stay_in(rooms.iter().map(|room| RoomId::new(*room)));
    let peer = side.log_in(server).await;
    (side, peer)
}

/// The next join; gives its id.
async fn join(side: &mut Side, peer: &mut Peer, room: &str) -> u64 {
    let said = side.during(peer.said()).await;
    assert_eq!((said.what.as_str(), said.to.as_str()), ("<join>", room));
    said.id
}

#[tokio::test(start_paused = true)]
async fn rooms_are_joined_before_anything_is_said_and_nobody_is_told() {
    let mut server = Server::new();
    let (mut side, mut peer) = online(&mut server, &["r1", "r2"]).await;
    side.say(1, "one");
    let ids = [join(&mut side, &mut peer, "r1").await, join(&mut side, &mut peer, "r2").await];
    assert_ne!(ids[0], ids[1]);
    side.during(async {
        assert_eq!(peer.said_and_acked().await.what, "one");
        for id in ids {
            peer.ack(id).await;
        }
    })
    .await;
    assert_eq!(side.settled().await, (1, Ok(())));
    side.during(peer.silence(1000 * SECOND)).await;
    assert!(side.told.is_empty(), "{:?}", side.told);
}

#[tokio::test(start_paused = true)]
async fn rooms_are_joined_with_every_login_and_so_are_those_that_were_joined_besides() {
    let mut server = Server::new();
    let (mut side, mut peer) = online(&mut server, &["r1", "r2"]).await;
    for room in ["r1", "r2"] {
        let id = join(&mut side, &mut peer, room).await;
        side.during(peer.ack(id)).await;
    }
    let act = |act| Outgoing { to: Conversation::room("r0"), act };
    let other = act(Act::JoinRoom { ext: "hi".to_owned(), leave_others: false });
    side.client.send(ClientMessageId(1), &other).unwrap();
    assert_eq!(join(&mut side, &mut peer, "r0").await, 1);
    side.during(peer.ack(1)).await;
    assert_eq!(side.settled().await, (1, Ok(())));
    let left = Outgoing { to: Conversation::room("r2"), act: Act::LeaveRoom };
    side.client.send(ClientMessageId(2), &left).unwrap();
    assert_eq!(side.during(peer.said_and_acked()).await.what, "<leave>");
    assert_eq!(side.settled().await, (2, Ok(())));
    drop(peer);
    side.waiting().await;
    let mut peer = side.log_in(&mut server).await;
    for room in ["r0", "r1", "r2"] {
        join(&mut side, &mut peer, room).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_that_refuses_is_asked_again_after_five_minutes_for_as_long_as_it_does() {
    let mut server = Server::new();
    let (mut side, mut peer) = online(&mut server, &["r1", "r2"]).await;
    let first = join(&mut side, &mut peer, "r1").await;
    let second = join(&mut side, &mut peer, "r2").await;
    side.during(async {
        peer.ack(first).await;
        peer.refuse(second, refusal(ErrorCode::PermissionDenied, "blocked")).await;
        peer.silence(299 * SECOND).await;
    })
    .await;
    let third = join(&mut side, &mut peer, "r2").await;
    assert_ne!(second, third);
    side.during(async {
        peer.refuse(third, refusal(ErrorCode::PermissionDenied, "blocked")).await;
        peer.silence(299 * SECOND).await;
    })
    .await;
    let fourth = join(&mut side, &mut peer, "r2").await;
    side.during(async {
        peer.ack(fourth).await;
        peer.silence(1000 * SECOND).await;
    })
    .await;
    assert!(side.told.is_empty(), "{:?}", side.told);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_was_joined_besides_is_not_given_up_because_the_server_is_busy() {
    let mut server = Server::new();
    let (mut side, mut peer) = Side::online(&mut server).await;
    side.client.send(ClientMessageId(1), &Outgoing::join_room("r0")).unwrap();
    side.during(peer.said_and_acked()).await;
    drop(peer);
    side.settled().await.1.unwrap();
    side.waiting().await;
    let mut peer = side.log_in(&mut server).await;
    let id = join(&mut side, &mut peer, "r0").await;
    side.during(async {
        peer.refuse(id, refusal(ErrorCode::PermissionDenied, "traffic limit")).await;
        peer.silence(9 * SECOND).await;
    })
    .await;
    let id = join(&mut side, &mut peer, "r0").await;
    side.during(peer.refuse(id, refusal(ErrorCode::PermissionDenied, "traffic limit"))).await;
    drop(peer);
    side.waiting().await;
    let mut peer = side.log_in(&mut server).await;
    let id = join(&mut side, &mut peer, "r0").await;
    side.during(async {
        peer.refuse(id, refusal(ErrorCode::PermissionDenied, "blocked")).await;
        peer.silence(1000 * SECOND).await;
    })
    .await;
}

use std::collections::HashMap;

use easebot_client::testing::{ErrorCode, refusal};

use super::*;
use crate::Pace;

/// A bot whose pace is `pace`, and online.
async fn paced(pace: Option<Pace>) -> (Stage, Peer) {
    let mut stage = Stage::with(&memory(), BotOptions { pace, ..options() }, vec![]).await;
    let peer = stage.server.log_in().await;
    (stage, peer)
}

async fn send(stage: &Stage, to: Conversation, text: &str) {
    stage.handle.send("concierge", None, Outgoing::text(to, text)).await.unwrap();
}

async fn send_bulk(stage: &Stage, to: Conversation, text: &str) {
    stage.handle.send_bulk("concierge", None, Outgoing::text(to, text)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn messages_to_groups_leave_at_the_documented_pace_and_hold_up_no_user() {
    let (stage, mut peer) = paced(Some(Pace::default())).await;
    for n in 0..20 {
        send(&stage, Conversation::group(n.to_string()), "hello").await;
    }
    send(&stage, Conversation::user("bob"), "hello").await;
    let start = Instant::now();
    let mut to_groups_ms = Vec::new();
    for _ in 0..21 {
        let said = peer.said_and_acked().await;
        match said.to.as_str() {
            "bob" => assert!(start.elapsed() < SECOND / 100, "{:?}", start.elapsed()),
            _ => to_groups_ms.push(start.elapsed().as_millis()),
        }
    }
    assert_eq!(to_groups_ms[..4], [0, 0, 56, 112], "two at once, then 18 a second");
    assert_eq!(to_groups_ms.last(), Some(&1_000), "never more than 20 in a second");
}

#[tokio::test(start_paused = true)]
async fn conversations_that_wait_for_the_pace_take_turns() {
    let (stage, mut peer) = paced(Some(Pace::default())).await;
    for group in ["1", "2", "3"] {
        for text in ["one", "two", "three"] {
            send(&stage, Conversation::group(group), text).await;
        }
    }
    for round in ["one", "two", "three"] {
        for group in ["1", "2", "3"] {
            assert_eq!(words(&peer.said_and_acked().await), (group, round));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_pace_everything_leaves_at_once() {
    let (stage, mut peer) = paced(None).await;
    for n in 0..200 {
        send(&stage, Conversation::group(n.to_string()), "hello").await;
    }
    let start = Instant::now();
    for _ in 0..200 {
        peer.said_and_acked().await;
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_sending_too_fast_slows_down_the_other_conversations_of_the_kind() {
    let (stage, mut peer) = paced(Some(Pace::default())).await;
    send(&stage, Conversation::user("ann"), "hello").await;
    let said = peer.said().await;
    peer.refuse(said.id, refusal(ErrorCode::PermissionDenied, "traffic limit")).await;
    peer.silence(SECOND / 10).await;
    let start = Instant::now();
    send(&stage, Conversation::user("bob"), "hello").await;
    send(&stage, Conversation::group("1"), "hello").await;
    assert_eq!(peer.said_and_acked().await.to, "1");
    assert_eq!(start.elapsed(), Duration::ZERO);
    let (one, other) = (peer.said_and_acked().await, peer.said_and_acked().await);
    assert_eq!([one.to, other.to], ["bob", "ann"]);
    assert!(start.elapsed() > SECOND * 9 / 10, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_bots_of_an_app_share_its_pace() {
    let mut servers = HashMap::new();
    let mut specs = Vec::new();
    for name in ["one", "two"] {
        let server = Server::new();
        let spec = BotSpec {
            name: name.to_owned(),
            account: server.account(name),
            plugins: vec![],
            options: options(),
        };
        servers.insert(name, server);
        specs.push(spec);
    }
    let options = RuntimeOptions::new(memory());
    let runtime = Runtime::start(options, specs).await.unwrap();
    let handle = runtime.handle();
    let mut peers = Vec::new();
    for name in ["one", "two"] {
        peers.push(servers.get_mut(name).unwrap().log_in().await);
    }
    for name in ["one", "two"] {
        for n in 0..10 {
            let hello = Outgoing::text(Conversation::group(n.to_string()), "hello");
            handle.send(name, None, hello).await.unwrap();
        }
    }
    let start = Instant::now();
    let all = peers.iter_mut().map(async |peer| {
        for _ in 0..10 {
            peer.said_and_acked().await;
        }
    });
    futures_util::future::join_all(all).await;
    let took = start.elapsed();
    assert!(took > SECOND * 9 / 10 && took < SECOND * 11 / 10, "20 messages took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_overtakes_bulk_of_its_own_and_of_other_conversations() {
    let (stage, mut peer) = paced(Some(Pace::default())).await;
    for text in ["news 1", "news 2", "news 3"] {
        send_bulk(&stage, Conversation::user("bob"), text).await;
    }
    let first = peer.said().await;
    send(&stage, Conversation::user("bob"), "answer").await;
    peer.ack(first.id).await;
    for expected in ["answer", "news 2", "news 3"] {
        assert_eq!(peer.said_and_acked().await.what, expected);
    }
    for n in 0..10 {
        send_bulk(&stage, Conversation::group(n.to_string()), "news").await;
    }
    send(&stage, Conversation::group("99"), "answer").await;
    let mut at = None;
    for n in 0..11 {
        if peer.said_and_acked().await.what == "answer" {
            at = Some(n);
        }
    }
    assert_eq!(at, Some(2), "two were gone before it was asked for");
}

#[tokio::test(start_paused = true)]
async fn bulk_is_said_though_answers_never_cease() {
    let (stage, mut peer) = paced(None).await;
    send(&stage, Conversation::user("bob"), "answer").await;
    send_bulk(&stage, Conversation::user("bob"), "news").await;
    for n_answers in 0.. {
        let said = peer.said().await;
        if said.what == "news" {
            assert_eq!(n_answers, 8);
            return;
        }
        send(&stage, Conversation::user("bob"), "answer").await;
        peer.ack(said.id).await;
    }
}

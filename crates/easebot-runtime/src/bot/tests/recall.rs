//! What was said is taken back.

use easebot_client::testing::{ErrorCode, refusal};
use easebot_plugin::{SendError, TakenBack};
use easebot_store::{Listing, Shelf, Which};

use super::*;
use crate::{OutboxLimits, SendOutsideError};

async fn recall(stage: &Stage, key: &str) -> Result<TakenBack, SendOutsideError> {
    soon(stage.handle.recall("concierge", key)).await
}

async fn is_nothing_left(stage: &Stage) -> bool {
    let (shelf, which) = (Shelf::Outbox, Which::All);
    let listing = Listing { shelf, which, account: None, after: None, limit: 9 };
    stage.store.items(listing).await.unwrap().is_empty()
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_not_said_any_more_and_its_ticket_says_so() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    stage.send(None, "bob", "one").await;
    let two = stage.send(Some("two"), "bob", "two").await;
    let one = peer.said().await;
    assert_eq!(recall(&stage, "two").await, Ok(TakenBack::new(1, 0)));
    assert_eq!(soon(two.receipt()).await, Err(SendError::Cancelled));
    assert_eq!(recall(&stage, "two").await, Ok(TakenBack::new(0, 0)), "twice is no error");
    peer.ack(one.id).await;
    peer.silence(5 * SECOND).await;
    soon(stage.handle.settled()).await;
    assert!(is_nothing_left(&stage).await);
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_is_recalled_once_also_by_a_later_run() {
    let store = memory();
    let mut stage = Stage::start(&store, vec![]).await;
    let mut peer = stage.server.log_in().await;
    let ticket = stage.send(Some("one"), "bob", "one").await;
    peer.said_and_acked().await;
    soon(ticket.receipt()).await.unwrap();
    drop((stage, peer));

    let mut stage = Stage::start(&store, vec![]).await;
    let mut peer = stage.server.log_in().await;
    let (taken, said) = tokio::join!(recall(&stage, "one"), peer.said_and_acked());
    assert_eq!(words(&said), ("bob", "<recalled 1000000001>"));
    assert_eq!(taken, Ok(TakenBack::new(0, 1)));
    assert_eq!(recall(&stage, "one").await, Ok(TakenBack::new(0, 1)));
    peer.silence(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_is_recalled_once_the_server_has_it() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    stage.send(Some("one"), "bob", "one").await;
    let one = peer.said().await;
    let server = async {
        peer.silence(5 * SECOND).await;
        peer.ack(one.id).await;
        peer.said_and_acked().await
    };
    let (taken, said) = tokio::join!(recall(&stage, "one"), server);
    assert_eq!(said.what, "<recalled 1000000001>");
    assert_eq!(taken, Ok(TakenBack::new(0, 1)));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_on_its_way_needs_no_recall() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    stage.send(Some("one"), "bob", "one").await;
    let one = peer.said().await;
    let server = async {
        peer.silence(SECOND).await;
        peer.refuse(one.id, refusal(ErrorCode::Fail, "blocked")).await;
    };
    let (taken, ()) = tokio::join!(recall(&stage, "one"), server);
    assert_eq!(taken, Ok(TakenBack::new(0, 0)));
    peer.silence(5 * SECOND).await;
    assert_eq!(recall(&stage, "one").await, Ok(TakenBack::new(1, 0)), "no operator says it again");
    assert!(is_nothing_left(&stage).await);
}

#[tokio::test(start_paused = true)]
async fn of_what_the_server_may_have_got_over_a_lost_link_the_answer_is_waited_for() {
    let (mut stage, mut peer) = Stage::online(vec![]).await;
    stage.send(Some("one"), "bob", "one").await;
    let lost = peer.said().await;
    drop(peer);
    let handle = stage.handle.clone();
    let server = async {
        let mut peer = stage.server.log_in().await;
        assert_eq!(peer.said_and_acked().await, lost);
        peer.said_and_acked().await
    };
    let (taken, said) =
        soon(async { tokio::join!(handle.recall("concierge", "one"), server) }).await;
    assert_eq!(said.what, "<recalled 1000000001>");
    assert_eq!(taken, Ok(TakenBack::new(0, 1)));
}

#[tokio::test(start_paused = true)]
async fn of_a_text_in_parts_all_are_taken_back() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    let long: String = (0..1_000).map(|n| format!("Sentence {n}. ")).collect();
    stage.send(Some("story"), "bob", &long).await;
    peer.said_and_acked().await;
    let second = peer.said().await;
    let server = async {
        peer.silence(SECOND).await;
        peer.ack(second.id).await;
        [peer.said_and_acked().await.what, peer.said_and_acked().await.what]
    };
    let (taken, said) = tokio::join!(recall(&stage, "story"), server);
    assert_eq!(said, ["<recalled 1000000001>", "<recalled 1000000002>"]);
    assert_eq!(taken, Ok(TakenBack::new(1, 2)));
    peer.silence(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_takes_back_what_it_said() {
    let (told, mut tellings) = tokio::sync::mpsc::channel(2);
    let fickle = on_text("fickle", move |_, cx: Context| {
        let told = told.clone();
        async move {
            let (first, second) = (cx.reply("first").await?, cx.reply("second").await?);
            told.send(cx.recall(second).await).await?;
            told.send(cx.recall(first).await).await?;
            Ok(Flow::Continue)
        }
    });
    let (_stage, mut peer) = Stage::online(vec![fickle]).await;
    peer.text("bob", 1, "go").await;
    let first = peer.said().await;
    assert_eq!(first.what, "first");
    assert_eq!(soon(tellings.recv()).await, Some(Ok(TakenBack::new(1, 0))));
    peer.ack(first.id).await;
    assert_eq!(peer.said_and_acked().await.what, "<recalled 1000000001>");
    assert_eq!(soon(tellings.recv()).await, Some(Ok(TakenBack::new(0, 1))));
    peer.silence(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_in_memory_is_taken_back_as_well() {
    let outbox = OutboxLimits { n_rows: 1, ..OutboxLimits::default() };
    let mut stage = Stage::with(&memory(), BotOptions { outbox, ..options() }, vec![]).await;
    stage.send(None, "bob", "one").await;
    let two = stage.send(Some("two"), "bob", "two").await;
    stage.send(None, "bob", "three").await;
    assert_eq!(recall(&stage, "two").await, Ok(TakenBack::new(1, 0)));
    assert_eq!(soon(two.receipt()).await, Err(SendError::Cancelled));
    let mut peer = stage.server.log_in().await;
    assert_eq!(peer.said_and_acked().await.what, "one");
    assert_eq!(peer.said_and_acked().await.what, "three");
    soon(stage.handle.settled()).await;
}

#[tokio::test(start_paused = true)]
async fn a_recall_that_fails_says_why() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    let unknown = Err(SendOutsideError::Send(SendError::NothingSaid));
    assert_eq!(recall(&stage, "never").await, unknown);
    stage.send(Some("one"), "bob", "one").await;
    peer.said_and_acked().await;
    let server = async {
        let said = peer.said().await;
        peer.refuse(said.id, refusal(ErrorCode::Fail, "recall is disabled")).await;
    };
    let (taken, ()) = tokio::join!(recall(&stage, "one"), server);
    assert!(
        matches!(&taken, Err(SendOutsideError::Send(SendError::Refused { reason })) if reason.contains("recall is disabled")),
        "{taken:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_said_is_known_by_its_key_once_the_server_has_it_and_is_said_all_the_same() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    stage.send(Some("one"), "bob", "one").await;
    stage.send(Some("two"), "bob", "two").await;
    let one = peer.said().await;
    let asked = |key: &str| stage.handle.said("concierge", key.to_owned());
    let server = async {
        peer.silence(5 * SECOND).await;
        peer.ack(one.id).await;
        peer.said_and_acked().await
    };
    let (first, second, said) = tokio::join!(soon(asked("one")), soon(asked("two")), server);
    assert_eq!(said.what, "two", "who only asks takes nothing back");
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(first.len() == 1 && second.len() == 1 && first != second, "{first:?} {second:?}");
    assert_eq!(soon(asked("one")).await, Ok(first), "it is known later, too");
    let unknown = Err(SendOutsideError::Send(SendError::NothingSaid));
    assert_eq!(soon(asked("three")).await, unknown);
    assert!(is_nothing_left(&stage).await);
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_counts_as_not_said_and_stays_for_the_operator() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    let ticket = stage.send(Some("one"), "bob", "one").await;
    let one = peer.said().await;
    peer.refuse(one.id, refusal(ErrorCode::Fail, "blocked")).await;
    soon(ticket.receipt()).await.unwrap_err();
    let asked = soon(stage.handle.said("concierge", "one".to_owned())).await;
    assert_eq!(asked, Err(SendOutsideError::Send(SendError::NothingSaid)));
    assert!(!is_nothing_left(&stage).await);
}

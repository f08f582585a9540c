use easebot_client::testing::{ErrorCode, refusal};
use easebot_model::Draft;
use easebot_plugin::SendError;

use super::*;
use crate::{InDoubt, SendOutsideError};

/// Says three things at once.
fn chatty() -> Arc<dyn Plugin> {
    on_text("chatty", async |_, cx: Context| {
        for text in ["one", "two", "three"] {
            cx.reply(text).await?;
        }
        Ok(Flow::Continue)
    })
}

#[tokio::test(start_paused = true)]
async fn a_conversation_gets_one_thing_at_a_time_and_in_order() {
    let (_stage, mut peer) = Stage::online(vec![chatty()]).await;
    peer.text("bob", 1, "go").await;
    for expected in ["one", "two", "three"] {
        let said = peer.said().await;
        assert_eq!(said.what, expected);
        peer.silence(5 * SECOND).await;
        peer.ack(said.id).await;
    }
    peer.silence(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_waits_for_its_answer_holds_up_no_other() {
    let (_stage, mut peer) = Stage::online(vec![chatty()]).await;
    peer.text("bob", 1, "go").await;
    let to_bob = peer.said().await;
    peer.text("ann", 2, "go").await;
    for expected in ["one", "two", "three"] {
        assert_eq!(words(&peer.said_and_acked().await), ("ann", expected));
    }
    peer.ack(to_bob.id).await;
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "two"));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_now_is_said_again_in_its_place() {
    let (stage, mut peer) = Stage::online(vec![chatty()]).await;
    peer.text("bob", 1, "go").await;
    let mut first = peer.said().await;
    for at_least in [1, 1, 2, 4] {
        let refused = Instant::now();
        peer.refuse(first.id, refusal(ErrorCode::PermissionDenied, "traffic limit")).await;
        let again = peer.said().await;
        assert_eq!(again, first, "the same, under the same id");
        assert_eq!(refused.elapsed().as_secs(), at_least);
        first = again;
    }
    peer.ack(first.id).await;
    assert_eq!(peer.said_and_acked().await.what, "two");
    assert_eq!(peer.said_and_acked().await.what, "three");
    assert!(stage.dead().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_good_is_kept_as_a_dead_letter_and_the_next_one_goes() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    let first = stage.send(None, "bob", "first").await;
    let second = stage.send(None, "bob", "second").await;
    let said = peer.said().await;
    assert_eq!(said.what, "first");
    peer.refuse(said.id, refusal(ErrorCode::Fail, "blocked")).await;
    assert_eq!(peer.said_and_acked().await.what, "second");
    let reason = "the receiver blocks the sender (code 1: blocked)".to_owned();
    assert_eq!(soon(first.receipt()).await, Err(SendError::Refused { reason: reason.clone() }));
    assert!(soon(second.receipt()).await.is_ok());
    let dead = stage.dead().await;
    assert_eq!(dead.iter().map(|letter| &letter.reason).collect::<Vec<_>>(), [&reason]);
}

#[tokio::test(start_paused = true)]
async fn what_was_on_its_way_when_the_link_broke_is_said_again_under_the_same_id() {
    let (mut stage, mut peer) = Stage::online(vec![chatty()]).await;
    peer.text("bob", 1, "go").await;
    let lost = peer.said().await;
    drop(peer);
    let mut peer = stage.server.log_in().await;
    assert_eq!(peer.said_and_acked().await, lost);
    assert_eq!(peer.said_and_acked().await.what, "two");
    assert_eq!(peer.said_and_acked().await.what, "three");
    peer.silence(60 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_said_while_offline_waits_for_the_link() {
    let mut stage = Stage::start(&memory(), vec![]).await;
    let ticket = stage.send(None, "bob", "hello").await;
    let mut peer = stage.server.log_in().await;
    assert_eq!(peer.said_and_acked().await.what, "hello");
    assert!(soon(ticket.receipt()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn under_one_key_a_thing_is_said_once_and_everyone_learns_how_it_went() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    let first = stage.send(Some("greeting"), "bob", "hello").await;
    let second = stage.send(Some("greeting"), "bob", "hello").await;
    let other = stage.send(Some("farewell"), "bob", "goodbye").await;
    assert_eq!(peer.said_and_acked().await.what, "hello");
    let receipt = soon(first.receipt()).await.unwrap();
    assert_eq!(soon(second.receipt()).await.unwrap(), receipt);
    assert_eq!(peer.said_and_acked().await.what, "goodbye");
    soon(other.receipt()).await.unwrap();

    let late = stage.send(Some("greeting"), "bob", "hello").await;
    let late = soon(late.receipt()).await.unwrap();
    assert_eq!((late.message, late.client_id), (receipt.message, receipt.client_id));
    peer.silence(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_key_each_thing_is_said() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    stage.send(None, "bob", "hello").await;
    stage.send(None, "bob", "hello").await;
    let (one, two) = (peer.said_and_acked().await, peer.said_and_acked().await);
    assert_eq!((one.what.as_str(), two.what.as_str()), ("hello", "hello"));
    assert_ne!(one.id, two.id);
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_sent_is_refused_at_once() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    let long = Outgoing::text(Conversation::user("bob"), "x".repeat(200_000));
    let refused = stage.handle.send("concierge", None, long).await.map(drop);
    assert!(
        matches!(&refused, Err(SendOutsideError::Send(SendError::Refused { reason })) if reason.contains("the limit is 20")),
        "{refused:?}"
    );
    let hello = Outgoing::text(Conversation::user("bob"), "hello");
    let unknown = stage.handle.send("nobody", None, hello).await.map(drop);
    assert_eq!(unknown, Err(SendOutsideError::UnknownBot { bot: "nobody".to_owned() }));
    peer.silence(SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_bot_is_settled_when_the_server_has_everything() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    soon(stage.handle.settled()).await;
    stage.send(None, "bob", "hello").await;
    let handle = stage.handle.clone();
    let mut settled = std::pin::pin!(handle.settled());
    let waited = tokio::time::timeout(5 * SECOND, &mut settled).await;
    assert!(waited.is_err(), "the server has not acknowledged it");
    assert_eq!(handle.activity("concierge").unwrap().n_unsent, 1);
    peer.said_and_acked().await;
    soon(settled).await;
    let activity = handle.activity("concierge").unwrap();
    assert_eq!((activity.n_unsent, activity.n_sent), (0, 1));
}

/// Longer than two messages and shorter than three.
fn long_text() -> String {
    (0..1_000).map(|n| format!("Sentence {n}. ")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_long_text_is_said_in_parts_and_its_ticket_is_about_all_of_them() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    let ticket = stage.send(None, "bob", &long_text()).await;
    let mut said = String::new();
    let mut n_parts = 0;
    while said.len() < long_text().len() {
        let part = peer.said_and_acked().await;
        assert!(part.what.ends_with(". "), "cut behind a sentence");
        said.push_str(&part.what);
        n_parts += 1;
    }
    assert_eq!((said, n_parts), (long_text(), 3));
    assert_eq!(soon(ticket.receipt()).await.unwrap().message.0, 1_000_000_003, "of the last one");
}

#[tokio::test(start_paused = true)]
async fn a_ticket_of_several_parts_fails_with_the_first_failure() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    let ticket = stage.send(None, "bob", &long_text()).await;
    peer.said_and_acked().await;
    let second = peer.said().await;
    peer.refuse(second.id, refusal(ErrorCode::Fail, "blocked")).await;
    let failed = soon(ticket.receipt()).await;
    assert!(matches!(failed, Err(SendError::Refused { .. })), "{failed:?}");
    peer.said_and_acked().await;
}

#[tokio::test(start_paused = true)]
async fn under_one_key_each_part_is_said_once() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    for _ in 0..2 {
        stage.send(Some("story"), "bob", &long_text()).await;
    }
    for _ in 0..3 {
        peer.said_and_acked().await;
    }
    peer.silence(5 * SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_run_again_says_each_part_of_its_answer_once() {
    let talker = on_text("talker", async |_, cx: Context| {
        cx.reply(long_text()).await?;
        Ok(Flow::Continue)
    });
    let (_stage, mut peer) = Stage::online(vec![talker]).await;
    peer.text("bob", 1, "go").await;
    for _ in 0..3 {
        peer.said_and_acked().await;
    }
    peer.text("bob", 1, "go").await;
    peer.silence(5 * SECOND).await;
}

async fn holding(store: &Arc<dyn Store>) -> (Stage, Peer) {
    let options = BotOptions { in_doubt: InDoubt::Hold, ..options() };
    let mut stage = Stage::with(store, options, vec![]).await;
    let peer = stage.server.log_in().await;
    (stage, peer)
}

#[tokio::test(start_paused = true)]
async fn a_send_in_doubt_is_held_for_the_operator_and_the_next_one_goes() {
    let (mut stage, mut peer) = holding(&memory()).await;
    let ticket = stage.send(None, "bob", "first").await;
    stage.send(None, "bob", "second").await;
    assert_eq!(peer.said().await.what, "first");
    drop(peer);
    let mut peer = stage.server.log_in().await;
    assert_eq!(peer.said_and_acked().await.what, "second");
    peer.silence(60 * SECOND).await;
    let reason = "the connection ended before the server answered".to_owned();
    assert_eq!(soon(ticket.receipt()).await, Err(SendError::InDoubt { reason: reason.clone() }));
    let dead = stage.dead().await;
    let reasons: Vec<_> = dead.iter().map(|letter| letter.reason.as_str()).collect();
    assert_eq!(reasons, [format!("it is held: {reason}")]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_now_is_no_doubt_and_is_repeated() {
    let (stage, mut peer) = holding(&memory()).await;
    stage.send(None, "bob", "hello").await;
    let said = peer.said().await;
    peer.refuse(said.id, refusal(ErrorCode::PermissionDenied, "traffic limit")).await;
    assert_eq!(peer.said_and_acked().await, said);
    assert!(stage.dead().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_written_when_the_process_was_killed_is_held_and_what_was_not_is_said() {
    let store = memory();
    let (stage, mut peer) = holding(&store).await;
    stage.send(None, "bob", "first").await;
    stage.send(None, "bob", "second").await;
    assert_eq!(peer.said().await.what, "first");
    let unsent = store.unsent(&account(), None, 10).await.unwrap();
    let tried: Vec<_> = unsent.iter().map(|row| row.was_tried).collect();
    assert_eq!(tried, [true, false], "saved before it was written");
    drop((stage, peer));

    let (stage, mut peer) = holding(&store).await;
    assert_eq!(peer.said_and_acked().await.what, "second");
    peer.silence(60 * SECOND).await;
    let dead = stage.dead().await;
    let reasons: Vec<_> = dead.iter().map(|letter| letter.reason.as_str()).collect();
    assert_eq!(reasons, ["it is held: the process ended before the server answered"]);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_a_dead_letter_and_holds_up_nothing() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut tickets = Vec::new();
    for path in [folder.path().join("gone.png"), folder.path().to_owned()] {
        let image = Outgoing::message(Conversation::user("bob"), Draft::image(path));
        tickets.push(stage.handle.send("concierge", None, image).await.unwrap());
    }
    stage.send(None, "bob", "next").await;
    assert_eq!(peer.said_and_acked().await.what, "next");
    for ticket in tickets {
        let failed = soon(ticket.receipt()).await;
        assert!(matches!(failed, Err(SendError::Refused { .. })), "{failed:?}");
    }
    soon(stage.handle.settled()).await;
    let dead = stage.dead().await;
    assert_eq!(dead.len(), 2);
    assert!(dead.iter().all(|letter| letter.reason.contains("cannot read the file")), "{dead:?}");
}

#[tokio::test]
async fn a_text_is_said_in_the_place_of_a_file_that_is_not_there() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    let folder = tempfile::tempdir().unwrap();
    let image = |text: &str| {
        let draft = Draft::image(folder.path().join("gone.png")).or_say(text);
        Outgoing::message(Conversation::user("bob"), draft)
    };
    let ticket = stage.handle.send("concierge", None, image("see example.org")).await.unwrap();
    stage.send(None, "bob", "next").await;
    let instead = peer.said_and_acked().await;
    assert_eq!(words(&instead), ("bob", "see example.org"), "in its place in the order");
    assert_eq!(peer.said_and_acked().await.what, "next");
    assert_eq!(soon(ticket.receipt()).await.unwrap().client_id.0, instead.id);
    assert_eq!(stage.dead().await, []);

    // It has the limits of every text, and is checked before anything goes up.
    let refused = stage.handle.send("concierge", None, image(&"x".repeat(6_000))).await;
    assert!(refused.is_err(), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn the_later_parts_of_a_text_are_said_though_one_of_them_was_given_up() {
    let (stage, mut peer) = Stage::online(vec![]).await;
    let ticket = stage.send(None, "bob", &long_text()).await;
    let first = peer.said_and_acked().await.what;
    let second = peer.said().await;
    peer.refuse(second.id, refusal(ErrorCode::Fail, "blocked")).await;
    let third = peer.said_and_acked().await.what;
    assert_eq!([first, second.what, third].concat(), long_text());
    assert!(soon(ticket.receipt()).await.is_err());
    // Only the part that failed waits for the operator.
    peer.silence(SECOND).await;
    assert_eq!(stage.dead().await.len(), 1);
}

//! What the bot says for its endpoint.

use easebot_model::Act;
use easebot_plugin::{SendError, testing::Said};

use super::*;

fn texts(said: &[Said]) -> Vec<(String, String)> {
    let read = |said: &Said| {
        let Act::Message(draft) = &said.outgoing.act else { panic!("{said:?}") };
        (said.outgoing.to.to_string(), draft.body.as_text().unwrap_or_default().to_owned())
    };
    said.iter().map(read).collect()
}

fn pair(to: &str, text: &str) -> (String, String) {
    (to.to_owned(), text.to_owned())
}

#[tokio::test(start_paused = true)]
async fn the_bot_says_what_the_endpoint_answers() {
    let answer = r#"{"replies":[{"text":"hello"},{"text":"psst","to":"group:7"},{"text":"no","to":"user:eve"},{"txt":"?"},{"text":"bye"}]}"#;
    let endpoint = Endpoint::new(move |_, _| Say::Json(answer));
    let mut stage = Stage::open("allowed = ['group:7']", endpoint.clone()).await;
    stage.text("ann", "hi").await.unwrap();
    stage.until_saved((0, 0)).await;
    let said = stage.bench.said();
    let expected = [pair("user:ann", "hello"), pair("group:7", "psst"), pair("user:ann", "bye")];
    assert_eq!(texts(&said), expected);
    let id = endpoint.got(1).await[0].id.clone();
    let key = format!("{id}/4/text");
    assert_eq!(
        said[2].key,
        Some(key),
        "as it has always been, so that a restart says nothing twice"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_could_not_be_saved_is_asked_for_again_and_said_once() {
    let endpoint =
        Endpoint::new(|_, _| Say::Json(r#"{"replies":[{"text":"one"},{"text":"two"}]}"#));
    let mut stage = Stage::open("", endpoint.clone()).await;
    stage.bench.refuse(Some(SendError::NotSaved));
    stage.text("ann", "hi").await.unwrap();
    endpoint.got(1).await;
    while stage.saved().await.values().any(|delivery| delivery.last.is_none()) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(stage.bench.said().is_empty());
    stage.bench.refuse(None);
    stage.until_saved((0, 0)).await;
    let said = texts(&stage.bench.said());
    assert_eq!(said, [pair("user:ann", "one"), pair("user:ann", "two")]);

    // A crash before it was noted that the endpoint has it: the same again.
    stage.n_messages -= 1;
    stage.text("ann", "hi").await.unwrap();
    endpoint.got(3).await;
    stage.until_saved((0, 0)).await;
    assert!(stage.bench.said().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_none_of_ours_changes_nothing() {
    let answers = ["ok", "{\"replies\":7}", "{\"ok\":true}", "[]", "{"];
    let endpoint = Endpoint::new(move |_, n| Say::Json(answers[n]));
    let mut stage = Stage::open("", endpoint.clone()).await;
    for _ in answers {
        stage.text("ann", "hi").await.unwrap();
    }
    endpoint.got(answers.len()).await;
    stage.until_saved((0, 0)).await;
    assert!(stage.bench.said().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_can_never_be_sent_is_left_out() {
    let endpoint = Endpoint::new(|_, _| Say::Json(r#"{"replies":[{"text":"hello"}]}"#));
    let mut stage = Stage::open("", endpoint.clone()).await;
    stage.bench.refuse(Some(SendError::Refused { reason: "too long".to_owned() }));
    stage.text("ann", "hi").await.unwrap();
    stage.until_saved((0, 0)).await;
    assert_eq!(endpoint.got(1).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_replies_the_bot_says_nothing() {
    let endpoint = Endpoint::new(|_, _| Say::Json(r#"{"replies":[{"text":"hello"}]}"#));
    let mut stage = Stage::open("replies = false", endpoint.clone()).await;
    stage.text("ann", "hi").await.unwrap();
    endpoint.got(1).await;
    stage.until_saved((0, 0)).await;
    assert!(stage.bench.said().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_bot_says_is_posted_where_that_is_asked_for_and_not_answered() {
    let endpoint = Endpoint::new(|_, _| Say::Json(r#"{"replies":[{"text":"hello"}]}"#));
    let silent = Stage::open("", endpoint.clone()).await;
    let stage = Stage::open("said = true", endpoint.clone()).await;
    let (place, time) = (Conversation::user("ann"), Timestamp(1));
    let said = Message::new(MessageId(1), place, UserId::new("concierge"), time, "hi".into());
    let said = Event::Message(Box::new(said));
    for stage in [&silent, &stage] {
        stage.bench.event_said(&*stage.plugin, &said).await.unwrap();
    }
    let got = endpoint.got(1).await;
    assert_eq!(
        (&got[0].body["said"], &got[0].body["message"]["from"]),
        (&true.into(), &"concierge".into())
    );
    stage.until_saved((0, 0)).await;
    assert!(stage.bench.said().is_empty());
    assert_eq!(endpoint.got(1).await.len(), 1, "once, by the one that asks");
}

#[tokio::test(start_paused = true)]
async fn what_another_bot_answers_is_posted_and_not_answered() {
    let endpoint = Endpoint::new(|_, _| Say::Json(r#"{"replies":[{"text":"hello"}]}"#));
    let stage = Stage::open("", endpoint.clone()).await;
    assert!(stage.plugin.interest().is_answering());
    let (place, time) = (Conversation::group("7"), Timestamp(1));
    let event = Message::new(MessageId(1), place, UserId::new("ann"), time, "hi".into());
    let event = Event::Message(Box::new(event));
    stage.bench.event_of_another(&*stage.plugin, &event).await.unwrap();
    assert_eq!(endpoint.texts(1).await, ["hi"]);
    stage.until_saved((0, 0)).await;
    assert!(stage.bench.said().is_empty());
    let silent = Stage::open("replies = false", endpoint).await;
    assert!(!silent.plugin.interest().is_answering());
}

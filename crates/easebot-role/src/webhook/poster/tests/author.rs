//! What an author says, and what the role makes of it.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_an_author_makes_of_an_event_is_posted_and_what_the_answer_means_is_said() {
    let mut stage = Stage::open(Posting::default(), |_, _| (200, "done")).await;
    assert_eq!(stage.text("ann", "psst").await.unwrap().flow, Flow::Continue);
    assert_eq!(stage.text("ann", "buy milk").await.unwrap().flow, Flow::Continue);
    let got = &stage.server.got(1).await[0];
    assert_eq!((got.request.url.as_str(), got.text()), ("https://a.b/", "buy milk"));
    for (name, expected) in [
        ("content-type", "text/plain"),
        ("x-from", "ann"),
        ("x-key", "of the app"),
        ("authorization", "Bearer letmein"),
        ("webhook-timestamp", "1800000000"),
        // HMAC-SHA256 of "buy milk" under "key".
        ("x-sign", "v0=f8fc7305f9318243dc3d2fb77773dac804f9cbd8c15b98f24f359435bb4c3440"),
    ] {
        assert_eq!(got.header(name), Some(expected), "{name}");
    }
    assert!(got.header("webhook-id").unwrap().starts_with("evt_"));
    assert!(got.header("webhook-signature").unwrap().starts_with("v1,"));
    stage.until_saved(0, 0).await;
    let expected = [pair("reply/0", "done"), pair("reply/1", "that was all")];
    assert_eq!(stage.said(), expected);
}

#[tokio::test(start_paused = true)]
async fn an_event_may_be_kept_and_may_go_elsewhere() {
    let mut stage = Stage::open(Posting::default(), |_, _| (204, "")).await;
    assert_eq!(stage.text("ann", "mine!").await.unwrap().flow, Flow::Stop);
    stage.text("ann", "elsewhere").await.unwrap();
    let got = stage.server.got(2).await;
    assert_eq!(got[1].request.url.as_str(), "https://c.d/e");
    stage.until_saved(0, 0).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_of_no_conversation_is_posted_and_has_no_reply() {
    let stage = Stage::open(Posting::default(), |_, _| (200, "done")).await;
    stage.bench.event(&*stage.plugin, &Event::OfflineSyncFinished).await.unwrap();
    assert_eq!(stage.server.texts(1).await, ["\"concierge\""]);
    stage.until_saved(0, 0).await;
    assert_eq!(stage.said(), []);
}

#[tokio::test(start_paused = true)]
async fn each_try_is_prepared_anew() {
    let posting = Posting { retries: secs(&[5, 5]), ..Posting::default() };
    let say: Say = |_, n| (if n == 0 { 503 } else { 200 }, "");
    let mut stage = Stage::open(posting, say).await;
    stage.text("ann", "no token yet").await.unwrap();
    let got = stage.server.got(2).await;
    let tries: Vec<_> = got.iter().map(|got| got.header("x-try").unwrap()).collect();
    assert_eq!(tries, ["2", "3"], "without a token nothing is posted");
    stage.text("ann", "no token ever").await.unwrap();
    let dead = stage.until_saved(0, 1).await;
    let last = dead[0].last.as_ref().unwrap();
    assert_eq!((dead[0].n_tries, last.status, last.reason.as_str()), (1, None, "no token"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_say_that_the_event_was_not_taken() {
    let say: Say = |got, n| match (got.text(), n) {
        ("bad", _) => (200, "never"),
        (_, 0) => (200, "not now"),
        _ => (200, "done"),
    };
    let mut stage = Stage::open(Posting::default(), say).await;
    stage.text("ann", "good").await.unwrap();
    stage.text("bob", "bad").await.unwrap();
    let dead = stage.until_saved(0, 1).await;
    let last = dead[0].last.as_ref().unwrap();
    let expected = (1, Some(200), "the server says never");
    assert_eq!((dead[0].n_tries, last.status, last.reason.as_str()), expected);
    assert_eq!(stage.server.texts(3).await, ["good", "bad", "good"]);
    assert_eq!(stage.said().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_author_who_panics_or_never_returns_loses_that_event_alone() {
    let posting = Posting { retries: Vec::new(), parallel: 1, ..Posting::default() };
    let say: Say = |got, _| match got.text() {
        "1" => (200, "panic"),
        "2" => (200, "wait"),
        _ => (200, "done"),
    };
    let mut stage = Stage::open(posting, say).await;
    for text in ["1", "2", "3"] {
        stage.text("ann", text).await.unwrap();
    }
    let dead = stage.until_saved(0, 2).await;
    let reasons: Vec<_> = dead.iter().map(|dead| &*dead.last.as_ref().unwrap().reason).collect();
    assert_eq!(reasons, ["`answered` panicked", "`answered` took longer than 900 s"]);
    assert_eq!(stage.said().len(), 2, "of the third");
}

#[tokio::test(start_paused = true)]
async fn what_another_bot_answers_is_posted_and_its_answer_not_looked_at() {
    let mut stage = Stage::open(Posting::default(), |_, _| (200, "panic")).await;
    let message = stage.message("ann", "hi");
    stage.bench.event_of_another(&*stage.plugin, &message).await.unwrap();
    assert_eq!(stage.server.texts(1).await, ["hi"]);
    stage.until_saved(0, 0).await;
}

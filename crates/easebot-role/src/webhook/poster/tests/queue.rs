//! What is saved and in which order it goes.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_waits_outlives_the_process_in_its_order_and_with_all_that_belongs_to_it() {
    let server = Server::new(|_, _| (204, ""));
    let mut stage = Stage::closed(Bench::new(), Posting::default(), server.clone()).await;
    let texts: Vec<String> = (0..250).map(|n| n.to_string()).collect();
    for text in &texts {
        stage.text("ann", text).await.unwrap();
    }
    stage.text("ann", "elsewhere").await.unwrap();
    assert_eq!(stage.plugin.poster.n_waiting(), 251);
    let bench = stage.bench.clone();
    drop(stage);
    let mut stage = Stage::closed(bench, Posting::default(), server).await;
    stage.run();
    let got = stage.server.got(251).await;
    assert_eq!(got.iter().take(250).map(Got::text).collect::<Vec<_>>(), texts);
    let last = got.last().unwrap();
    assert_eq!(last.request.url.as_str(), "https://c.d/e");
    assert_eq!(
        (last.header("content-type"), last.header("x-from")),
        (Some("text/plain"), Some("ann"))
    );
    stage.until_saved(0, 0).await;
    assert_eq!(stage.plugin.poster.n_waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_version_before_has_saved_is_posted() {
    let server = Server::new(|_, _| (204, ""));
    let mut stage = Stage::closed(Bench::new(), Posting::default(), server).await;
    let saved = serde_json::json!({
        "id": "evt_7", "seq": 7, "time": 5, "conversation": "user:ann", "body": "hi",
        "n_tries": 2, "due": 5, "last": { "time": 6, "status": 503, "reason": "it failed" },
    });
    stage.env.shelf().save("webhook-out/queue/evt_7", &saved).await.unwrap();
    stage.run();
    let got = &stage.server.got(1).await[0];
    assert_eq!((got.text(), got.header("webhook-id")), ("hi", Some("evt_7")));
    stage.until_saved(0, 0).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_conversation_one_is_on_its_way_and_others_do_not_wait_for_it() {
    let posting = Posting { retries: secs(&[20, 20]), ..Posting::default() };
    let say: Say = |got, n| (if got.text() == "1" && n < 2 { 501 } else { 204 }, "");
    let mut stage = Stage::open(posting, say).await;
    for (from, text) in [("ann", "1"), ("ann", "2"), ("bob", "a"), ("bob", "b")] {
        stage.text(from, text).await.unwrap();
    }
    let mut texts = stage.server.texts(5).await;
    assert_eq!(texts.pop().as_deref(), Some("2"), "its conversation has waited");
    assert_eq!(texts.pop().as_deref(), Some("1"));
    texts.sort();
    assert_eq!(texts, ["1", "a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn waits_are_those_of_the_plan_and_then_it_is_a_dead_letter_that_can_be_posted_again() {
    let posting = Posting { retries: secs(&[5, 300]), ..Posting::default() };
    let mut stage = Stage::open(posting, |_, n| (if n < 3 { 500 } else { 204 }, "")).await;
    stage.text("ann", "hi").await.unwrap();
    let dead = stage.until_saved(0, 1).await.remove(0);
    let got = stage.server.got(3).await;
    for (pair, planned) in got.windows(2).zip(secs(&[5, 300])) {
        let wait = pair[1].at - pair[0].at;
        assert!(wait >= planned && wait <= planned.mul_f64(1.2) + secs(&[1])[0], "{wait:?}");
        assert_eq!(pair[0].header("webhook-id"), pair[1].header("webhook-id"));
    }
    assert_eq!((dead.n_tries, dead.last.as_ref().unwrap().status), (3, Some(500)));
    let again = shelf::again(&dead.id);
    stage.env.shelf().change([(shelf::dead(&dead), None), (again, Some(dead))]).await.unwrap();
    assert_eq!(stage.server.texts(4).await, ["hi"; 4]);
    stage.until_saved(0, 0).await;
}

#[tokio::test(start_paused = true)]
async fn when_too_many_wait_a_further_one_is_a_dead_letter_of_the_inbox() {
    let posting = Posting { queue: 2, ..Posting::default() };
    let mut stage = Stage::closed(Bench::new(), posting, Server::new(|_, _| (204, ""))).await;
    stage.text("ann", "1").await.unwrap();
    stage.text("ann", "2").await.unwrap();
    stage.text("ann", "psst").await.unwrap();
    let error = stage.text("ann", "3").await.unwrap_err();
    assert_eq!((error.is_permanent(), error.to_string().as_str()), (true, "2 events wait already"));
    stage.run();
    assert_eq!(stage.server.texts(2).await, ["1", "2"]);
    stage.until_saved(0, 0).await;
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_bounded_and_the_oldest_make_room() {
    let posting = Posting { dead_letters: 2, ..Posting::default() };
    let mut stage = Stage::open(posting, |_, _| (400, "")).await;
    for (n, kept) in [(0, 1), (1, 2), (2, 2), (3, 2)] {
        stage.bench.set_now(Timestamp(1_800_000_000_000 + n));
        stage.text("ann", &n.to_string()).await.unwrap();
        stage.server.got(usize::try_from(n).unwrap() + 1).await;
        stage.until_saved(0, kept).await;
    }
    let dead = stage.until_saved(0, 2).await;
    assert_eq!(dead.iter().map(|dead| dead.body.as_str()).collect::<Vec<_>>(), ["2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_gone_gets_nothing_more_until_the_plugin_starts_again() {
    let mut stage =
        Stage::open(Posting::default(), |_, n| (if n == 0 { 410 } else { 204 }, "")).await;
    stage.text("ann", "1").await.unwrap();
    while !stage.plugin.poster.is_off() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stage.text("ann", "not wanted").await.unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(stage.server.texts(1).await, ["1"]);
    stage.running.shutdown().await;
    Plugin::stop(&*stage.plugin).await;
    Plugin::start(&*stage.plugin, &stage.env).await.unwrap();
    stage.run();
    stage.text("ann", "2").await.unwrap();
    assert_eq!(stage.server.texts(3).await, ["1", "1", "2"]);
}

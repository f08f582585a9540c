//! What follows from a try that failed.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_plugin_is_busy_until_an_event_was_tried_and_not_while_it_waits_for_a_further_try() {
    let status = |_: &Got, n| Say::Status(if n == 0 { 503 } else { 204 });
    let endpoint = Endpoint::slow(Duration::from_secs(2), status);
    let mut stage = Stage::closed(Bench::new(), "retry_secs = [3600]", endpoint.clone()).await;
    stage.text("ann", "hi").await.unwrap();
    let bench = stage.bench.clone();
    let mut settled = std::pin::pin!(bench.settled());
    let waited = tokio::time::timeout(Duration::from_secs(3_600), &mut settled).await;
    assert!(waited.is_err(), "nobody works yet");
    let begin = Instant::now();
    stage.run();
    settled.await;
    assert_eq!(begin.elapsed(), Duration::from_secs(2));
    assert_eq!(stage.n_saved().await, (1, 0));
    stage.text("bob", "hello").await.unwrap();
    bench.settled().await;
    assert_eq!(endpoint.texts(3).await, ["hi", "hello", "hi"]);
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn what_fails_is_posted_again_after_the_planned_waits_under_the_same_id() {
    let endpoint = Endpoint::new(|_, n| if n < 4 { Say::Broken } else { Say::Status(200) });
    let keys = "retry_secs = [5, 300, 1800, 7200]";
    let mut stage = Stage::open(keys, endpoint.clone()).await;
    stage.text("ann", "hi").await.unwrap();
    let got = endpoint.got(5).await;
    assert!(got.iter().all(|one| one.id == got[0].id && one.body == got[0].body));
    let plan = [5, 300, 1_800, 7_200];
    for (pair, secs) in got.windows(2).zip(plan) {
        let (wait, planned) = (pair[1].at - pair[0].at, secs * SECOND);
        assert!(wait >= planned && wait <= planned.mul_f64(1.2) + SECOND, "{secs}: {wait:?}");
    }
    stage.until_saved((0, 0)).await;
}

#[tokio::test(start_paused = true)]
async fn after_the_last_try_it_is_a_dead_letter_that_can_be_posted_again() {
    let endpoint = Endpoint::new(|_, n| if n < 3 { Say::Status(500) } else { Say::Status(200) });
    let mut stage = Stage::open("retry_secs = [1, 2]", endpoint.clone()).await;
    stage.text("ann", "hi").await.unwrap();
    stage.until_saved((0, 1)).await;
    let (key, delivery) = stage.saved().await.into_iter().next().unwrap();
    assert_eq!(delivery.n_tries, 3);
    let last = delivery.last.clone().unwrap();
    assert_eq!(last.status, Some(500));
    assert_eq!(last.reason, "the endpoint answered 500 Internal Server Error");
    let changes = vec![(key, None), (shelf::again(&delivery.id), Some(delivery))];
    stage.env.shelf().change(changes).await.unwrap();
    let got = endpoint.got(4).await;
    assert_eq!(got[3].id, got[0].id);
    stage.until_saved((0, 0)).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_endpoint_refuses_is_a_dead_letter_at_once_and_the_next_one_is_posted() {
    let endpoint = Endpoint::new(|_, n| Say::Status(if n == 0 { 422 } else { 200 }));
    let mut stage = Stage::open("", endpoint.clone()).await;
    let begun = Instant::now();
    stage.text("ann", "bad").await.unwrap();
    stage.text("ann", "good").await.unwrap();
    assert_eq!(endpoint.texts(2).await, ["bad", "good"]);
    stage.until_saved((0, 1)).await;
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_heeded_by_the_event_and_by_those_of_others() {
    let endpoint = Endpoint::new(|_, n| match n {
        0 => Say::After(429, "40"),
        _ => Say::Status(200),
    });
    let mut stage = Stage::open("", endpoint.clone()).await;
    stage.text("ann", "1").await.unwrap();
    endpoint.got(1).await;
    stage.text("bob", "2").await.unwrap();
    let got = endpoint.got(3).await;
    for one in &got[1..] {
        let wait = one.at - got[0].at;
        assert!(wait >= 40 * SECOND && wait < 41 * SECOND, "{wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_wait_keeps_the_order_and_a_long_one_does_not_hold_up_the_conversation() {
    let endpoint = Endpoint::new(|got, n| match got.body["message"]["text"].as_str() {
        Some("1") if n < 4 => Say::Status(501),
        _ => Say::Status(200),
    });
    let mut stage = Stage::open("retry_secs = [5, 300, 300, 300]", endpoint.clone()).await;
    stage.text("ann", "1").await.unwrap();
    stage.text("ann", "2").await.unwrap();
    stage.text("ann", "3").await.unwrap();
    assert_eq!(endpoint.texts(5).await, ["1", "1", "2", "3", "1"]);

    let endpoint = Endpoint::new(|_, n| Say::Status(if n < 2 { 501 } else { 200 }));
    let keys = "retry_secs = [5, 300]\nhold_secs = 600";
    let mut stage = Stage::open(keys, endpoint.clone()).await;
    stage.text("ann", "1").await.unwrap();
    stage.text("ann", "2").await.unwrap();
    assert_eq!(endpoint.texts(4).await, ["1", "1", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_goes_on_where_it_was_after_a_restart() {
    let endpoint = Endpoint::new(|_, n| Say::Status(if n == 0 { 503 } else { 200 }));
    let mut stage = Stage::open("retry_secs = [600]", endpoint.clone()).await;
    stage.text("ann", "hi").await.unwrap();
    endpoint.got(1).await;
    while stage.saved().await.values().any(|delivery| delivery.n_tries == 0) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stage.end().await;
    let due = stage.saved().await.values().next().unwrap().due.0;
    let now = Timestamp(due - 100_000);
    stage.bench.set_now(now);
    let begun = Instant::now();
    let _stage = Stage::open_on(stage.bench.clone(), "retry_secs = [600]", endpoint.clone()).await;
    let got = endpoint.got(2).await;
    let wait = got[1].at - begun;
    assert!(wait >= 100 * SECOND && wait < 101 * SECOND, "{wait:?}");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_says_it_is_gone_gets_nothing_more_until_the_plugin_starts_again() {
    let endpoint = Endpoint::new(|_, n| Say::Status(if n == 0 { 410 } else { 200 }));
    let mut stage = Stage::open("", endpoint.clone()).await;
    stage.text("ann", "1").await.unwrap();
    endpoint.got(1).await;
    let is_off = async |stage: &Stage| {
        stage.env.shelf::<easebot_role::webhook::Off>().load(shelf::OFF).await.unwrap().is_some()
    };
    while !stage.plugin.poster.is_off() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(is_off(&stage).await);
    stage.text("ann", "not wanted").await.unwrap();
    tokio::time::sleep(600 * SECOND).await;
    assert_eq!(endpoint.got(1).await.len(), 1);
    assert_eq!(stage.n_saved().await, (1, 0));
    stage.end().await;
    let mut stage = Stage::open_on(stage.bench.clone(), "", endpoint.clone()).await;
    assert!(!is_off(&stage).await);
    stage.text("ann", "2").await.unwrap();
    assert_eq!(endpoint.texts(3).await, ["1", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn of_too_many_dead_letters_the_oldest_make_room() {
    let endpoint = Endpoint::new(|_, _| Say::Status(400));
    let mut stage = Stage::open("dead_letters = 3", endpoint.clone()).await;
    for n in 0..6 {
        stage.bench.set_now(Timestamp(1_800_000_000_000 + n));
        stage.text("ann", &n.to_string()).await.unwrap();
        endpoint.got(usize::try_from(n).unwrap() + 1).await;
        stage.until_saved((0, 3.min(usize::try_from(n).unwrap() + 1))).await;
    }
    let saved = stage.saved().await;
    let mut left: Vec<&Delivery> = saved.values().collect();
    left.sort_by_key(|delivery| delivery.seq);
    let texts: Vec<Value> = left
        .into_iter()
        .map(|delivery| serde_json::from_str::<Value>(&delivery.body).unwrap())
        .map(|body| body["message"]["text"].clone())
        .collect();
    assert_eq!(texts, ["3", "4", "5"]);
}

#[tokio::test(start_paused = true)]
async fn a_saved_event_that_cannot_be_read_keeps_no_other_from_being_posted() {
    let endpoint = Endpoint::new(|_, _| Say::Status(200));
    let mut stage = Stage::closed(Bench::new(), "", endpoint.clone()).await;
    let torn = serde_json::json!({ "id": 7 });
    stage.env.shelf().save(&shelf::queue("evt_0"), &torn).await.unwrap();
    stage.env.shelf().save(&shelf::again("evt_0"), &torn).await.unwrap();
    stage.text("ann", "hi").await.unwrap();
    stage.run();
    assert_eq!(endpoint.texts(1).await, ["hi"]);
}

//! What is planned while the bot runs.

use super::*;

fn text(text: &str) -> Outgoing {
    Outgoing::text(bob(), text)
}

fn in_secs(secs: u64) -> Timestamp {
    Timestamp(EIGHT + secs * 1000)
}

#[tokio::test(start_paused = true)]
async fn what_is_planned_is_said_at_its_time_and_is_gone() {
    let mut stage = Stage::open([]).await;
    stage.schedule().once("tea", in_secs(300), text("tea is ready")).await.unwrap();
    let [entry] = &stage.schedule().list().await[..] else { panic!() };
    assert_eq!((entry.name.as_str(), entry.next), ("tea", Some(in_secs(300))));
    assert_eq!(entry.outgoing, Some(text("tea is ready")));
    stage.pass(299).await;
    assert_eq!(stage.texts(), [] as [&str; 0]);
    stage.pass(2).await;
    let said = stage.bench.said();
    assert_eq!(said[0].key, Some(format!("schedule/tea/{}", EIGHT + 300_000)));
    assert_eq!(stage.schedule().list().await, []);
    assert_eq!(stage.env.shelf::<Value>().list("", None, 9).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn what_is_planned_outlives_a_restart() {
    let stage = Stage::open([]).await;
    let daily = When::cron("0 9 * * *", "Asia/Shanghai").unwrap();
    let plan = Plan::new(daily, text("good morning")).missed(Missed::All);
    stage.schedule().plan("daily", plan.missed_within(Duration::from_secs(2 * DAY))).await.unwrap();
    stage.schedule().once("tea", in_secs(300), text("tea is ready")).await.unwrap();
    stage.schedule().once("late", in_secs(3 * DAY), text("three days")).await.unwrap();
    let mut stage = stage.again_after(DAY + 17 * HOUR + 10, []).await;
    assert_eq!(stage.texts(), ["good morning", "good morning"], "and tea is too old");
    assert_eq!(stage.schedule().list().await.len(), 2);
    stage.jump(in_secs(3 * DAY).0);
    stage.pass(MINUTE).await;
    assert_eq!(stage.texts(), ["good morning", "three days"], "in the order of their times");
}

#[tokio::test(start_paused = true)]
async fn what_is_planned_late_is_said_unless_it_is_over() {
    let mut stage = Stage::open([]).await;
    stage.jump(EIGHT + 2 * DAY * 1000);
    let schedule = stage.plugin.schedule();
    schedule.once("late", in_secs(DAY + 10), text("late")).await.unwrap();
    let error = schedule.once("over", in_secs(DAY - 10), text("over")).await.unwrap_err();
    assert_eq!(error.to_string(), "the time of `over` is over");
    stage.pass(1).await;
    assert_eq!(stage.texts(), ["late"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_planned_again_replaces_what_was_and_is_said_once_for_a_time() {
    let mut stage = Stage::open([every(600)]).await;
    let schedule = Arc::clone(&stage.plugin);
    let once = |at, what| schedule.schedule().once("tea", in_secs(at), text(what));
    once(100, "old").await.unwrap();
    once(200, "new").await.unwrap();
    once(200, "new").await.unwrap();
    stage.pass(201).await;
    assert_eq!(stage.texts(), ["new"]);
    // A handler that is tried again after that.
    once(200, "new").await.unwrap();
    stage.pass(60).await;
    assert_eq!(stage.texts(), [] as [&str; 0]);
    let error = schedule.schedule().once("tick", in_secs(900), text("x")).await.unwrap_err();
    assert_eq!(error.to_string(), "`tick` is a job of the code");
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_is_not_said() {
    let mut stage = Stage::open([every(600)]).await;
    stage.schedule().once("tea", in_secs(100), text("tea")).await.unwrap();
    assert!(stage.schedule().cancel("tea").await.unwrap());
    assert!(!stage.schedule().cancel("tea").await.unwrap());
    let error = stage.schedule().cancel("tick").await.unwrap_err();
    assert_eq!(error.to_string(), "`tick` is a job of the code");
    stage.pass(200).await;
    assert_eq!(stage.texts(), [] as [&str; 0]);
    let stage = stage.again_after(1, [every(600)]).await;
    assert_eq!(stage.schedule().list().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_said_for_now_is_tried_again_each_minute() {
    let mut stage = Stage::open([]).await;
    stage.bench.refuse(Some(SendError::NotSaved));
    stage.schedule().once("tea", in_secs(10), text("tea")).await.unwrap();
    stage.pass(100).await;
    assert_eq!(stage.schedule().list().await.len(), 1);
    stage.bench.refuse(None);
    stage.pass(MINUTE).await;
    assert_eq!(stage.texts(), ["tea"]);
    let error = SendError::Refused { reason: "too long".to_owned() };
    stage.bench.refuse(Some(error));
    stage.schedule().once("never", in_secs(200), text("x")).await.unwrap();
    stage.pass(2 * MINUTE).await;
    assert_eq!(stage.schedule().list().await, [], "what can never be said is given up");
}

#[tokio::test(start_paused = true)]
async fn there_are_at_most_a_thousand_entries_with_names_of_some_length() {
    let stage = Stage::open([every(600)]).await;
    for n in 1..1000 {
        stage.schedule().once(n.to_string(), in_secs(HOUR), text("x")).await.unwrap();
    }
    let full = stage.schedule().once("more", in_secs(HOUR), text("x")).await.unwrap_err();
    assert!(matches!(full, PlanError::Full { limit: 1000 }));
    stage.schedule().once("1", in_secs(DAY), text("another time")).await.unwrap();
    for name in ["", &"x".repeat(65), "a\tb"] {
        let error = stage.schedule().once(name, in_secs(HOUR), text("x")).await.unwrap_err();
        assert!(matches!(error, PlanError::Name { .. }), "{error}");
    }
    let stage = stage.again_after(1, [every(600)]).await;
    assert_eq!(stage.schedule().list().await.len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_holds_nothing_up() {
    let stage = Stage::open([]).await;
    stage.schedule().once("tea", in_secs(10), text("tea")).await.unwrap();
    let torn = serde_json::json!({ "when": 7 });
    stage.env.shelf().save("schedule/torn", &torn).await.unwrap();
    let mut stage = stage.again_after(1, []).await;
    stage.pass(10).await;
    assert_eq!(stage.texts(), ["tea"]);
    assert_eq!(stage.env.shelf::<Value>().load("schedule/torn").await.unwrap(), Some(torn));
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_instance_plans_while_it_ends_is_found() {
    let mut stage = Stage::open([]).await;
    let old = Stage::closed(stage.bench.clone(), stage.now, []);
    old.schedule().start(&old.env).await.unwrap();
    old.schedule().once("tea", in_secs(300), text("tea")).await.unwrap();
    stage.pass(301).await;
    assert_eq!(stage.texts(), ["tea"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_planned_before_the_start() {
    let error = Schedule::new().once("tea", in_secs(1), text("tea")).await.unwrap_err();
    assert_eq!(error.to_string(), "the schedule has not started");
}

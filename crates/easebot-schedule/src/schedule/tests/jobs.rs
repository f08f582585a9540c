//! What the code does by the clock.

use std::sync::atomic::Ordering;

use super::*;

#[tokio::test(start_paused = true)]
async fn jobs_come_at_their_times() {
    let mut stage = Stage::open([
        every(600),
        Job::cron("nine", "0 9 * * MON-FRI", "UTC", tell),
        Job::at("once", Timestamp(EIGHT + 90_000), tell),
    ])
    .await;
    stage.pass(HOUR + 90).await;
    let ticks = ["tick 600", "tick 1200", "tick 1800", "tick 2400", "tick 3000"];
    let said = stage.texts();
    assert_eq!(said[0], "once 90");
    assert_eq!(said[1..6], ticks);
    let mut at_nine = said[6..].to_vec();
    at_nine.sort();
    assert_eq!(at_nine, ["nine 3600", "tick 3600"]);
}

#[tokio::test(start_paused = true)]
async fn entries_are_listed_with_their_next_and_last_time() {
    let mut stage =
        Stage::open([every(600), Job::at("once", Timestamp(EIGHT + 90_000), tell)]).await;
    stage.pass(700).await;
    let listed = stage.schedule().list().await;
    let seen: Vec<_> = listed
        .iter()
        .map(|entry| (entry.name.as_str(), entry.when.to_string(), entry.next, entry.last))
        .collect();
    let at = |secs: u64| Some(Timestamp(EIGHT + secs * 1000));
    assert_eq!(
        seen,
        [
            ("once", "at 2026-01-05T08:01:30Z".to_owned(), None, at(90)),
            ("tick", "every 600s".to_owned(), at(1200), at(600)),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn missed_times_are_made_up_for_once_unless_the_job_says_otherwise() {
    let jobs = || {
        ["all", "once", "skip"]
            .into_iter()
            .zip([Missed::All, Missed::Once, Missed::Skip])
            .map(|(name, missed)| Job::every(name, Duration::from_secs(600), tell).missed(missed))
    };
    let stage = Stage::open(jobs()).await;
    let stage = stage.again_after(25 * MINUTE, jobs()).await;
    let mut said = stage.texts();
    said.sort();
    assert_eq!(said, ["all 1200", "all 600", "once 1200"]);
    // It is done with, also for the next start.
    let mut stage = stage.again_after(5 * MINUTE, jobs()).await;
    stage.pass(1).await;
    let mut said = stage.texts();
    said.sort();
    assert_eq!(said, ["all 1800", "once 1800", "skip 1800"], "a time is not missed when it is now");
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_too_long_ago_is_left_out() {
    let daily = || [Job::cron("nine", "0 9 * * *", "UTC", tell)];
    let stage = Stage::open(daily()).await;
    let stage = stage.again_after(2 * HOUR, daily()).await;
    assert_eq!(stage.texts(), ["nine 3600"], "an hour is not too old");
    let stage = stage.again_after(DAY + 1, daily()).await;
    assert_eq!(stage.texts(), [] as [&str; 0]);
    let longer = daily().map(|job| job.missed_within(Duration::from_secs(2 * HOUR)));
    let stage = stage.again_after(DAY, longer).await;
    assert_eq!(stage.texts(), [format!("nine {}", 2 * DAY + HOUR)]);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_times_change_begins_anew() {
    let job = |line: &str| [Job::cron("j", line, "UTC", tell)];
    let stage = Stage::open(job("0 9 * * *")).await;
    let stage = stage.again_after(HOUR + 5 * MINUTE, job("3 9 * * *")).await;
    assert_eq!(stage.texts(), [] as [&str; 0], "03 past nine is no time that it has missed");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_long_does_not_pile_up() {
    let n_running = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&n_running);
    let slow = Job::every("slow", Duration::from_secs(10), move |run| {
        let n_running = Arc::clone(&counted);
        async move {
            assert_eq!(n_running.fetch_add(1, Ordering::Relaxed), 0, "two at the same time");
            sleep(Duration::from_secs(125)).await;
            n_running.fetch_sub(1, Ordering::Relaxed);
            tell(run).await
        }
    });
    let mut stage = Stage::open([slow, every(60)]).await;
    stage.pass(400).await;
    let said = stage.texts();
    let slow: Vec<&String> = said.iter().filter(|text| text.starts_with("slow")).collect();
    // It began at 10, 135 and 260, each time for the latest time that had come.
    assert_eq!(slow, ["slow 10", "slow 130", "slow 260"]);
    assert_eq!(said.len() - slow.len(), 6, "others are not held up");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_panics_or_does_not_end_goes_on_at_its_next_time() {
    let n_tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&n_tries);
    let bad = Job::every("bad", Duration::from_secs(60), move |run| {
        let n_before = counted.fetch_add(1, Ordering::Relaxed);
        // Before there is a future at all.
        assert_ne!(n_before, 1, "a panic of the second run");
        async move {
            match n_before {
                0 => Err(PluginError::new("not today")),
                2 => panic!("a panic of the third run"),
                3 => std::future::pending().await,
                _ => tell(run).await,
            }
        }
    });
    let mut stage = Stage::open([bad.limit(Duration::from_secs(30)), every(60)]).await;
    stage.pass(300).await;
    let said = stage.texts();
    assert_eq!(said.iter().filter(|text| text.starts_with("tick")).count(), 5);
    let bad: Vec<&String> = said.iter().filter(|text| text.starts_with("bad")).collect();
    assert_eq!(bad, ["bad 300"]);
    assert_eq!(n_tries.load(Ordering::Relaxed), 5);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_comes_again_after_a_crash_says_nothing_twice() {
    let job = |ends: bool| {
        [Job::every("two", Duration::from_secs(60), move |run: Run| async move {
            run.say(bob(), "first").await?;
            if !ends {
                std::future::pending::<()>().await;
            }
            run.say(bob(), "second").await?;
            Ok(())
        })]
    };
    let mut stage = Stage::open(job(false)).await;
    stage.pass(60).await;
    assert_eq!(stage.texts(), ["first"]);
    let stage = stage.again_after(5, job(true)).await;
    assert_eq!(stage.texts(), ["second"]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_forward_makes_times_go_by() {
    let mut stage = Stage::open([every(600)]).await;
    stage.jump(EIGHT + 2 * HOUR * 1000 + 200_000);
    // Nobody tells that a clock is set: it is seen within a minute.
    stage.pass(MINUTE).await;
    assert_eq!(stage.texts(), ["tick 7200"]);
    stage.pass(600).await;
    assert_eq!(stage.texts(), ["tick 7800"]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_a_little_repeats_nothing() {
    let mut stage = Stage::open([every(600)]).await;
    stage.pass(1300).await;
    assert_eq!(stage.texts(), ["tick 600", "tick 1200"]);
    stage.jump(EIGHT + 500_000);
    stage.pass(1200).await;
    assert_eq!(stage.texts(), [] as [&str; 0], "until 1700 s");
    stage.pass(100).await;
    assert_eq!(stage.texts(), ["tick 1800"]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_wrong_by_hours_holds_nothing_up() {
    let mut stage = Stage::open([every(600)]).await;
    stage.jump(EIGHT + 400 * DAY * 1000);
    stage.pass(MINUTE).await;
    assert_eq!(stage.texts().len(), 1);
    stage.jump(EIGHT);
    stage.pass(600 + MINUTE).await;
    assert_eq!(stage.texts(), ["tick 600"]);
    // What was said is not said again, though its time comes twice.
    stage.pass(4 * HOUR).await;
    assert_eq!(stage.texts().len(), 24);
    stage.jump(EIGHT);
    stage.pass(3 * HOUR).await;
    assert_eq!(stage.texts(), [] as [&str; 0]);
    stage.pass(2 * HOUR).await;
    assert_eq!(stage.texts()[0], format!("tick {}", 4 * HOUR + 1200));
}

#[tokio::test(start_paused = true)]
async fn sixteen_run_at_a_time_and_the_others_wait_in_order() {
    let n_running = Arc::new(Mutex::new((0_usize, 0_usize)));
    let jobs = (0..40).map(|n| {
        let n_running = Arc::clone(&n_running);
        Job::at(format!("{n:02}"), Timestamp(EIGHT + 1000 + n), move |run| {
            let n_running = Arc::clone(&n_running);
            async move {
                {
                    let mut n = n_running.lock().unwrap();
                    *n = (n.0 + 1, n.1.max(n.0 + 1));
                }
                sleep(SECOND).await;
                n_running.lock().unwrap().0 -= 1;
                tell(run).await
            }
        })
    });
    let jobs: Vec<Job> = jobs.collect();
    let mut stage = Stage::open(jobs).await;
    stage.pass(10).await;
    let said = stage.texts();
    assert_eq!((said.len(), n_running.lock().unwrap().1), (40, 16));
    assert!(said[..16].iter().all(|text| text.as_str() < "16"), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_code_has_no_more_is_forgotten() {
    let stage = Stage::open([every(600)]).await;
    let stage = stage.again_after(1, []).await;
    let saved = stage.env.shelf::<Value>().list("", None, 9).await.unwrap();
    assert_eq!(saved, []);
}

use super::*;

const MONDAY: Timestamp = Timestamp(1_767_614_400_000); // 2026-01-05T12:00:00Z

fn local(text: &str, zone: &str) -> String {
    match When::local(text, zone) {
        Ok(when) => when.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_local_time_is_that_of_the_zone_unless_it_has_an_offset() {
    assert_eq!(local("2026-12-24T18:00", "Asia/Shanghai"), "at 2026-12-24T10:00:00Z");
    assert_eq!(local("2026-12-24 18:00:30", "UTC"), "at 2026-12-24T18:00:30Z");
    assert_eq!(local("2026-12-24T18:00+01:00", "Asia/Shanghai"), "at 2026-12-24T17:00:00Z");
    for text in ["2026-12-24", "18:00", "2026-02-30T18:00", "tomorrow"] {
        let expected = format!("`{text}` is no date and time, such as `2026-12-24T18:00`");
        assert_eq!(local(text, "UTC"), expected);
    }
    assert_eq!(local("1969-12-24T18:00", "UTC"), "the time is beyond what can be kept");
    assert_eq!(local("2026-12-24T18:00", "Mars"), "there is no time zone `Mars`");
}

#[test]
fn a_local_time_that_does_not_exist_or_comes_twice_is_refused_and_says_so() {
    assert_eq!(
        local("2026-03-29T02:30", "Europe/Berlin"),
        "clocks in Europe/Berlin never show 2026-03-29T02:30: they go on at 2026-03-29T03:00:00"
    );
    assert_eq!(
        local("2026-11-01T01:30", "America/New_York"),
        "clocks in America/New_York show 2026-11-01T01:30 twice: write `2026-11-01T01:30-04` or `2026-11-01T01:30-05`"
    );
    let second = local("2026-11-01T01:30-05", "America/New_York");
    assert_eq!(second, "at 2026-11-01T06:30:00Z", "the hint is taken as it is");
}

#[test]
fn every_so_often_goes_by_multiples_that_a_restart_does_not_move() {
    let when = When::every(Duration::from_secs(600)).unwrap();
    assert_eq!(when.next_after(MONDAY), Some(Timestamp(MONDAY.0 + 600_000)));
    assert_eq!(when.next_after(Timestamp(MONDAY.0 + 1)), Some(Timestamp(MONDAY.0 + 600_000)));
    assert_eq!(when.next_after(Timestamp(MONDAY.0 - 1)), Some(MONDAY));
    assert_eq!(when.next_after(Timestamp(u64::MAX)), None);
    for period in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(367 * 86_400)] {
        assert_eq!(When::every(period), Err(WhenError::Period { period }));
    }
}

#[test]
fn between_two_times_are_the_latest_and_not_more_than_wanted() {
    let (hour, later) = (3_600_000, |hours: u64| Timestamp(MONDAY.0 + hours * 3_600_000));
    for when in
        [When::every(Duration::from_millis(hour)).unwrap(), When::cron("0 * * * *", "UTC").unwrap()]
    {
        assert_eq!(when.between(MONDAY, later(2), 9), [later(1), later(2)], "{when}");
        assert_eq!(when.between(MONDAY, later(9), 2), [later(8), later(9)], "{when}");
        assert_eq!(when.between(MONDAY, Timestamp(later(1).0 - 1), 2), [], "{when}");
    }
    // However long it was.
    let second = When::every(Duration::from_secs(1)).unwrap();
    assert_eq!(second.between(Timestamp(0), MONDAY, 1), [MONDAY]);
    assert_eq!(When::at(MONDAY).between(Timestamp(0), MONDAY, 9), [MONDAY]);
    assert_eq!(When::at(MONDAY).between(MONDAY, later(1), 9), []);
}

#[test]
fn it_is_saved_and_read_back() {
    for (when, json) in [
        (When::at(MONDAY), r#"{"at":1767614400000}"#),
        (When::every(Duration::from_secs(60)).unwrap(), r#"{"every_ms":60000}"#),
        (
            When::cron("0 9 * * MON", "Asia/Shanghai").unwrap(),
            r#"{"cron":{"line":"0 9 * * MON","time_zone":"Asia/Shanghai"}}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&when).unwrap(), json);
        assert_eq!(serde_json::from_str::<When>(json).unwrap(), when);
    }
    assert!(serde_json::from_str::<When>(r#"{"every_ms":0}"#).is_err());
}

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::*;

fn cron(text: &str) -> Cron {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The `n` times behind `after`, as the clock of `zone` shows them with its offset.
fn times(text: &str, zone: &str, after: &str, n: usize) -> Vec<String> {
    let (cron, zone) = (cron(text), TimeZone::get(zone).unwrap());
    let mut at: Timestamp = after.parse().unwrap();
    let mut found = Vec::new();
    while found.len() < n {
        at = next_after(&cron, &zone, at).unwrap();
        found.push(at.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M%:z").to_string());
    }
    found
}

#[track_caller]
fn check(text: &str, after: &str, expected: &[&str]) {
    let found = times(text, "UTC", after, expected.len());
    let found: Vec<_> = found.iter().map(|at| at.strip_suffix("+00:00").unwrap()).collect();
    assert_eq!(found, expected, "{text}");
}

const MONDAY: &str = "2026-01-05T12:00:00Z";

#[test]
fn each_field_says_when() {
    check("30 9 * * *", MONDAY, &["Tue 2026-01-06 09:30", "Wed 2026-01-07 09:30"]);
    check("0 12 * * *", MONDAY, &["Tue 2026-01-06 12:00"]);
    check("1 12 * * *", MONDAY, &["Mon 2026-01-05 12:01"]);
    check(
        "*/25 * * * *",
        MONDAY,
        &["Mon 2026-01-05 12:25", "Mon 2026-01-05 12:50", "Mon 2026-01-05 13:00"],
    );
    check(
        "0 8-10/2,20 * * *",
        MONDAY,
        &["Mon 2026-01-05 20:00", "Tue 2026-01-06 08:00", "Tue 2026-01-06 10:00"],
    );
    check("0 0 31 * *", MONDAY, &["Sat 2026-01-31 00:00", "Tue 2026-03-31 00:00"]);
    check("0 0 L * *", MONDAY, &["Sat 2026-01-31 00:00", "Sat 2026-02-28 00:00"]);
    check("0 0 29 2 *", MONDAY, &["Tue 2028-02-29 00:00", "Sun 2032-02-29 00:00"]);
    check("0 0 29 FEB *", "2096-03-01T00:00:00Z", &["Fri 2104-02-29 00:00"]);
    check("0 9 * * MON-FRI", "2026-01-09T09:00:00Z", &["Mon 2026-01-12 09:00"]);
    check(
        "0 9 * * fri-mon",
        "2026-01-09T09:00:00Z",
        &[
            "Sat 2026-01-10 09:00",
            "Sun 2026-01-11 09:00",
            "Mon 2026-01-12 09:00",
            "Fri 2026-01-16 09:00",
        ],
    );
    check("0 9 * * 7", MONDAY, &["Sun 2026-01-11 09:00"]);
    check("0 9 * Jun,Dec 0", MONDAY, &["Sun 2026-06-07 09:00"]);
}

#[test]
fn of_two_days_that_are_set_either_is_enough_and_a_star_sets_none() {
    check("0 0 13 * FRI", MONDAY, &["Fri 2026-01-09 00:00", "Tue 2026-01-13 00:00"]);
    check("0 0 */2 * MON", MONDAY, &["Mon 2026-01-19 00:00", "Mon 2026-02-09 00:00"]);
    check("0 0 30 2 SUN", MONDAY, &["Sun 2026-02-01 00:00"]);
}

#[test]
fn aliases_stand_for_fields() {
    check("@hourly", MONDAY, &["Mon 2026-01-05 13:00"]);
    check(" @Daily ", MONDAY, &["Tue 2026-01-06 00:00"]);
    check("@weekly", MONDAY, &["Sun 2026-01-11 00:00"]);
    check("@monthly", MONDAY, &["Sun 2026-02-01 00:00"]);
    check("@yearly", MONDAY, &["Fri 2027-01-01 00:00"]);
}

#[test]
fn what_is_none_is_refused_with_the_place() {
    let check = |text: &str, message: &str, part: &str| {
        let error = text.parse::<Cron>().unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
        assert_eq!(error.at().map_or(Some(""), |at| text.get(at)), Some(part), "{text}");
    };
    let fields =
        "fields where minute, hour, day of the month, month and day of the week are wanted";
    check("", &format!("there are 0 {fields}"), "");
    check("0 0 9 * * MON", &format!("there are 6 {fields}"), "");
    check(
        "@noon",
        "there is no `@noon`; there are @hourly, @daily, @weekly, @monthly and @yearly",
        "",
    );
    check("60 9 * * *", "the minute is from 0 to 59", "60");
    check("0 9,24 * * *", "the hour is from 0 to 23", "24");
    check("0 9 0 * *", "the day of the month is from 1 to 31", "0");
    check("0 9 * 2-13 *", "the month is from 1 to 12", "13");
    check("0 9 * * MON-FRY", "`FRY` is no day of the week", "FRY");
    check("0 +9 * * *", "`+9` is no hour", "+9");
    check("0 9 * * 1,", "`` is no day of the week", "");
    check("0 ９ * * *", "`９` is no hour", "９");
    check("0 9 L-3 * *", "`L` is no day of the month", "L");
    check("0 18-9 * * *", "the range of the hour ends before it begins", "18-9");
    check("*/0 * * * *", "a step of the minute is from 1 to 59", "0");
    check("*/60 * * * *", "a step of the minute is from 1 to 59", "60");
    check("5/15 * * * *", "a step needs a range before it, such as `*/5` or `0-30/5`", "5/15");
    check("0 0 30 2 *", "no such day ever comes in these months", "30");
    check("0 0 31 4,6 *", "no such day ever comes in these months", "31");
    check("99999999999 9 * * *", "`99999999999` is no minute", "99999999999");
}

#[test]
fn a_time_that_does_not_exist_is_the_moment_at_which_the_clock_is_set() {
    // In Berlin 02:00 is 03:00 on 2026-03-29.
    let found = times("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", 3);
    let expected =
        ["Sat 2026-03-28 02:30+01:00", "Sun 2026-03-29 03:00+02:00", "Mon 2026-03-30 02:30+02:00"];
    assert_eq!(found, expected);
    // Several such times are one.
    let found = times("0,30 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 3);
    let expected =
        ["Sun 2026-03-29 03:00+02:00", "Sun 2026-03-29 03:30+02:00", "Mon 2026-03-30 02:00+02:00"];
    assert_eq!(found, expected);
}

#[test]
fn a_time_that_comes_twice_is_the_first_of_the_two() {
    // In New York 02:00 is 01:00 again on 2026-11-01.
    let found = times("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2);
    assert_eq!(found, ["Sun 2026-11-01 01:30-04:00", "Mon 2026-11-02 01:30-05:00"]);
    // Also for who begins between the two, and for whom the hour that comes again is the next one.
    let found = times("30 1 * * *", "America/New_York", "2026-11-01T06:10:00Z", 1);
    assert_eq!(found, ["Mon 2026-11-02 01:30-05:00"]);
    let found = times("0 2 * * *", "America/New_York", "2026-11-01T05:00:00Z", 1);
    assert_eq!(found, ["Sun 2026-11-01 02:00-05:00"]);
}

#[test]
fn what_comes_all_the_time_comes_as_the_clock_shows_it() {
    let found = times("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", 3);
    let expected =
        ["Sun 2026-03-29 01:30+01:00", "Sun 2026-03-29 03:00+02:00", "Sun 2026-03-29 03:30+02:00"];
    assert_eq!(found, expected);
    let found = times("30 * * * *", "America/New_York", "2026-11-01T05:00:00Z", 3);
    let expected =
        ["Sun 2026-11-01 01:30-04:00", "Sun 2026-11-01 01:30-05:00", "Sun 2026-11-01 02:30-05:00"];
    assert_eq!(found, expected);
    // Lord Howe Island sets its clock by half an hour.
    let found = times("*/20 * * * *", "Australia/Lord_Howe", "2026-04-04T14:30:00Z", 4);
    let expected = [
        "Sun 2026-04-05 01:40+11:00",
        "Sun 2026-04-05 01:40+10:30",
        "Sun 2026-04-05 02:00+10:30",
        "Sun 2026-04-05 02:20+10:30",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_day_that_a_place_left_out_has_its_time_when_the_next_one_begins() {
    // Samoa had no 2011-12-30.
    let found = times("0 9 * * *", "Pacific/Apia", "2011-12-29T22:00:00Z", 2);
    assert_eq!(found, ["Sat 2011-12-31 00:00+14:00", "Sat 2011-12-31 09:00+14:00"]);
}

proptest! {
    /// Minute by minute through days with and without a change of the clock.
    #[test]
    fn what_comes_all_the_time_is_found_as_by_trying_each_minute(
        start in 0_i64..30_000_000,
        step in 1_u32..40,
        hours in 0_u32..12,
        zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai"]),
    ) {
        let text = format!("*/{step} {hours}-{} * * *", hours + 11);
        let (cron, zone) = (cron(&text), TimeZone::get(zone).unwrap());
        let start = Timestamp::from_second(1_767_225_600 + start / 60 * 60).unwrap();
        let shows = |at: Timestamp| {
            let at = at.to_zoned(zone.clone());
            let (hour, minute) = (at.hour().unsigned_abs(), at.minute().unsigned_abs());
            (hours..=hours + 11).contains(&hour.into()) && u32::from(minute) % step == 0
        };
        let minute = SignedDuration::from_secs(60);
        let mut at = start + minute;
        while !shows(at) {
            at += minute;
        }
        prop_assert_eq!(next_after(&cron, &zone, start), Some(at));
    }

    #[test]
    fn no_text_panics(text in "[-0-9*/,LA-Za-z@ \u{ff10}]{0,24}") {
        if let Ok(cron) = text.parse::<Cron>() {
            let start = Timestamp::from_second(1_767_225_600).unwrap();
            prop_assert!(next_after(&cron, &TimeZone::UTC, start).is_some(), "{}", text);
        }
    }
}

//! Times for people: UTC, as in `2026-11-22 04:17:42`.

use easebot_model::Timestamp;
use thiserror::Error;

const DAY_SECS: i64 = 24 * 60 * 60;

/// A text that is no time.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "a time is written 2026-11-22 or 2026-11-22T04:17 (UTC), or as an age such as 7d, 12h or 30m"
)]
pub struct ParseTimeError;

/// Reads `2026-11-22`, `2026-11-22T04:17`, `2026-11-22T04:17:42` (UTC, a `Z` may follow), or an age before `now` such as `7d`,
/// `12h` or `30m`.
///
/// # Errors
/// [`ParseTimeError`] for anything else.
pub fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, ParseTimeError> {
    for (unit, secs) in [('d', 86_400), ('h', 3_600), ('m', 60)] {
        if let Some(number) = text.strip_suffix(unit) {
            let n: u64 = digits(number, 1, 6)?;
            return Ok(Timestamp(now.0.saturating_sub(n.saturating_mul(secs * 1_000))));
        }
    }
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, clock) = match text.split_once(['T', ' ']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let (Some(year), Some(month), Some(day), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(ParseTimeError);
    };
    let (year, month, day) = (digits(year, 4, 4)?, digits(month, 2, 2)?, digits(day, 2, 2)?);
    let days = days_of(year, month, day);
    // A day that is not there, such as 2026-02-30, would be another one.
    if year < 1970 || date_of(days) != (year, month, day) {
        return Err(ParseTimeError);
    }
    let mut secs = days * DAY_SECS;
    if let Some(clock) = clock {
        let mut parts = clock.split(':');
        let (Some(hour), Some(minute)) = (parts.next(), parts.next()) else {
            return Err(ParseTimeError);
        };
        let (hour, minute): (i64, i64) = (digits(hour, 2, 2)?, digits(minute, 2, 2)?);
        let second: i64 = parts.next().map_or(Ok(0), |second| digits(second, 2, 2))?;
        if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
            return Err(ParseTimeError);
        }
        secs += hour * 3_600 + minute * 60 + second;
    }
    Ok(Timestamp(u64::try_from(secs * 1_000).map_err(|_| ParseTimeError)?))
}

fn digits<T: std::str::FromStr>(
    text: &str,
    least: usize,
    most: usize,
) -> Result<T, ParseTimeError> {
    let is_number =
        (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if is_number { text.parse().map_err(|_| ParseTimeError) } else { Err(ParseTimeError) }
}

/// `time` in UTC, to the second: `2026-11-22 04:17:42`.
#[must_use]
pub fn show_time(time: Timestamp) -> String {
    // Above the year 9999 there is no time but a mistake.
    let secs = i64::try_from(time.0 / 1_000).unwrap_or(i64::MAX).min(253_402_300_799);
    let ((year, month, day), clock) = (date_of(secs / DAY_SECS), secs % DAY_SECS);
    let (hour, minute, second) = (clock / 3_600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Days since 1970 of a day of the Gregorian calendar. A year begins in March here, so that a leap day is its last.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The day of the calendar, `days` after 1970-01-01: year, month, day.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400;
    (if month > 2 { year } else { year + 1 }, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = Timestamp(1_000_000_000_000);
        for (text, ms) in [
            ("1970-01-01", 0),
            ("2026-11-22", 1_795_305_600_000),
            ("2026-11-22T04:17", 1_795_321_020_000),
            ("2026-11-22 04:17:42Z", 1_795_321_062_000),
            ("2024-02-29", 1_709_164_800_000),
            ("7d", now.0 - 604_800_000),
            ("12h", now.0 - 43_200_000),
            ("30m", now.0 - 1_800_000),
        ] {
            assert_eq!(parse_time(text, now), Ok(Timestamp(ms)), "{text}");
        }
        for text in [
            "",
            "d",
            "-1d",
            "2026",
            "2026-1-1",
            "2026-02-30",
            "2026-13-01",
            "2026-11-22T24:00",
            "1969-12-31",
            "2026-11-22T1:00",
            "9999999d",
        ] {
            assert_eq!(parse_time(text, now), Err(ParseTimeError), "{text}");
        }
    }

    #[test]
    fn a_time_that_cannot_be_is_shown_all_the_same() {
        assert_eq!(show_time(Timestamp(u64::MAX)), "9999-12-31 23:59:59");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_as_the_same_second(secs in 0..253_402_300_800_u64) {
            let time = Timestamp(secs * 1_000);
            prop_assert_eq!(parse_time(&show_time(time), Timestamp(0)), Ok(time));
        }
    }
}

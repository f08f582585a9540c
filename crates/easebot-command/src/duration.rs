//! Lengths of time as people write them.

use std::time::Duration;

/// Units with their length in milliseconds, largest first. The first name of a unit is the one that is written.
const UNITS: &[(u64, &[&str])] = &[
    (604_800_000, &["w", "week", "weeks", "周", "星期"]),
    (86_400_000, &["d", "day", "days", "天", "日"]),
    (3_600_000, &["h", "hr", "hrs", "hour", "hours", "小时", "时"]),
    (60_000, &["m", "min", "mins", "minute", "minutes", "分钟", "分"]),
    (1_000, &["s", "sec", "secs", "second", "seconds", "秒", "秒钟"]),
    (1, &["ms", "毫秒"]),
];

/// Reads a length of time: one or more numbers with a unit each, such as `90s`, `1h30m`, `1.5h`, `2d` or `10分钟`.
///
/// A number without a unit is none, because nobody knows what it means. None for what is no length of time, or one of more
/// than 584 million years.
#[must_use]
pub fn read_duration(text: &str) -> Option<Duration> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let n_digits = rest.find(|c| !is_number(c))?;
        let (number, behind) = rest.split_at_checked(n_digits)?;
        let behind = behind.trim_start();
        let n_letters =
            behind.find(|c: char| is_number(c) || c.is_whitespace()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(n_letters)?;
        total = total.checked_add(one(number, &unit.to_lowercase())?)?;
        rest = behind.trim_start();
    }
    Some(total)
}

/// `number` of `unit`. What is smaller than a millisecond is cut off.
fn one(number: &str, unit: &str) -> Option<Duration> {
    let (unit_ms, _) = UNITS.iter().find(|(_, names)| names.contains(&unit))?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let whole_ms = whole.parse::<u64>().ok()?.checked_mul(*unit_ms)?;
    // More digits than these make less than a millisecond of a week.
    let fraction: String = fraction.chars().take(9).collect();
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let fraction_ms = fraction.parse::<u64>().ok()?.checked_mul(*unit_ms)? / scale;
    Some(Duration::from_millis(whole_ms.checked_add(fraction_ms)?))
}

/// `length` as [`read_duration`] reads it, such as `1h30m`. What is smaller than a millisecond is left out.
#[must_use]
pub fn format_duration(length: Duration) -> String {
    let mut rest = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit_ms, names) in UNITS {
        let n = rest / unit_ms;
        rest %= unit_ms;
        if let (1.., Some(name)) = (n, names.first()) {
            text.push_str(&n.to_string());
            text.push_str(name);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, expected_ms) in [
            ("90s", Some(90_000)),
            ("1h30m", Some(5_400_000)),
            ("1h 30 min", Some(5_400_000)),
            ("1.5h", Some(5_400_000)),
            ("0.25s", Some(250)),
            ("2D", Some(172_800_000)),
            ("1w", Some(604_800_000)),
            ("10分钟", Some(600_000)),
            ("1小时30分", Some(5_400_000)),
            ("500ms", Some(500)),
            ("0s", Some(0)),
            ("", None),
            ("10", None),
            ("m", None),
            ("-5m", None),
            (".5h", None),
            ("1.h", None),
            ("1.2.3h", None),
            ("5 parsecs", None),
            ("5m!", None),
            ("99999999999999999999s", None),
            ("99999999999999999w", None),
        ] {
            assert_eq!(read_duration(text), expected_ms.map(Duration::from_millis), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ms in any::<u64>()) {
            let length = Duration::from_millis(ms);
            prop_assert_eq!(read_duration(&format_duration(length)), Some(length));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9.hms天 ]{0,30}") {
            let length = read_duration(&text);
            prop_assert_eq!(length, length.and_then(|length| read_duration(&format_duration(length))));
        }
    }
}

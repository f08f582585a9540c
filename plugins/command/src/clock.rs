//! `now` in templates.

use easebot_model::Timestamp;
use serde_json::Value;

/// The difference of a local time to UTC.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct UtcOffset {
    minutes: i64,
}

/// The names of the parts of `now`.
pub(crate) const PARTS: [&str; 5] = ["date", "time", "weekday", "secs", "iso"];

const WEEKDAYS: [&str; 7] =
    ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

impl UtcOffset {
    /// Reads `+08:00`, at most 14 hours from UTC.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+')?),
        };
        let (hours, minutes) = rest.split_once(':')?;
        let two = |digits: &str| {
            let is_two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<i64>().ok().filter(|_| is_two)
        };
        let (hours, minutes) = (two(hours)?, two(minutes)?);
        let is_offset = minutes < 60 && hours * 60 + minutes <= 14 * 60;
        is_offset.then_some(Self { minutes: sign * (hours * 60 + minutes) })
    }

    /// The parts of `now`, in the order of [`PARTS`].
    pub(crate) fn parts(self, now: Timestamp) -> [(&'static str, Option<Value>); 5] {
        let secs = i64::try_from(now.0 / 1000).unwrap_or_default();
        let local = secs + self.minutes * 60;
        let (days, within) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let date = date(days);
        let time = format!("{:02}:{:02}:{:02}", within / 3600, within / 60 % 60, within % 60);
        let weekday = usize::try_from(days.rem_euclid(7)).ok().and_then(|day| WEEKDAYS.get(day));
        let sign = if self.minutes < 0 { '-' } else { '+' };
        let off = self.minutes.abs();
        let iso = format!("{date}T{time}{sign}{:02}:{:02}", off / 60, off % 60);
        let [a, b, c, d, e] = PARTS;
        let text = |text: String| Some(Value::String(text));
        [
            (a, text(date)),
            (b, text(time)),
            (c, weekday.map(|&day| day.into())),
            (d, Some(secs.into())),
            (e, text(iso)),
        ]
    }
}

/// The date `days` after 1970-01-01 in the Gregorian calendar, as `2026-11-22`.
fn date(days: i64) -> String {
    // Counted from the first of March, so that the day that not every year has is the last one.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leaps = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_779, "2026-11-22"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(days), expected);
        }
    }

    #[test]
    fn now_is_told_in_the_local_time() {
        let said = |offset: &str, ms| {
            let parts = UtcOffset::parse(offset).unwrap().parts(Timestamp(ms));
            parts.map(|(_, value)| value.unwrap().to_string().replace('"', "")).join(" ")
        };
        let ms = 1_795_370_400_999;
        assert_eq!(
            said("+00:00", ms),
            "2026-11-22 18:00:00 Sunday 1795370400 2026-11-22T18:00:00+00:00"
        );
        assert_eq!(
            said("+08:00", ms),
            "2026-11-23 02:00:00 Monday 1795370400 2026-11-23T02:00:00+08:00"
        );
        assert_eq!(said("-03:30", 0), "1969-12-31 20:30:00 Wednesday 0 1969-12-31T20:30:00-03:30");
    }

    #[test]
    fn an_offset_is_written_in_one_way() {
        for text in
            ["", "8", "08:00", "+8:00", "+08", "+14:01", "+01:60", "+ab:cd", "UTC", "++8:00"]
        {
            assert_eq!(UtcOffset::parse(text), None, "{text}");
        }
    }
}

//! `now` in templates.

use easebot_model::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

/// The parts of `now`, in the time of `zone`.
pub(crate) fn parts(now: Timestamp, zone: &TimeZone) -> [(&'static str, Option<Value>); 5] {
    let ms = i64::try_from(now.0).unwrap_or(i64::MAX);
    // What is beyond the year 9999 is no time that a clock shows.
    let local = jiff::Timestamp::from_millisecond(ms).unwrap_or_default().to_zoned(zone.clone());
    let text = |format: &str| Some(Value::String(local.strftime(format).to_string()));
    [
        ("date", text("%Y-%m-%d")),
        ("time", text("%H:%M:%S")),
        ("weekday", text("%A")),
        ("secs", Some(local.timestamp().as_second().into())),
        ("iso", text("%Y-%m-%dT%H:%M:%S%:z")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_is_told_in_the_local_time() {
        let said = |zone: &str, ms| {
            let parts = parts(Timestamp(ms), &TimeZone::get(zone).unwrap());
            parts.map(|(_, value)| value.unwrap().to_string().replace('"', "")).join(" ")
        };
        let ms = 1_795_370_400_999;
        let utc = "2026-11-22 18:00:00 Sunday 1795370400 2026-11-22T18:00:00+00:00";
        assert_eq!(said("UTC", ms), utc);
        let shanghai = "2026-11-23 02:00:00 Monday 1795370400 2026-11-23T02:00:00+08:00";
        assert_eq!(said("Asia/Shanghai", ms), shanghai);
        let epoch = "1970-01-01 00:00:00 Thursday 0 1970-01-01T00:00:00+00:00";
        assert_eq!((said("UTC", 0).as_str(), said("UTC", u64::MAX).as_str()), (epoch, epoch));
    }
}

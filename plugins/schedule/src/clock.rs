//! Times in templates.

use easebot_model::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

/// The parts of a time, as clocks in `zone` show it.
pub(crate) fn parts(time: Timestamp, zone: &TimeZone) -> [(&'static str, Option<Value>); 5] {
    let ms = i64::try_from(time.0).unwrap_or(i64::MAX);
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

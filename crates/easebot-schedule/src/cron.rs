//! When something comes again, as a line of cron says it.

mod local;
mod parse;

use std::fmt;

use jiff::{
    ToSpan,
    civil::{Date, DateTime, Time},
};

pub(crate) use self::local::next_after;
pub use self::parse::CronError;

/// Five fields: minute, hour, day of the month, month and day of the week, as in `0 9 * * MON-FRI`.
///
/// | field | values |
/// |---|---|
/// | minute | `0-59` |
/// | hour | `0-23` |
/// | day of the month | `1-31`, `L` for the last one |
/// | month | `1-12`, `JAN-DEC` |
/// | day of the week | `0-7`, `SUN-SAT`; `0` and `7` are Sunday, and `FRI-MON` goes over the end of the week |
///
/// A field is `*`, a value, a range, a range with a step (`*/5`, `8-18/2`), or several of these with `,` between them. If both
/// days are set, that is if neither field begins with `*`, either one is enough, as in Vixie's cron. Instead of the fields one may write
/// `@hourly`, `@daily`, `@weekly`, `@monthly` or `@yearly`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cron {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    is_on_last_day: bool,
    months: u64,
    weekdays: u64,
    /// The field of the day begins with `*`.
    is_any_day: bool,
    is_any_weekday: bool,
    /// It names its times: neither minute nor hour begins with `*`.
    is_fixed: bool,
}

/// In how many days anything comes that comes at all: eight years can be between two 29ths of February, and twelve between two
/// Mondays that are the first of one month.
const MAX_DAYS: u32 = 13 * 366;

impl Cron {
    /// Whether it names its times of day, instead of coming all the time. It matters when clocks are changed.
    pub(crate) const fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    /// The first time behind `after` that it names, on a clock that nobody changes.
    fn next_local(&self, after: DateTime) -> Option<DateTime> {
        let (mut date, mut from) = (after.date(), minute_of(after.time()) + 1);
        for _ in 0..MAX_DAYS {
            if !has(self.months, date.month()) {
                date = date.first_of_month().checked_add(1.month()).ok()?;
            } else {
                if self.is_on(date)
                    && let Some(time) = self.time_from(from)
                {
                    return Some(date.to_datetime(time));
                }
                date = date.tomorrow().ok()?;
            }
            from = 0;
        }
        None
    }

    fn is_on(&self, date: Date) -> bool {
        let is_last = self.is_on_last_day && date.day() == date.days_in_month();
        let day = is_last || has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        if self.is_any_day || self.is_any_weekday { day && weekday } else { day || weekday }
    }

    /// The first time of day that is not before the minute `from` of the day.
    fn time_from(&self, from: u32) -> Option<Time> {
        for hour in from / 60..24 {
            if self.hours & 1 << hour == 0 {
                continue;
            }
            let first = if hour == from / 60 { from % 60 } else { 0 };
            let minutes = self.minutes & u64::MAX << first;
            if minutes != 0 {
                let minute = i8::try_from(minutes.trailing_zeros()).ok()?;
                return Time::new(i8::try_from(hour).ok()?, minute, 0, 0).ok();
            }
        }
        None
    }
}

/// As it was written.
impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn has(set: u64, value: i8) -> bool {
    set & 1 << value.unsigned_abs() != 0
}

fn minute_of(time: Time) -> u32 {
    u32::from(time.hour().unsigned_abs()) * 60 + u32::from(time.minute().unsigned_abs())
}

#[cfg(test)]
mod tests;

//! When something is said or done.

use std::{collections::VecDeque, fmt, time::Duration};

use easebot_model::Timestamp;
use jiff::{
    civil::DateTime,
    tz::{AmbiguousOffset, Offset, TimeZone},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Cron, CronError,
    cron::{self},
};

/// A moment, or moments that come again.
///
/// ```
/// use easebot_schedule::When;
/// let mornings = When::cron("0 9 * * MON-FRI", "Asia/Shanghai")?;
/// assert_eq!(mornings.to_string(), "0 9 * * MON-FRI in Asia/Shanghai");
/// # Ok::<(), easebot_schedule::WhenError>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct When(Kind);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Kind {
    At(Timestamp),
    Cron(Box<(Cron, TimeZone)>),
    Every { ms: u64 },
}

/// Why there is no such [`When`].
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum WhenError {
    /// The line of cron is none.
    #[error(transparent)]
    Cron(#[from] CronError),
    /// The clocks of the place never show this time, because they are set forward over it.
    #[error("clocks in {time_zone} never show {text}: they go on at {resumed}")]
    LeftOut {
        /// The time.
        text: String,
        /// Where.
        time_zone: String,
        /// What they show next.
        resumed: DateTime,
    },
    /// It is no date and time.
    #[error("`{text}` is no date and time, such as `2026-12-24T18:00`")]
    NoTime {
        /// What stands there.
        text: String,
    },
    /// It is before 1970 or too far away.
    #[error("the time is beyond what can be kept")]
    OutOfRange,
    /// The period is too short or too long.
    #[error("a period is from 1 second to 366 days, and this one is {period:?}")]
    Period {
        /// The period.
        period: Duration,
    },
    /// The clocks of the place show this time twice, because they are set back over it.
    #[error("clocks in {time_zone} show {text} twice: write `{text}{first}` or `{text}{second}`")]
    Twice {
        /// The time.
        text: String,
        /// Where.
        time_zone: String,
        /// The offset from UTC of the first of the two.
        first: Offset,
        /// That of the second.
        second: Offset,
    },
    /// There is no such time zone.
    #[error("there is no time zone `{time_zone}`")]
    Zone {
        /// What stands there.
        time_zone: String,
    },
}

impl When {
    /// Once.
    #[must_use]
    pub const fn at(time: Timestamp) -> Self {
        Self(Kind::At(time))
    }

    /// Once, at a date and time such as `2026-12-24T18:00` as clocks in `time_zone` (an IANA name) show it. With an offset behind
    /// it, as in `2026-12-24T18:00+08:00`, the zone does not matter.
    ///
    /// # Errors
    /// [`WhenError`]; among others a time that clocks never show or show twice, because they are set that night.
    pub fn local(text: &str, time_zone: &str) -> Result<Self, WhenError> {
        let zone = zone(time_zone)?;
        let at = match text.parse::<jiff::Timestamp>() {
            Ok(at) => at,
            Err(_) => {
                let no_time = || WhenError::NoTime { text: text.to_owned() };
                // Dates alone are taken by the parser, and are no time.
                let time: DateTime =
                    text.parse().ok().filter(|_| text.contains(':')).ok_or_else(no_time)?;
                let at = zone.to_ambiguous_timestamp(time);
                let (text, time_zone) = (text.to_owned(), time_zone.to_owned());
                match at.offset() {
                    AmbiguousOffset::Unambiguous { .. } => {
                        at.unambiguous().map_err(|_| WhenError::OutOfRange)?
                    }
                    AmbiguousOffset::Gap { .. } => {
                        let resumed = resumed(&zone, at).ok_or(WhenError::OutOfRange)?;
                        return Err(WhenError::LeftOut { text, time_zone, resumed });
                    }
                    AmbiguousOffset::Fold { before: first, after: second } => {
                        return Err(WhenError::Twice { text, time_zone, first, second });
                    }
                }
            }
        };
        Ok(Self::at(from_jiff(at).ok_or(WhenError::OutOfRange)?))
    }

    /// Again and again, at the multiples of `period` since 1970 began in UTC: each 10 minutes is at :00, :10, :20 and so on, also
    /// after a restart. From 1 s to 366 days, in whole milliseconds.
    ///
    /// # Errors
    /// [`WhenError::Period`].
    pub fn every(period: Duration) -> Result<Self, WhenError> {
        let bounds = Duration::from_secs(1)..=Duration::from_secs(366 * 86_400);
        let ms = u64::try_from(period.as_millis()).ok().filter(|_| bounds.contains(&period));
        Ok(Self(Kind::Every { ms: ms.ok_or(WhenError::Period { period })? }))
    }

    /// Again and again, as a line of [`Cron`] says it for the clocks in `time_zone`, by its IANA name such as `Asia/Shanghai`.
    ///
    /// Where clocks are set for summer time, a line that names its times keeps to once a day: a time that does not exist is the
    /// moment at which the clock is set, and of one that comes twice the first counts. A line whose minute or hour begins
    /// with `*` goes by what the clock shows: nothing in an hour that is left out, and again in one that comes twice.
    ///
    /// # Errors
    /// [`WhenError::Cron`], [`WhenError::Zone`].
    pub fn cron(line: &str, time_zone: &str) -> Result<Self, WhenError> {
        Ok(Self(Kind::Cron(Box::new((line.parse()?, zone(time_zone)?)))))
    }

    /// The first moment behind `time`. None if there is none.
    #[must_use]
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Kind::At(at) => Some(*at).filter(|at| *at > time),
            Kind::Cron(cron) => {
                let (cron, zone) = &**cron;
                from_jiff(cron::next_after(cron, zone, to_jiff(time)?)?)
            }
            Kind::Every { ms } => (time.0 / ms).checked_add(1)?.checked_mul(*ms).map(Timestamp),
        }
    }

    /// The moments behind `after` up to `until`, in order: the latest `at_most`.
    pub(crate) fn between(
        &self,
        after: Timestamp,
        until: Timestamp,
        at_most: usize,
    ) -> VecDeque<Timestamp> {
        let mut found = VecDeque::new();
        let mut from = after;
        if let Kind::Every { ms } = &self.0 {
            let n = u64::try_from(at_most).unwrap_or(u64::MAX);
            from.0 = from.0.max((until.0 / ms).saturating_sub(n).saturating_mul(*ms));
        }
        while let Some(next) = self.next_after(from).filter(|next| *next <= until) {
            if found.len() == at_most {
                found.pop_front();
            }
            found.push_back(next);
            from = next;
        }
        found
    }

    /// Whether it comes at most once.
    #[must_use]
    pub const fn is_once(&self) -> bool {
        matches!(self.0, Kind::At(_))
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::At(at) => match to_jiff(*at) {
                Some(at) => write!(f, "at {at}"),
                None => write!(f, "at {} ms", at.0),
            },
            Kind::Cron(cron) => write!(f, "{} in {}", cron.0, name(&cron.1)),
            Kind::Every { ms } => write!(f, "every {:?}", Duration::from_millis(*ms)),
        }
    }
}

/// As it is saved.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    At(Timestamp),
    Cron { line: String, time_zone: String },
    EveryMs(u64),
}

impl From<When> for Written {
    fn from(when: When) -> Self {
        match when.0 {
            Kind::At(at) => Self::At(at),
            Kind::Cron(cron) => {
                Self::Cron { line: cron.0.to_string(), time_zone: name(&cron.1).to_owned() }
            }
            Kind::Every { ms } => Self::EveryMs(ms),
        }
    }
}

impl TryFrom<Written> for When {
    type Error = WhenError;

    fn try_from(written: Written) -> Result<Self, WhenError> {
        match written {
            Written::At(at) => Ok(Self::at(at)),
            Written::Cron { line, time_zone } => Self::cron(&line, &time_zone),
            Written::EveryMs(ms) => Self::every(Duration::from_millis(ms)),
        }
    }
}

/// What clocks in `zone` show after they are set forward over `at`.
fn resumed(zone: &TimeZone, at: jiff::tz::AmbiguousTimestamp) -> Option<DateTime> {
    // Taken by the offset behind the change it is before the change, and by the one before it is behind.
    let earlier = at.earlier().ok()?;
    let change = zone.following(earlier).next()?;
    Some(change.offset().to_datetime(change.timestamp()))
}

fn zone(name: &str) -> Result<TimeZone, WhenError> {
    TimeZone::get(name).map_err(|_| WhenError::Zone { time_zone: name.to_owned() })
}

fn name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

fn to_jiff(time: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(i64::try_from(time.0).ok()?).ok()
}

fn from_jiff(time: jiff::Timestamp) -> Option<Timestamp> {
    u64::try_from(time.as_millisecond()).ok().map(Timestamp)
}

#[cfg(test)]
mod tests;

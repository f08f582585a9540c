//! Times of day and days, as in `mon-fri 09:00-18:00`.

use std::{fmt, ops::Range};

use jiff::civil::{Date, DateTime};
use thiserror::Error;

/// A stretch of time that comes again: on some days, at some hours. The clock is that of a time zone which is not known here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Window {
    /// First and last date; all if there are none.
    dates: Option<(Date, Date)>,
    /// Bit 0 is Monday.
    days: u8,
    /// First minute of the day.
    from: u16,
    /// Minute behind the last one: of the same day, or of the next if it is not behind `from`.
    to: u16,
}

/// Why a text is no [`Window`]. `at` is the part of the text that is meant, in bytes.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum ParseWindowError {
    #[error("`{word}` is neither days nor hours")]
    Neither { word: String, at: Range<usize> },
    #[error("there is no day `{word}`")]
    Day { word: String, at: Range<usize> },
    #[error("there is no date `{word}`")]
    Date { word: String, at: Range<usize> },
    #[error("the last date is before the first one")]
    DatesBackwards { at: Range<usize> },
    #[error("there is no time of day `{word}`")]
    Hour { word: String, at: Range<usize> },
    #[error("hours that end when they begin are none")]
    NoTime { at: Range<usize> },
    #[error("{what} stand here already")]
    Twice { what: &'static str, at: Range<usize> },
    #[error("the time is empty")]
    Empty,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const EVERY_DAY: u8 = 0b111_1111;
const MINUTES: u16 = 24 * 60;

impl ParseWindowError {
    /// The part of the text that is wrong; none if it is the text as a whole.
    pub(crate) fn at(&self) -> Option<Range<usize>> {
        match self {
            Self::Neither { at, .. }
            | Self::Day { at, .. }
            | Self::Date { at, .. }
            | Self::DatesBackwards { at }
            | Self::Hour { at, .. }
            | Self::NoTime { at }
            | Self::Twice { at, .. } => Some(at.clone()),
            Self::Empty => None,
        }
    }
}

impl Window {
    /// Reads dates, days and hours, each at most once, in any order, with spaces between them.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseWindowError> {
        let (mut dates, mut days, mut hours) = (None, None, None);
        for word in text.split_ascii_whitespace() {
            let start = word.as_ptr().addr() - text.as_ptr().addr();
            let at = start..start + word.len();
            let twice = |what| ParseWindowError::Twice { what, at: at.clone() };
            if word.contains(':') {
                if hours.replace(parse_hours(word, &at)?).is_some() {
                    return Err(twice("hours"));
                }
            } else if word.starts_with(|c: char| c.is_ascii_digit()) {
                if dates.replace(parse_dates(word, &at)?).is_some() {
                    return Err(twice("dates"));
                }
            } else if word.starts_with(|c: char| c.is_ascii_alphabetic()) {
                if days.replace(parse_days(word, &at)?).is_some() {
                    return Err(twice("days"));
                }
            } else {
                return Err(ParseWindowError::Neither { word: word.to_owned(), at });
            }
        }
        if dates.is_none() && days.is_none() && hours.is_none() {
            return Err(ParseWindowError::Empty);
        }
        let (from, to) = hours.unwrap_or((0, MINUTES));
        Ok(Self { dates, days: days.unwrap_or(EVERY_DAY), from, to })
    }

    /// Whether it is open at `local`.
    pub(crate) fn holds(&self, local: DateTime) -> bool {
        let (hour, minute) = (local.hour().unsigned_abs(), local.minute().unsigned_abs());
        let minute = u16::from(hour) * 60 + u16::from(minute);
        let today = local.date();
        if self.from < self.to {
            return (self.from..self.to).contains(&minute) && self.is_on(today);
        }
        (minute >= self.from && self.is_on(today))
            || (minute < self.to && today.yesterday().is_ok_and(|day| self.is_on(day)))
    }

    fn is_on(&self, date: Date) -> bool {
        let day = date.weekday().to_monday_zero_offset().unsigned_abs();
        self.days & 1 << day != 0
            && self.dates.is_none_or(|(first, last)| (first..=last).contains(&date))
    }
}

/// `mon-fri`, `sat,sun`, `fri-mon`.
fn parse_days(word: &str, at: &Range<usize>) -> Result<u8, ParseWindowError> {
    let day = |name: &str| {
        DAYS.iter()
            .position(|day| day.eq_ignore_ascii_case(name))
            .ok_or_else(|| ParseWindowError::Day { word: name.to_owned(), at: at.clone() })
    };
    let mut days = 0;
    for part in word.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(part)?, day(part)?),
        };
        let last = if last < first { last + DAYS.len() } else { last };
        days = (first..=last).fold(days, |days, day| days | 1 << (day % DAYS.len()));
    }
    Ok(days)
}

/// `2026-10-01`, `2026-10-01..2026-10-07`.
fn parse_dates(word: &str, at: &Range<usize>) -> Result<(Date, Date), ParseWindowError> {
    let date = |text: &str| {
        // The parser of dates takes times as well, and other ways to write a date.
        let is_plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        text.parse::<Date>()
            .ok()
            .filter(|_| is_plain)
            .ok_or_else(|| ParseWindowError::Date { word: text.to_owned(), at: at.clone() })
    };
    let (first, last) = word.split_once("..").unwrap_or((word, word));
    let (first, last) = (date(first)?, date(last)?);
    if last < first {
        return Err(ParseWindowError::DatesBackwards { at: at.clone() });
    }
    Ok((first, last))
}

/// `09:00-18:00`, `22:00-06:00`, `18:00-24:00`.
fn parse_hours(word: &str, at: &Range<usize>) -> Result<(u16, u16), ParseWindowError> {
    let wrong = |word: &str| ParseWindowError::Hour { word: word.to_owned(), at: at.clone() };
    let time = |text: &str| {
        let (hour, minute) = text.split_once(':').ok_or_else(|| wrong(text))?;
        let number = |digits: &str| {
            let is_number = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse::<u16>().ok().filter(|_| is_number).ok_or_else(|| wrong(text))
        };
        let (hour, minute) = (number(hour)?, number(minute)?);
        let is_time = minute < 60 && hour * 60 + minute <= MINUTES;
        is_time.then_some(hour * 60 + minute).ok_or_else(|| wrong(text))
    };
    let (from, to) = word.split_once('-').ok_or_else(|| wrong(word))?;
    let (from, to) = (time(from)?, time(to)?);
    match from {
        MINUTES => Err(wrong("24:00")),
        from if from == to => Err(ParseWindowError::NoTime { at: at.clone() }),
        from => Ok((from, to)),
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some((first, last)) = self.dates {
            parts.push(format!("{first}..{last}"));
        }
        if self.days != EVERY_DAY {
            let days = DAYS.iter().enumerate().filter(|(day, _)| self.days & 1 << day != 0);
            parts.push(days.map(|(_, name)| *name).collect::<Vec<_>>().join(","));
        }
        if (self.from, self.to) != (0, MINUTES) {
            let (from, to) = (self.from, self.to);
            parts.push(format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60));
        }
        f.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `window` is open at each of `times`.
    #[track_caller]
    fn check(window: &str, times: &[(&str, bool)]) {
        let parsed = Window::parse(window).unwrap();
        for (time, expected) in times {
            assert_eq!(parsed.holds(time.parse().unwrap()), *expected, "{window} at {time}");
        }
    }

    #[test]
    fn hours_begin_with_their_first_minute_and_end_before_their_last() {
        check(
            "09:00-18:00",
            &[
                ("2026-11-22T08:59:59", false),
                ("2026-11-22T09:00", true),
                ("2026-11-22T17:59:59", true),
                ("2026-11-22T18:00", false),
            ],
        );
        check("18:00-24:00", &[("2026-11-22T23:59:59", true), ("2026-11-23T00:00", false)]);
    }

    #[test]
    fn days_are_single_ones_or_from_one_to_another() {
        // 2026-11-20 is a Friday.
        check(
            "mon-fri",
            &[("2026-11-20T23:59", true), ("2026-11-21T00:00", false), ("2026-11-23T00:00", true)],
        );
        check(
            "sat,Mon",
            &[("2026-11-21T12:00", true), ("2026-11-22T12:00", false), ("2026-11-23T12:00", true)],
        );
        check("fri-mon", &[("2026-11-22T12:00", true), ("2026-11-24T12:00", false)]);
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        check(
            "fri 22:00-06:00",
            &[
                ("2026-11-20T05:00", false),
                ("2026-11-20T21:59", false),
                ("2026-11-20T22:00", true),
                ("2026-11-21T05:59", true),
                ("2026-11-21T06:00", false),
                ("2026-11-21T22:00", false),
            ],
        );
        check("2026-12-31 20:00-02:00", &[("2027-01-01T01:59", true), ("2026-12-31T01:59", false)]);
    }

    #[test]
    fn dates_hold_from_the_first_to_the_last() {
        check(
            "2026-10-01..2026-10-07",
            &[
                ("2026-09-30T23:59", false),
                ("2026-10-01T00:00", true),
                ("2026-10-07T23:59", true),
                ("2026-10-08T00:00", false),
            ],
        );
        check("2026-10-01 mon", &[("2026-10-01T12:00", false)]);
    }

    #[test]
    fn a_window_is_written_as_it_is_read() {
        for text in ["mon,tue,wed 09:00-18:00", "22:00-06:30", "2026-10-01..2026-10-07", "sun"] {
            assert_eq!(Window::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Window::parse("06:00-24:00 Fri-Sun").unwrap().to_string(),
            "fri,sat,sun 06:00-24:00"
        );
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_place() {
        let check = |text: &str, message: &str, part: &str| {
            let error = Window::parse(text).unwrap_err();
            assert_eq!(error.to_string(), message, "{text}");
            assert_eq!(error.at().map_or(Some(""), |at| text.get(at)), Some(part), "{text}");
        };
        check("  ", "the time is empty", "");
        check("mon-fry 09:00-18:00", "there is no day `fry`", "mon-fry");
        check("mon 9:00-18:00", "there is no time of day `9:00`", "9:00-18:00");
        check("09:00", "there is no time of day `09:00`", "09:00");
        check("09:00-18:60", "there is no time of day `18:60`", "09:00-18:60");
        check("09:00-24:01", "there is no time of day `24:01`", "09:00-24:01");
        check("24:00-06:00", "there is no time of day `24:00`", "24:00-06:00");
        check("+9:00-10:00", "there is no time of day `+9:00`", "+9:00-10:00");
        check("09:00-09:00", "hours that end when they begin are none", "09:00-09:00");
        check("2026-02-30", "there is no date `2026-02-30`", "2026-02-30");
        check("2026-W10-1", "there is no date `2026-W10-1`", "2026-W10-1");
        check(
            "2026-10-07..2026-10-01",
            "the last date is before the first one",
            "2026-10-07..2026-10-01",
        );
        check("mon 09:00-10:00 tue", "days stand here already", "tue");
        check("周一 09:00-10:00", "`周一` is neither days nor hours", "周一");
    }
}

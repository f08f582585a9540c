//! The five fields, from text.

use std::{ops::Range, str::FromStr};

use thiserror::Error;

use super::Cron;

/// Why a text is no [`Cron`]. `at` is the part of the text that is meant, in bytes.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CronError {
    /// Something else begins with `@`.
    #[error("there is no `{word}`; there are @hourly, @daily, @weekly, @monthly and @yearly")]
    Alias {
        /// What stands there.
        word: String,
    },
    /// A range ends before it begins. Days of the week alone may go round.
    #[error("the range of the {field} ends before it begins")]
    Backwards {
        /// Of which field.
        field: &'static str,
        /// Where.
        at: Range<usize>,
    },
    /// There are not five fields.
    #[error(
        "there are {n_fields} fields where minute, hour, day of the month, month and day of the week are wanted"
    )]
    Fields {
        /// How many there are.
        n_fields: usize,
    },
    /// No month has such a day, as with February 30.
    #[error("no such day ever comes in these months")]
    Never {
        /// Where the day stands.
        at: Range<usize>,
    },
    /// A number is too small or too large.
    #[error("the {field} is from {min} to {max}")]
    OutOfRange {
        /// Of which field.
        field: &'static str,
        /// The smallest one.
        min: u32,
        /// The largest one.
        max: u32,
        /// Where.
        at: Range<usize>,
    },
    /// A step is no number above 0, or as wide as the field.
    #[error("a step of the {field} is from 1 to {max}")]
    Step {
        /// Of which field.
        field: &'static str,
        /// The largest one.
        max: u32,
        /// Where.
        at: Range<usize>,
    },
    /// A step behind a single value.
    #[error("a step needs a range before it, such as `*/5` or `0-30/5`")]
    StepOfOne {
        /// Where.
        at: Range<usize>,
    },
    /// What stands there is no value.
    #[error("`{word}` is no {field}")]
    Word {
        /// Of which field.
        field: &'static str,
        /// What stands there.
        word: String,
        /// Where.
        at: Range<usize>,
    },
}

impl CronError {
    /// The part of the text that is wrong; none if it is the text as a whole.
    #[must_use]
    pub fn at(&self) -> Option<Range<usize>> {
        match self {
            Self::Alias { .. } | Self::Fields { .. } => None,
            Self::Backwards { at, .. }
            | Self::Never { at }
            | Self::OutOfRange { at, .. }
            | Self::Step { at, .. }
            | Self::StepOfOne { at }
            | Self::Word { at, .. } => Some(at.clone()),
        }
    }
}

struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    /// Words for the values from `min` on.
    words: &'static [&'static str],
    /// How many values go round, if a range may.
    round: Option<u32>,
}

const MINUTE: Field = Field { name: "minute", min: 0, max: 59, words: &[], round: None };
const HOUR: Field = Field { name: "hour", min: 0, max: 23, words: &[], round: None };
const DAY: Field = Field { name: "day of the month", min: 1, max: 31, words: &[], round: None };
const MONTH: Field = Field {
    name: "month",
    min: 1,
    max: 12,
    words: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    round: None,
};
const WEEKDAY: Field = Field {
    name: "day of the week",
    min: 0,
    max: 7,
    words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    round: Some(7),
};

const ALIASES: [(&str, &str); 7] = [
    ("@annually", "0 0 1 1 *"),
    ("@daily", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
    ("@midnight", "0 0 * * *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@yearly", "0 0 1 1 *"),
];

/// The longest day of each month, from January.
const LONGEST: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let fields = match text.trim() {
            alias if alias.starts_with('@') => {
                let known = ALIASES.iter().find(|(name, _)| name.eq_ignore_ascii_case(alias));
                known.ok_or_else(|| CronError::Alias { word: alias.to_owned() })?.1
            }
            _ => text,
        };
        let words: Vec<&str> = fields.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = words[..] else {
            return Err(CronError::Fields { n_fields: words.len() });
        };
        let at = |word: &str| word.as_ptr().addr() - fields.as_ptr().addr();
        let is_any = |word: &str| word.starts_with('*');
        let (days, is_on_last_day) = days(day, at(day))?;
        let cron = Self {
            text: text.trim().to_owned(),
            minutes: set(minute, at(minute), &MINUTE)?,
            hours: set(hour, at(hour), &HOUR)?,
            days,
            is_on_last_day,
            months: set(month, at(month), &MONTH)?,
            weekdays: set(weekday, at(weekday), &WEEKDAY)?,
            is_any_day: is_any(day),
            is_any_weekday: is_any(weekday),
            is_fixed: !is_any(minute) && !is_any(hour),
        };
        if cron.never_comes() {
            return Err(CronError::Never { at: at(day)..at(day) + day.len() });
        }
        Ok(cron)
    }
}

impl Cron {
    /// Whether none of its months has one of its days.
    fn never_comes(&self) -> bool {
        let is_there = |(month, longest): (u32, u32)| {
            self.months & 1 << month != 0 && self.days & ((1 << (longest + 1)) - 1) != 0
        };
        // A day of the week is in every month.
        let by_weekday = !self.is_any_day && !self.is_any_weekday;
        !self.is_on_last_day && !by_weekday && !(1..).zip(LONGEST).any(is_there)
    }
}

/// Days of the month, and whether the last one is among them.
fn days(word: &str, at: usize) -> Result<(u64, bool), CronError> {
    let is_last = |part: &&str| part.eq_ignore_ascii_case("l");
    let mut found = (0, false);
    let mut start = at;
    for part in word.split(',') {
        if is_last(&part) {
            found.1 = true;
        } else {
            found.0 |= range(part, start, &DAY)?;
        }
        start += part.len() + 1;
    }
    Ok(found)
}

/// The values of a field, as bits.
fn set(word: &str, at: usize, field: &Field) -> Result<u64, CronError> {
    let (mut values, mut start) = (0, at);
    for part in word.split(',') {
        values |= range(part, start, field)?;
        start += part.len() + 1;
    }
    Ok(values)
}

/// `*`, `5`, `1-5`, each but the second also with `/2` behind it. `start` is where it stands.
fn range(part: &str, start: usize, field: &Field) -> Result<u64, CronError> {
    let at = start..start + part.len();
    let (whole, step) = match part.split_once('/') {
        Some((whole, step)) => (whole, Some(step)),
        None => (part, None),
    };
    let (first, last) = match whole.split_once('-') {
        None if whole == "*" => (field.min, field.max),
        None if step.is_some() => {
            value(whole, start, field)?;
            return Err(CronError::StepOfOne { at });
        }
        None => {
            let one = value(whole, start, field)?;
            (one, one)
        }
        Some((first, last)) => {
            (value(first, start, field)?, value(last, start + first.len() + 1, field)?)
        }
    };
    let last = match field.round {
        Some(round) if last < first => last + round,
        _ if last < first => return Err(CronError::Backwards { field: field.name, at }),
        _ => last,
    };
    let step = step.map_or(Ok(1), |step| {
        let max = field.max - field.min;
        let start = at.end - step.len();
        let wrong = || CronError::Step { field: field.name, max, at: start..at.end };
        number(step).filter(|step| (1..=max).contains(step)).ok_or_else(wrong)
    })?;
    let mut values = 0;
    let mut at = first;
    while at <= last {
        values |= 1 << field.round.map_or(at, |round| at % round);
        at += step;
    }
    Ok(values)
}

fn value(word: &str, start: usize, field: &Field) -> Result<u32, CronError> {
    let at = start..start + word.len();
    let named = (field.min..).zip(field.words).find(|(_, name)| name.eq_ignore_ascii_case(word));
    if let Some((value, _)) = named {
        return Ok(value);
    }
    let wrong = || CronError::Word { field: field.name, word: word.to_owned(), at: at.clone() };
    let value = number(word).ok_or_else(wrong)?;
    let Field { name, min, max, .. } = *field;
    if !(min..=max).contains(&value) {
        return Err(CronError::OutOfRange { field: name, min, max, at });
    }
    Ok(value)
}

/// Digits and nothing else.
fn number(word: &str) -> Option<u32> {
    let is_number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    word.parse().ok().filter(|_| is_number)
}

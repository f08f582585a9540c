//! Arguments: from their keys to a syntax, and from what was read to the values of a template.

use std::time::Duration;

use easebot_command::{Arg, Args, Kind, Presence, Syntax, SyntaxError, Value as Read};
use easebot_model::UserId;
use easebot_plugin::{At, Problem, Problems, Span};
use serde_json::Value;

use crate::keys::{ArgKeys, ArgType, Scalar};

/// The syntax of `keys`, or every problem of them.
pub(crate) fn build(keys: &[At<ArgKeys>], problems: &mut Problems) -> Option<Syntax> {
    let n_before = problems.len();
    let args: Vec<Arg> = keys.iter().map(|arg| read(arg, problems)).collect();
    if problems.len() > n_before {
        return None;
    }
    Syntax::new(args).map_err(|error| problems.push(located(&error, keys))).ok()
}

fn read(keys: &ArgKeys, problems: &mut Problems) -> Arg {
    let kind = kind(keys, problems);
    let mut arg = Arg::new(keys.name.as_str(), kind).about(keys.help.as_str());
    if keys.option {
        arg = arg.option();
    }
    if keys.optional {
        arg = arg.optional();
    }
    if let Some(default) = &keys.default {
        arg = arg.with_default(default.to_word());
    }
    arg
}

fn kind(keys: &ArgKeys, problems: &mut Problems) -> Kind {
    let refuse = |at: Option<Span>, message: &str, problems: &mut Problems| {
        problems.push(Problem::error(at, message));
    };
    match (keys.kind, &keys.choices) {
        (ArgType::Choice, None) => {
            let problem = Problem::error(keys.name.span(), "there is nothing to choose from");
            problems.push(problem.hint("add `choices = […]`"));
        }
        (ArgType::Choice, Some(_)) | (_, None) => {}
        (_, Some(choices)) => {
            let at = choices.first().and_then(At::span);
            refuse(at, "only an argument of `type = \"choice\"` has choices", problems);
        }
    }
    let has_min = matches!(keys.kind, ArgType::Integer | ArgType::Number | ArgType::Duration);
    let has_max = has_min || matches!(keys.kind, ArgType::String | ArgType::Rest);
    if let (Some(min), false) = (&keys.min, has_min) {
        refuse(min.span(), "an argument of this type has no smallest value", problems);
    }
    if let (Some(max), false) = (&keys.max, has_max) {
        refuse(max.span(), "an argument of this type has no largest value", problems);
    }
    let (min, max) = (keys.min.as_ref(), keys.max.as_ref());
    match keys.kind {
        ArgType::Choice => {
            let choices = keys.choices.iter().flat_map(|choices| choices.iter());
            Kind::Choice(choices.map(|choice| choice.to_string()).collect())
        }
        ArgType::Duration => Kind::Duration {
            min: bound(min, "a number of seconds", Scalar::to_duration, problems),
            max: bound(max, "a number of seconds", Scalar::to_duration, problems),
        },
        ArgType::Integer => Kind::Integer {
            min: bound(min, "a whole number", Scalar::to_integer, problems),
            max: bound(max, "a whole number", Scalar::to_integer, problems),
        },
        ArgType::Number => Kind::Number {
            min: bound(min, "a number", Scalar::to_number, problems),
            max: bound(max, "a number", Scalar::to_number, problems),
        },
        ArgType::Rest => Kind::Rest {
            max_chars: bound(max, "a number of characters", Scalar::to_count, problems),
        },
        ArgType::String => Kind::Text {
            max_chars: bound(max, "a number of characters", Scalar::to_count, problems),
        },
        ArgType::Switch => Kind::Switch,
        ArgType::User => Kind::User,
    }
}

fn bound<T>(
    written: Option<&At<Scalar>>,
    what: &str,
    read: impl Fn(&Scalar) -> Option<T>,
    problems: &mut Problems,
) -> Option<T> {
    let written = written?;
    let value = read(written);
    if value.is_none() {
        problems.push(Problem::error(written.span(), format!("this has to be {what}")));
    }
    value
}

impl Scalar {
    fn to_word(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    const fn to_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Number(_) | Self::Text(_) => None,
        }
    }

    fn to_number(&self) -> Option<f64> {
        // The shortest text of a whole number is read exactly as far as a number with a fraction can be.
        match self {
            Self::Integer(number) => number.to_string().parse().ok(),
            Self::Number(number) => Some(*number).filter(|number| number.is_finite()),
            Self::Text(_) => None,
        }
    }

    fn to_count(&self) -> Option<usize> {
        self.to_integer().and_then(|number| usize::try_from(number).ok())
    }

    fn to_duration(&self) -> Option<Duration> {
        self.to_number().and_then(|secs| Duration::try_from_secs_f64(secs).ok())
    }
}

/// `error` at the key that it is about.
fn located(error: &SyntaxError, keys: &[At<ArgKeys>]) -> Problem {
    let arg = keys.get(error.index());
    let name = arg.and_then(|arg| arg.name.span());
    let at = match error {
        SyntaxError::BadDefault { .. } => arg.and_then(|arg| arg.default.as_ref()?.span()),
        SyntaxError::EmptyRange { .. } => {
            arg.and_then(|arg| arg.max.as_ref().or(arg.min.as_ref())?.span())
        }
        SyntaxError::NoChoices { .. } => arg.and_then(|arg| arg.choices.as_ref()?.first()?.span()),
        _ => name,
    };
    let problem = Problem::error(at.or(name), error.to_string());
    match error {
        SyntaxError::Twice { first, .. } => {
            problem.related(keys.get(*first).and_then(|first| first.name.span()), "first used")
        }
        SyntaxError::RequiredBehindOptional { .. } => {
            problem.hint("make it optional too, or an option: `option = true`")
        }
        _ => problem,
    }
}

/// The values of a template.
fn values<'a>(args: &'a Args<'_>) -> impl Iterator<Item = (&'a str, Option<Value>)> {
    args.iter().map(|(name, value)| (name, value.map(value_of)))
}

/// The values of a template that were read as arguments, by their names.
pub(crate) type Given = Vec<(String, Option<Value>)>;

/// The same, to be kept.
pub(crate) fn given(args: &Args<'_>) -> Given {
    values(args).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Made-up values: with what may be left out, or without it.
pub(crate) fn sample(
    syntax: &Syntax,
    is_full: bool,
) -> impl Iterator<Item = (&str, Option<Value>)> {
    syntax.args().iter().map(move |arg| {
        let is_there = is_full || arg.presence != Presence::Optional || arg.kind == Kind::Switch;
        (arg.name.as_str(), is_there.then(|| value_of(&example(&arg.kind))))
    })
}

fn example(kind: &Kind) -> Read {
    match kind {
        Kind::Choice(choices) => Read::Text(choices.first().cloned().unwrap_or_default()),
        Kind::Duration { min, max } => {
            Read::Duration(min.or(*max).unwrap_or(Duration::from_secs(60)))
        }
        Kind::Integer { min, max } => Read::Integer(min.or(*max).unwrap_or(1)),
        Kind::Number { min, max } => Read::Number(min.or(*max).unwrap_or(1.5)),
        Kind::Switch => Read::Switch(true),
        Kind::User => Read::User(UserId::new("bob")),
        _ => Read::Text("text".to_owned()),
    }
}

fn value_of(value: &Read) -> Value {
    match value {
        Read::Duration(length) if length.subsec_millis() == 0 => length.as_secs().into(),
        Read::Duration(length) => length.as_secs_f64().into(),
        Read::Integer(number) => (*number).into(),
        Read::Number(number) => (*number).into(),
        Read::Switch(is_on) => (*is_on).into(),
        Read::Text(text) => text.as_str().into(),
        Read::User(user) => user.as_str().into(),
        _ => Value::Null,
    }
}

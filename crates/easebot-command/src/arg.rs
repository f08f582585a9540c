//! Which argument a Rust type is.

use std::time::Duration;

use easebot_model::UserId;

use crate::{Arg, Kind, Value};

/// A type that an argument of a command can have.
///
/// | type | argument |
/// |---|---|
/// | `String` | a word, or several in quotes |
/// | [`Rest`] | everything that follows, as it stands |
/// | `i8` to `i64`, `u8` to `u64`, `f32`, `f64` | a number within the bounds of the type; a `u64` up to `i64::MAX` |
/// | `bool` | a switch, `--name` |
/// | [`Duration`] | a length of time such as `10m` or `1h30m` |
/// | [`UserId`] | a user, `bob` or `@bob` |
/// | `Option<T>` | one that may be left out |
/// | `Vec<T>` | all words that are left, maybe none |
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a command",
    label = "no words are read as a `{Self}`",
    note = "arguments are `String`, `Rest`, whole numbers up to 64 bits, `f64`, `bool`, `Duration`, `UserId`, and `Option` and `Vec` of these; implement `FromArg` for others"
)]
pub trait FromArg: Sized {
    /// How the argument is declared under this name.
    fn arg(name: &str) -> Arg;

    /// Itself, from what was read for [`arg`](Self::arg); none only if it was read for something else.
    fn from_value(value: Option<Value>) -> Option<Self>;
}

/// Everything from one word to the end of the text, as it stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rest(
    /// The text.
    pub String,
);

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl FromArg for $number {
            fn arg(name: &str) -> Arg {
                let bound = |bound: $number| i64::try_from(bound).ok();
                Arg::new(name, Kind::Integer {
                    min: bound(<$number>::MIN).filter(|min| *min != i64::MIN),
                    max: bound(<$number>::MAX).filter(|max| *max != i64::MAX),
                })
            }

            fn from_value(value: Option<Value>) -> Option<Self> {
                match value? {
                    Value::Integer(number) => number.try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}

whole_numbers!(i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! plain {
    ($($kind:expr => $value:ident($held:pat) -> $of:ty = $made:expr;)*) => {$(
        impl FromArg for $of {
            fn arg(name: &str) -> Arg {
                Arg::new(name, $kind)
            }

            fn from_value(value: Option<Value>) -> Option<Self> {
                match value? {
                    Value::$value($held) => Some($made),
                    _ => None,
                }
            }
        }
    )*};
}

plain! {
    Kind::Duration { min: None, max: None } => Duration(length) -> Duration = length;
    Kind::Number { min: None, max: None } => Number(number) -> f64 = number;
    Kind::Switch => Switch(is_on) -> bool = is_on;
    Kind::User => User(user) -> UserId = user;
    Kind::rest() => Text(text) -> Rest = Self(text);
    Kind::text() => Text(text) -> String = text;
}

impl FromArg for f32 {
    fn arg(name: &str) -> Arg {
        let max = f64::from(Self::MAX);
        Arg::new(name, Kind::Number { min: Some(-max), max: Some(max) })
    }

    fn from_value(value: Option<Value>) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "within the bounds; the nearest one is meant"
        )]
        f64::from_value(value).map(|number| number as Self)
    }
}

impl<T: FromArg> FromArg for Option<T> {
    fn arg(name: &str) -> Arg {
        T::arg(name).optional()
    }

    fn from_value(value: Option<Value>) -> Option<Self> {
        match value {
            None => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl<T: FromArg> FromArg for Vec<T> {
    fn arg(name: &str) -> Arg {
        T::arg(name).list().optional()
    }

    fn from_value(value: Option<Value>) -> Option<Self> {
        match value? {
            Value::List(values) => {
                values.into_iter().map(|value| T::from_value(Some(value))).collect()
            }
            _ => None,
        }
    }
}

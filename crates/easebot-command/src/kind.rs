//! Types of arguments, and how a word is read as one.

use std::{num::IntErrorKind, time::Duration};

use easebot_model::UserId;

use crate::{ReadError, format_duration, read_duration};

/// The type of an argument: which words it takes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// One of these words; upper and lower case are the same, and the value is the word as it stands here.
    Choice(Vec<String>),
    /// A length of time, as [`read_duration`] reads it.
    Duration {
        /// Shortest.
        min: Option<Duration>,
        /// Longest.
        max: Option<Duration>,
    },
    /// A whole number of 64 bits.
    Integer {
        /// Smallest.
        min: Option<i64>,
        /// Largest.
        max: Option<i64>,
    },
    /// A number, never infinite.
    Number {
        /// Smallest.
        min: Option<f64>,
        /// Largest.
        max: Option<f64>,
    },
    /// Everything from the first character to the end, as it stands. It is the last argument.
    Rest {
        /// Most characters.
        max_chars: Option<usize>,
    },
    /// An option without a value, such as `--all`: true if it is there.
    Switch,
    /// A word, or several in quotes.
    Text {
        /// Most characters.
        max_chars: Option<usize>,
    },
    /// A user: `bob`, `@bob` or `user:bob`. Only what can be a user name, whether there is one or not.
    User,
}

/// An argument that was read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Of a [`Kind::Duration`].
    Duration(Duration),
    /// Of a [`Kind::Integer`].
    Integer(i64),
    /// Of an argument that is a list.
    List(Vec<Self>),
    /// Of a [`Kind::Number`].
    Number(f64),
    /// Of a [`Kind::Switch`].
    Switch(bool),
    /// Of a [`Kind::Text`], a [`Kind::Rest`] or a [`Kind::Choice`].
    Text(String),
    /// Of a [`Kind::User`].
    User(UserId),
}

impl Kind {
    /// A word of any length.
    #[must_use]
    pub const fn text() -> Self {
        Self::Text { max_chars: None }
    }

    /// Everything that follows.
    #[must_use]
    pub const fn rest() -> Self {
        Self::Rest { max_chars: None }
    }

    /// A whole number within bounds.
    #[must_use]
    pub const fn integer(min: Option<i64>, max: Option<i64>) -> Self {
        Self::Integer { min, max }
    }

    /// Reads one word, or for a [`Rest`](Self::Rest) all that follows.
    ///
    /// # Errors
    /// [`ReadError`] with what the word should have been. A [`Switch`](Self::Switch) takes no word at all.
    pub fn read(&self, word: &str) -> Result<Value, ReadError> {
        match self {
            Self::Choice(choices) => choices
                .iter()
                .find(|choice| choice.to_lowercase() == word.to_lowercase())
                .map(|choice| Value::Text(choice.clone()))
                .ok_or_else(|| ReadError::NotOneOf { choices: choices.clone() }),
            Self::Duration { min, max } => {
                let length = read_duration(&narrow(word)).ok_or(ReadError::NoDuration)?;
                within(&length, min.as_ref(), max.as_ref(), |bound| format_duration(*bound))?;
                Ok(Value::Duration(length))
            }
            Self::Integer { min, max } => {
                let number = narrow(word).parse::<i64>().map_err(|error| match error.kind() {
                    IntErrorKind::PosOverflow => {
                        ReadError::TooLarge { max: max.unwrap_or(i64::MAX).to_string() }
                    }
                    IntErrorKind::NegOverflow => {
                        ReadError::TooSmall { min: min.unwrap_or(i64::MIN).to_string() }
                    }
                    _ => ReadError::NoInteger,
                })?;
                within(&number, min.as_ref(), max.as_ref(), i64::to_string)?;
                Ok(Value::Integer(number))
            }
            Self::Number { min, max } => {
                let word = narrow(word);
                // What reads `inf` and `nan` as numbers has no place here.
                let is_number = word.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
                let number =
                    word.parse::<f64>().ok().filter(|number| is_number && number.is_finite());
                let number = number.ok_or(ReadError::NoNumber)?;
                within(&number, min.as_ref(), max.as_ref(), f64::to_string)?;
                Ok(Value::Number(number))
            }
            Self::Rest { max_chars } | Self::Text { max_chars } => match max_chars {
                Some(max_chars) if word.chars().count() > *max_chars => {
                    Err(ReadError::TooLong { max_chars: *max_chars })
                }
                _ => Ok(Value::Text(word.to_owned())),
            },
            Self::Switch => Err(ReadError::NoValue),
            Self::User => {
                let name =
                    word.strip_prefix('@').or_else(|| word.strip_prefix("user:")).unwrap_or(word);
                let user = UserId::new(name);
                if user.is_legal() { Ok(Value::User(user)) } else { Err(ReadError::NoUser) }
            }
        }
    }

    /// What it takes, in words for help; none if there is nothing to say.
    #[must_use]
    pub fn describe(&self) -> Option<String> {
        let range = |what: &str, min: Option<String>, max: Option<String>| match (min, max) {
            (Some(min), Some(max)) => format!("{what} from {min} to {max}"),
            (Some(min), None) => format!("{what} of at least {min}"),
            (None, Some(max)) => format!("{what} of at most {max}"),
            (None, None) => what.to_owned(),
        };
        match self {
            Self::Choice(choices) => Some(choices.join(" or ")),
            Self::Duration { min, max } => {
                let text = |bound: &Option<Duration>| bound.map(format_duration);
                Some(range("time such as 10m or 1h30m", text(min), text(max)))
            }
            Self::Integer { min, max } => {
                Some(range("whole number", min.map(|n| n.to_string()), max.map(|n| n.to_string())))
            }
            Self::Number { min, max } => {
                Some(range("number", min.map(|n| n.to_string()), max.map(|n| n.to_string())))
            }
            Self::Rest { max_chars } | Self::Text { max_chars } => {
                max_chars.map(|max_chars| format!("at most {max_chars} characters"))
            }
            Self::Switch => None,
            Self::User => Some("user name".to_owned()),
        }
    }
}

fn within<T: PartialOrd>(
    value: &T,
    min: Option<&T>,
    max: Option<&T>,
    show: impl Fn(&T) -> String,
) -> Result<(), ReadError> {
    match (min, max) {
        (Some(min), _) if value < min => Err(ReadError::TooSmall { min: show(min) }),
        (_, Some(max)) if value > max => Err(ReadError::TooLarge { max: show(max) }),
        _ => Ok(()),
    }
}

/// The same with digits and signs of a Chinese keyboard's full width as the usual ones.
fn narrow(word: &str) -> String {
    word.chars().map(crate::width::narrow).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(word: &str) -> Result<Value, ReadError> {
        Ok(Value::Text(word.to_owned()))
    }

    #[test]
    fn a_word_is_read_as_its_type() {
        let (integer, number) =
            (Kind::integer(Some(-1), Some(7)), Kind::Number { min: Some(0.0), max: None });
        let time = Kind::Duration { min: None, max: Some(Duration::from_secs(3600)) };
        let choice = Kind::Choice(vec!["Celsius".to_owned(), "华氏".to_owned()]);
        let short = Kind::Text { max_chars: Some(2) };
        for (kind, word, expected) in [
            (&integer, "7", Ok(Value::Integer(7))),
            (&integer, "+3", Ok(Value::Integer(3))),
            (&integer, "-1", Ok(Value::Integer(-1))),
            (&integer, "３", Ok(Value::Integer(3))),
            (&integer, "8", Err(ReadError::TooLarge { max: "7".to_owned() })),
            (&integer, "-2", Err(ReadError::TooSmall { min: "-1".to_owned() })),
            (&integer, "99999999999999999999", Err(ReadError::TooLarge { max: "7".to_owned() })),
            (&integer, "-99999999999999999999", Err(ReadError::TooSmall { min: "-1".to_owned() })),
            (&integer, "1.5", Err(ReadError::NoInteger)),
            (&integer, "", Err(ReadError::NoInteger)),
            (&number, "1.5", Ok(Value::Number(1.5))),
            (&number, "1e3", Ok(Value::Number(1000.0))),
            (&number, "-1", Err(ReadError::TooSmall { min: "0".to_owned() })),
            (&number, "nan", Err(ReadError::NoNumber)),
            (&number, "inf", Err(ReadError::NoNumber)),
            (&number, "1e999", Err(ReadError::NoNumber)),
            (&time, "30m", Ok(Value::Duration(Duration::from_secs(1800)))),
            (&time, "３０分", Ok(Value::Duration(Duration::from_secs(1800)))),
            (&time, "2h", Err(ReadError::TooLarge { max: "1h".to_owned() })),
            (&time, "30", Err(ReadError::NoDuration)),
            (&choice, "celsius", text("Celsius")),
            (&choice, "华氏", text("华氏")),
            (
                &choice,
                "k",
                Err(ReadError::NotOneOf {
                    choices: vec!["Celsius".to_owned(), "华氏".to_owned()]
                }),
            ),
            (&short, "你好", text("你好")),
            (&short, "abc", Err(ReadError::TooLong { max_chars: 2 })),
            (&Kind::User, "@Bob", Ok(Value::User(UserId::new("bob")))),
            (&Kind::User, "user:bob", Ok(Value::User(UserId::new("bob")))),
            (&Kind::User, "a b", Err(ReadError::NoUser)),
            (&Kind::User, "@", Err(ReadError::NoUser)),
            (&Kind::Switch, "yes", Err(ReadError::NoValue)),
        ] {
            assert_eq!(kind.read(word), expected, "{word:?} as {kind:?}");
        }
    }

    proptest! {
        #[test]
        fn no_word_makes_it_panic(word in any::<String>()) {
            let (min, max) = (None, None);
            for kind in [Kind::integer(None, None), Kind::Number { min, max }, Kind::User, Kind::Duration { min: None, max: None }] {
                if let Ok(Value::Number(number)) = kind.read(&word) {
                    prop_assert!(number.is_finite());
                }
            }
        }

        #[test]
        fn whole_numbers_are_read_back(number in any::<i64>()) {
            prop_assert_eq!(Kind::integer(None, None).read(&number.to_string()), Ok(Value::Integer(number)));
        }
    }
}

//! What can be wrong with a command, as it is written or as it is declared.

use std::ops::Range;

use thiserror::Error;

/// Why what stands behind a command's name cannot be read.
///
/// Its text is for whoever wrote the command: it names the argument and what it should be, and repeats nothing of what was
/// written. [`at`](Self::at) says where that is.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ArgError {
    /// More than the command takes.
    #[error("the command takes no more than that")]
    Extra {
        /// The first word that is too much.
        at: Range<usize>,
    },
    /// An argument is not there.
    #[error("`{arg}` is missing")]
    Missing {
        /// Its name.
        arg: String,
        /// Where it should be: behind the last word.
        at: Range<usize>,
    },
    /// An option stands without its value.
    #[error("`--{option}` needs a value behind it")]
    NoValue {
        /// Its name.
        option: String,
        /// The option.
        at: Range<usize>,
    },
    /// There is no such option.
    #[error("there is no such option; there are --{}", options.join(", --"))]
    NoSuchOption {
        /// Those that there are.
        options: Vec<String>,
        /// The option.
        at: Range<usize>,
    },
    /// An option stands there twice.
    #[error("`--{option}` stands there twice")]
    OptionTwice {
        /// Its name.
        option: String,
        /// The second one.
        at: Range<usize>,
    },
    /// A word is not what the argument takes.
    #[error("`{arg}` {reason}")]
    Unreadable {
        /// Name of the argument.
        arg: String,
        /// What it should be.
        reason: ReadError,
        /// The word.
        at: Range<usize>,
    },
}

impl ArgError {
    /// Where in what was read, in bytes. Empty if something is missing there.
    #[must_use]
    pub fn at(&self) -> Range<usize> {
        match self {
            Self::Extra { at }
            | Self::Missing { at, .. }
            | Self::NoSuchOption { at, .. }
            | Self::NoValue { at, .. }
            | Self::OptionTwice { at, .. }
            | Self::Unreadable { at, .. } => at.clone(),
        }
    }

    /// The name of the argument that it is about, if it is about one.
    #[must_use]
    pub fn arg(&self) -> Option<&str> {
        match self {
            Self::Extra { .. } | Self::NoSuchOption { .. } => None,
            Self::Missing { arg, .. } | Self::Unreadable { arg, .. } => Some(arg),
            Self::NoValue { option, .. } | Self::OptionTwice { option, .. } => Some(option),
        }
    }

    /// Which mistake it is, in one word: `extra`, `missing`, `no_value`, `no_such_option`, `option_twice` or `unreadable`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Extra { .. } => "extra",
            Self::Missing { .. } => "missing",
            Self::NoSuchOption { .. } => "no_such_option",
            Self::NoValue { .. } => "no_value",
            Self::OptionTwice { .. } => "option_twice",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}

/// Why a word is no value of an argument's type. Its text goes on behind the name of the argument.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ReadError {
    /// No length of time.
    #[error("is no length of time such as 90s, 10m or 1h30m")]
    NoDuration,
    /// No whole number.
    #[error("is no whole number")]
    NoInteger,
    /// No number.
    #[error("is no number")]
    NoNumber,
    /// Not one of the words that there are.
    #[error("is one of {}", choices.join(", "))]
    NotOneOf {
        /// Those.
        choices: Vec<String>,
    },
    /// Nothing that can be a user's name.
    #[error("is no user name")]
    NoUser,
    /// A switch has no value.
    #[error("takes no value")]
    NoValue,
    /// Above the largest value.
    #[error("is at most {max}")]
    TooLarge {
        /// That value.
        max: String,
    },
    /// Longer than it may be.
    #[error("has at most {max_chars} characters")]
    TooLong {
        /// So many.
        max_chars: usize,
    },
    /// Below the smallest value.
    #[error("is at least {min}")]
    TooSmall {
        /// That value.
        min: String,
    },
}

/// Why arguments cannot be declared like this.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SyntaxError {
    /// The default is no value of the type.
    #[error("the default {reason}")]
    BadDefault {
        /// Which argument, from 0.
        index: usize,
        /// What it should be.
        reason: ReadError,
    },
    /// No name, or one that could not be written in a template or as an option.
    #[error("the name of an argument is letters, digits and `_`, and begins with a letter")]
    BadName {
        /// Which argument, from 0.
        index: usize,
    },
    /// Something follows the argument that takes all.
    #[error("nothing can stand behind an argument that takes the rest")]
    BehindRest {
        /// Which argument, from 0.
        index: usize,
    },
    /// The smallest value is above the largest.
    #[error("no value is within these bounds")]
    EmptyRange {
        /// Which argument, from 0.
        index: usize,
    },
    /// Bounds of something that is no number, or choices or a length of something that is no text.
    #[error("bounds are for numbers, choices and a length for texts")]
    Misfit {
        /// Which argument, from 0.
        index: usize,
    },
    /// Nothing to choose from, or the same word twice.
    #[error("choices are words, each of them once")]
    NoChoices {
        /// Which argument, from 0.
        index: usize,
    },
    /// A type that only an option can have, or that none can have.
    #[error(
        "a `rest` or a list is no option, a list has no default, and a switch is always an option that may be left out"
    )]
    NoOption {
        /// Which argument, from 0.
        index: usize,
    },
    /// One that has to be there stands behind one that may be left out, so that nobody knows which is meant.
    #[error("an argument that has to be there cannot stand behind one that may be left out")]
    RequiredBehindOptional {
        /// Which argument, from 0.
        index: usize,
    },
    /// Two of one name.
    #[error("the name is taken already")]
    Twice {
        /// Which argument, from 0.
        index: usize,
        /// The first of the name.
        first: usize,
    },
}

impl SyntaxError {
    /// The argument that is wrong, from 0.
    #[must_use]
    pub const fn index(&self) -> usize {
        match self {
            Self::BadDefault { index, .. }
            | Self::BadName { index }
            | Self::BehindRest { index }
            | Self::EmptyRange { index }
            | Self::Misfit { index }
            | Self::NoChoices { index }
            | Self::NoOption { index }
            | Self::RequiredBehindOptional { index }
            | Self::Twice { index, .. } => *index,
        }
    }
}

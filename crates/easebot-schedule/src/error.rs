//! Why there is no schedule, and why something is not planned.

use std::{fmt, time::Duration};

use easebot_plugin::StateError;
use thiserror::Error;

use crate::WhenError;

/// Everything that is wrong with the jobs of a [`Schedule`](crate::Schedule).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BuildError {
    /// What, in the order of the jobs.
    pub troubles: Vec<Trouble>,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said: Vec<String> = self.troubles.iter().map(|it| easebot_model::chain(it)).collect();
        write!(f, "the schedule cannot be kept: {}", said.join("; "))
    }
}

impl std::error::Error for BuildError {}

/// Something that is wrong with a job.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Trouble {
    /// The limit of a run is too short or too long.
    #[error("a run of `{job}` may take 1 second to a day, and not {limit:?}")]
    Limit {
        /// Of which job.
        job: String,
        /// The limit.
        limit: Duration,
    },
    /// What is too old is too old for the keys of what was said.
    #[error("`{job}` makes up for what is at most 7 days old, and not {within:?}")]
    MissedWithin {
        /// Of which job.
        job: String,
        /// How old.
        within: Duration,
    },
    /// The name is empty, too long, or holds control characters.
    #[error("`{job}` is no name of 1 to 64 characters")]
    Name {
        /// The name.
        job: String,
    },
    /// There are too many.
    #[error("there are {n_jobs} jobs, and {limit} are the most")]
    TooMany {
        /// How many there are.
        n_jobs: usize,
        /// The most.
        limit: usize,
    },
    /// Two have the same name.
    #[error("there are two jobs `{job}`")]
    Twice {
        /// The name.
        job: String,
    },
    /// It never comes.
    #[error("`{job}` has no time")]
    When {
        /// Of which job.
        job: String,
        /// Why.
        #[source]
        source: WhenError,
    },
}

/// Why something was not planned, or not cancelled.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// There are as many entries as there may be.
    #[error("there are {limit} entries in the schedule already")]
    Full {
        /// The most.
        limit: usize,
    },
    /// The name is empty, too long, or holds control characters.
    #[error("a name has 1 to 64 characters, and this one has {n_chars}")]
    Name {
        /// How many it has.
        n_chars: usize,
    },
    /// [`Schedule::start`](crate::Schedule::start) was not called yet.
    #[error("the schedule has not started")]
    NotStarted,
    /// A job of the code has this name.
    #[error("`{name}` is a job of the code")]
    OfTheCode {
        /// The name.
        name: String,
    },
    /// Its time is over, and too long ago to be made up for.
    #[error("the time of `{name}` is over")]
    Over {
        /// The name.
        name: String,
    },
    /// It could not be read or saved.
    #[error("the schedule cannot be saved")]
    State(#[from] StateError),
}

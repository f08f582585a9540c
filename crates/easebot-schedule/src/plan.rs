//! What is planned while the bot runs.

use std::time::Duration;

use easebot_model::{Outgoing, Timestamp};

use crate::{
    Missed, When,
    missed::{MAX_WITHIN, Policy, ms},
};

/// Something to say by the clock, made while the bot runs. It is saved, and said after a restart as well.
///
/// ```
/// use easebot_model::{Conversation, Outgoing, Timestamp};
/// use easebot_schedule::{Missed, Plan, When};
/// let tea = Outgoing::text(Conversation::user("bob"), "tea is ready");
/// let plan = Plan::new(When::at(Timestamp(1_798_122_000_000)), tea).missed(Missed::Skip);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it is carried out by the schedule that has it"]
pub struct Plan {
    pub(crate) when: When,
    pub(crate) outgoing: Outgoing,
    pub(crate) policy: Policy,
}

impl Plan {
    /// Says `outgoing` when `when` says.
    pub fn new(when: When, outgoing: Outgoing) -> Self {
        Self { policy: Policy::of(&when), when, outgoing }
    }

    /// What becomes of times that went by unused. By default the latest is made up for.
    pub fn missed(self, missed: Missed) -> Self {
        Self { policy: Policy { missed, ..self.policy }, ..self }
    }

    /// How old a missed time may be that is made up for: by default an hour, and a day for what comes once. What is longer than 7
    /// days is 7 days.
    pub fn missed_within(self, within: Duration) -> Self {
        let within_ms = ms(within.min(MAX_WITHIN));
        Self { policy: Policy { within_ms, ..self.policy }, ..self }
    }
}

/// An entry of a schedule, as [`Schedule::list`](crate::Schedule::list) shows it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// When it comes.
    pub when: When,
    /// The next time; none if it comes no more.
    pub next: Option<Timestamp>,
    /// The last time that it was for; none if there was none yet.
    pub last: Option<Timestamp>,
    /// Whether it is under way.
    pub is_running: bool,
    /// What it says, if it was planned while the bot ran; none if it is a [`Job`](crate::Job) of the code.
    pub outgoing: Option<Outgoing>,
}

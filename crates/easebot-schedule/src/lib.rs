#![doc = include_str!("../README.md")]

mod book;
mod cron;
mod error;
mod job;
mod missed;
mod plan;
mod plugin;
mod schedule;
mod when;

pub use cron::{Cron, CronError};
pub use error::{BuildError, PlanError, Trouble};
pub use job::{Job, Run};
pub use missed::Missed;
pub use plan::{Entry, Plan};
pub use plugin::SchedulePlugin;
pub use schedule::Schedule;
pub use when::{When, WhenError};

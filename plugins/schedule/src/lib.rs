#![doc = include_str!("../README.md")]

mod clock;
mod keys;
mod plugin;

pub use keys::ScheduleKeys;
pub use plugin::Timetable;

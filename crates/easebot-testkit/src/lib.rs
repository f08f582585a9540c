#![doc = include_str!("../README.md")]

mod bed;
mod fail;
mod faults;
pub mod parts;
mod people;
mod post;
mod replay;
mod sent;
mod setup;
mod talk;
mod transcript;
mod user;
mod wanted;

pub use bed::Testbed;
pub use faults::{REFUSED_FOR_NOW, Refusal};
pub use sent::Sent;
pub use setup::{Setup, StartError, account, bot};
pub use transcript::{ParseTranscriptError, Transcript, TranscriptFault};
pub use user::User;
pub use wanted::Wanted;

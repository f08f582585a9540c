//! Messages from webhooks: requests that are verified, rendered and said.

pub mod delivery;
mod proof;
pub mod queue;
mod rate;
mod role;
pub mod schedule;
pub mod signature;

pub use proof::token;
pub use rate::Rate;
pub use role::{Refused, Relay, WebhookRelay};

//! Messages from webhooks: requests that are verified, rendered and said.

mod proof;
mod rate;
mod role;

pub use proof::token;
pub use rate::Rate;
pub use role::{Refused, Relay, WebhookRelay};

//! Messages and HTTP requests, both ways: requests that are verified, rendered and said; events that are posted from a saved
//! queue, and answers that are said.

mod delivery;
mod endpoint;
mod event_id;
mod guard;
mod pace;
mod post;
mod poster;
mod proof;
mod queue;
mod rate;
mod relay;
mod role;
mod signature;
mod verdict;

pub use delivery::{Delivery, Failure, Off, shelf};
pub use endpoint::{Answer, Endpoint, UnusableHeader, Web};
pub use event_id::event_id;
pub use guard::{Guard, NotProven};
pub use post::{Post, Posted};
pub use poster::{Poster, Posting};
pub use proof::token;
pub use rate::Rate;
pub use relay::{Refused, Relay};
pub use role::WebhookRelay;
pub use signature::{Signer, UnusableSecret};

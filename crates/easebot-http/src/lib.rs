//! HTTP requests that plugins make: to webhooks that an operator configured, and to addresses that a peer names.
//!
//! ```no_run
//! # async fn example() -> Result<(), easebot_http::CallError> {
//! use easebot_http::{Outgoing, Request, Rules};
//!
//! let outgoing = Outgoing::new(Rules::default()); // public addresses only, no redirection, 10 s
//! let answer = outgoing.call(Request::get("https://example.org/data.json")?, 1024 * 1024).await?;
//! assert_eq!(answer.status(), 200);
//! # Ok(())
//! # }
//! ```

mod address;
mod inside;
mod name;
mod outgoing;

pub use address::is_public;
pub use inside::{StandIn, stay_inside};
pub use name::name_of;
pub use outgoing::{CallError, Outgoing, Reach, Request, Rules};

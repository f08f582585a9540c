//! Tokens: what the server answers to a login, and when a new one is due.

mod answer;
mod error;
mod source;

pub use answer::Token;
pub use error::TokenError;
pub(crate) use source::RENEW_PAUSE;
pub use source::{Credentials, TokenSource};

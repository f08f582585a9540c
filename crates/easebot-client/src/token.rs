//! Tokens: what the server answers to a login, and when a new one is due.

mod answer;
mod error;
mod source;

pub use answer::Token;
pub use error::TokenError;
pub use source::{Credentials, TokenSource};

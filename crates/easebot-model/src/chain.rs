//! Errors in words.

use std::error::Error;

/// An error and its causes, joined by `: `: the one way in which errors are printed.
///
/// ```
/// let error = "user".parse::<easebot_model::Conversation>().unwrap_err();
/// assert_eq!(easebot_model::chain(&error), "a conversation is written user:NAME, group:ID or room:ID");
/// ```
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

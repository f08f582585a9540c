//! Whose rows they are.

use std::{fmt, sync::Arc};

use easebot_model::{AppKey, UserId};

/// The name of an account within a store: app key and user, as `org#app#user`. Cheap to clone.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AccountKey(Arc<str>);

impl AccountKey {
    /// The account of `user` in the app `app_key`.
    ///
    /// An app key holds exactly one `#`, so the text says unambiguously where the user begins.
    #[must_use]
    pub fn new(app_key: &AppKey, user: &UserId) -> Self {
        Self(format!("{app_key}#{user}").into())
    }

    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The user within its app.
    #[must_use]
    pub fn user(&self) -> &str {
        self.0.get(self.app_prefix().len()..).unwrap_or_default()
    }

    /// `org#app#`: what the accounts of one app begin with, and no other does.
    pub(crate) fn app_prefix(&self) -> &str {
        let end =
            self.0.match_indices('#').nth(1).map_or(self.0.len(), |(at, mark)| at + mark.len());
        self.0.get(..end).unwrap_or(&self.0)
    }

    /// `org#app#user`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

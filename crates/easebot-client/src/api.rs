//! Typed REST calls of one account.
//!
//! All of them carry the account's own token. Answers are read with tolerance: numbers may be text, fields may be absent.

mod call;
mod caller;
mod contacts;
mod conversations;
mod error;
mod fields;
mod groups;
mod history;
mod meaning;
mod members;
mod pages;
mod pins;
mod presence;
mod reactions;
mod rooms;
mod threads;
mod translate;
mod users;

use std::sync::Arc;

use easebot_model::UserId;

pub(crate) use self::{
    call::Call,
    caller::{Caller, with_token},
    fields::Fields,
};
pub use self::{
    caller::Access,
    contacts::RosterEntry,
    conversations::ConversationSummary,
    error::ApiError,
    groups::{GroupProfile, NewGroup},
    history::{Direction, History, HistoryQuery},
    meaning::Meaning,
    members::{Member, MemberOutcome, Role},
    pages::Pages,
    pins::PinnedMessage,
    presence::PresenceSubscription,
    reactions::MessageReactions,
    rooms::RoomProfile,
    threads::{NewThread, ThreadProfile},
    translate::{Translated, TranslationLanguage},
    users::{Attributes, UserProfile},
};

/// The REST calls of one account. Cheap to clone.
///
/// **Token.** Got when it is first needed; replaced once when the server refuses it (401), by one request however many
/// calls failed together.
///
/// **Repeats.** A call that reads, or sets something to what it may be already, is repeated up to three times with back-off
/// on 408, 409, 429, 500 and 502 to 504 and when there was no answer; it goes on to the next server then. A call that does
/// something twice when it is made twice is repeated only if its request cannot have left this machine.
///
/// **Rates.** Calls keep to the documented limits of the app, which all accounts of one [`Http`](crate::Http) share, and
/// slow down when the server says so. A wait of more than 30 s is an error.
///
/// **Bounds.** An answer is read up to 1 MiB (history: 4 MiB) within 15 s.
///
/// All calls are cancel-safe in this sense: a future that is dropped sends nothing further; what it sent may have taken
/// effect.
#[derive(Clone, Debug)]
pub struct Api {
    caller: Arc<Caller>,
}

impl Api {
    /// Nothing is asked before the first call.
    #[must_use]
    pub fn new(access: Access) -> Self {
        Self { caller: Arc::new(Caller::new(access)) }
    }

    /// The account that calls.
    #[must_use]
    pub fn user(&self) -> &UserId {
        self.caller.user()
    }

    pub(crate) const fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// Makes `call`, hands the answer to `read` and names `field` if that finds nothing.
    async fn ask<T>(
        &self,
        call: Call,
        field: &'static str,
        read: impl FnOnce(Fields<'_>) -> Option<T>,
    ) -> Result<T, ApiError> {
        let value = self.caller.json(&call).await?;
        read(Fields::of(&value)).ok_or(ApiError::MissingField { field })
    }

    /// Makes `call` for its effect.
    async fn tell(&self, call: Call) -> Result<(), ApiError> {
        self.caller.call(&call).await.map(drop)
    }
}

#[cfg(test)]
pub(crate) mod tests;

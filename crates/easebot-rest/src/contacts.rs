//! Contacts and the block list.

use easebot_model::UserId;
use serde_json::json;

use crate::{Api, ApiError, Call, Class, Pages, groups::at_most, pages::Paging};

/// A contact of this account.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RosterEntry {
    /// Who.
    pub user: UserId,
    /// What this account calls the contact, empty if nothing.
    pub remark: String,
}

/// Longest remark in characters. Source: Easemob's REST documentation, "contacts".
const MAX_REMARK: usize = 100;

impl Api {
    /// Asks `user` to become a contact. The answer comes as an event.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoSuchUser`](crate::Meaning::NoSuchUser).
    pub async fn request_contact(&self, user: &UserId, reason: &str) -> Result<(), ApiError> {
        let call = Call::post(&["users", self.user().as_str(), "contacts", "apply"]);
        self.tell(call.json(&json!({ "usernames": [user], "reason": reason }))).await
    }

    /// Agrees to the request of `user`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn accept_contact(&self, user: &UserId) -> Result<(), ApiError> {
        self.answer_contact("accept", user).await
    }

    /// Refuses the request of `user`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn decline_contact(&self, user: &UserId) -> Result<(), ApiError> {
        self.answer_contact("decline", user).await
    }

    async fn answer_contact(&self, answer: &str, user: &UserId) -> Result<(), ApiError> {
        let me = self.user().as_str();
        self.tell(Call::post(&["users", me, "contacts", answer, "users", user.as_str()])).await
    }

    /// Removes `user` from the contacts of both.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn remove_contact(&self, user: &UserId) -> Result<(), ApiError> {
        let me = self.user().as_str();
        self.tell(Call::delete(&["users", me, "contacts", "users", user.as_str()])).await
    }

    /// Calls a contact something, at most 100 characters; empty for nothing.
    ///
    /// # Errors
    /// [`ApiError::TooLong`] before anything is sent, and the others.
    pub async fn set_remark(&self, user: &UserId, remark: &str) -> Result<(), ApiError> {
        at_most("remark", remark, MAX_REMARK)?;
        let me = self.user().as_str();
        let call = Call::put(&["users", me, "contacts", "users", user.as_str()]);
        self.tell(call.json(&json!({ "remark": remark }))).await
    }

    /// The contacts of this account, 50 a page.
    pub fn contacts(&self) -> Pages<RosterEntry> {
        let call = Call::get(&["users", self.user().as_str(), "contacts"])
            .query("needReturnRemark", "true");
        Pages::new(self.clone(), call, Paging::Cursor { n_items: 50 }, |fields| {
            let contacts = fields.at("data").objects("contacts");
            let contact = contacts.filter_map(|contact| {
                Some(RosterEntry {
                    user: contact.user("username")?,
                    remark: contact.text_or_empty("remark"),
                })
            });
            contact.collect()
        })
    }

    /// Puts `users` on the block list: they cannot write to this account.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::LimitReached`](crate::Meaning::LimitReached) above 500.
    pub async fn block(&self, users: &[UserId]) -> Result<(), ApiError> {
        self.tell(self.blocks(Call::post, users)).await
    }

    /// Takes `users` off the block list.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn unblock(&self, users: &[UserId]) -> Result<(), ApiError> {
        self.tell(self.blocks(Call::delete, users)).await
    }

    /// The block list.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn blocked(&self) -> Result<Vec<UserId>, ApiError> {
        let call = Call::get(&["users", self.user().as_str(), "blocks", "users"]);
        self.ask(call.class(Class::Blocks), "data", |fields| {
            fields.value("data").map(|_| fields.users("data"))
        })
        .await
    }

    fn blocks(&self, method: fn(&[&str]) -> Call, users: &[UserId]) -> Call {
        let call = method(&["sdk", "user", self.user().as_str(), "blocks"]);
        call.json(&json!({ "usernames": users })).class(Class::Blocks).repeatable()
    }
}

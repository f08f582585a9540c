//! Users and their attributes.

use std::collections::BTreeMap;

use easebot_model::{Timestamp, UserId};
use serde_json::json;

use crate::{Api, ApiError, Call, Class, Fields, groups::at_most};

/// What a user tells about itself: `nickname`, `avatarurl`, `mail`, `phone`, `gender`, `sign`, `birth`, `ext` or keys of
/// the application. At most 2 KB for a user. Source: Easemob's REST documentation, "user attributes".
pub type Attributes = BTreeMap<String, String>;

/// Most users of one call. Source: Easemob's REST documentation, "user attributes" and "online status".
const MAX_USERS: usize = 100;

/// Longest nickname in characters. Source: Easemob's REST documentation, "users".
const MAX_NICKNAME: usize = 100;

/// A registered user.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UserProfile {
    /// The name.
    pub user: UserId,
    /// The name that push notifications show.
    pub nickname: Option<String>,
    /// When it was registered.
    pub created: Option<Timestamp>,
    /// Whether it may log in.
    pub is_active: bool,
}

impl Api {
    /// The user `user`: this account, or another one where the app lets users look.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoSuchUser`](crate::Meaning::NoSuchUser) or
    /// [`Meaning::NotFound`](crate::Meaning::NotFound) if there is none.
    pub async fn profile(&self, user: &UserId) -> Result<UserProfile, ApiError> {
        let call = Call::get(&["users", user.as_str()]).class(Class::Users);
        self.ask(call, "entities", |fields| {
            let fields = fields.first("entities");
            Some(UserProfile {
                user: fields.user("username")?,
                nickname: fields.text("nickname"),
                created: fields.time("created"),
                is_active: fields.flag("activated").unwrap_or(true),
            })
        })
        .await
    }

    /// Whether users are online, asked for 100 at a time. A user that does not exist counts as offline.
    ///
    /// The documentation has this call for the app's own token; where a user's is refused, [`presence`](Self::presence) is
    /// the way.
    ///
    /// # Errors
    /// [`ApiError`] of the first call that fails; [`Meaning::TokenRefused`](crate::Meaning::TokenRefused).
    pub async fn online_status(
        &self,
        users: &[UserId],
    ) -> Result<BTreeMap<UserId, bool>, ApiError> {
        let mut all = BTreeMap::new();
        for users in users.chunks(MAX_USERS) {
            let call = Call::post(&["users", "batch", "status"])
                .json(&json!({ "usernames": users }))
                .class(Class::Users)
                .repeatable();
            let read = |fields: Fields<'_>| {
                let online = fields.objects("data").flat_map(Fields::pairs);
                fields.value("data")?;
                Some(online.map(|(user, value)| (UserId::new(user), value == "online")).collect())
            };
            let some: BTreeMap<UserId, bool> = self.ask(call, "data", read).await?;
            all.extend(some);
        }
        Ok(all)
    }

    /// The attributes `keys` of users, all if there are no keys; asked for 100 users at a time. A user without attributes
    /// has an empty map or is left out.
    ///
    /// # Errors
    /// [`ApiError`] of the first call that fails.
    pub async fn attributes(
        &self,
        users: &[UserId],
        keys: &[&str],
    ) -> Result<BTreeMap<UserId, Attributes>, ApiError> {
        let mut all = BTreeMap::new();
        for users in users.chunks(MAX_USERS) {
            let mut body = json!({ "targets": users });
            if let (false, Some(map)) = (keys.is_empty(), body.as_object_mut()) {
                map.insert("properties".to_owned(), json!(keys));
            }
            let call = Call::post(&["metadata", "user", "get"])
                .json(&body)
                .class(Class::Users)
                .repeatable();
            let value = self.json(&call).await?;
            for (user, value) in Fields::of(&value).at("data").pairs() {
                all.insert(UserId::new(user), Fields::of(value).texts());
            }
        }
        Ok(all)
    }

    /// Sets the name that push notifications show for this account, at most 100 characters.
    ///
    /// # Errors
    /// [`ApiError::TooLong`] before anything is sent, and the others.
    pub async fn set_nickname(&self, nickname: &str) -> Result<(), ApiError> {
        at_most("nickname", nickname, MAX_NICKNAME)?;
        let call = Call::put(&["users", self.user().as_str()]).class(Class::Users);
        self.tell(call.json(&json!({ "nickname": nickname }))).await
    }

    /// Sets attributes of this account; the others stay.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::FeatureOff`](crate::Meaning::FeatureOff) or
    /// [`Meaning::NoPermission`](crate::Meaning::NoPermission) where attributes are off or full.
    pub async fn set_attributes(&self, attributes: &Attributes) -> Result<(), ApiError> {
        let pairs = attributes.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let call = Call::put(&["metadata", "user", self.user().as_str()]);
        self.tell(call.form(pairs).class(Class::Users)).await
    }
}

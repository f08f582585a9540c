//! Presence: whether users are there, in their own words. A paid feature of the service.

use std::time::Duration;

use easebot_model::{Presence, Resource, UserId};
use serde_json::json;

use crate::{Api, ApiError, Call, Class, Fields, Pages, fields::int_of, pages::Paging};

/// A user whose presence this account follows.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PresenceSubscription {
    /// Who.
    pub user: UserId,
    /// When it ends, in seconds since 1970.
    pub expiry_secs: u64,
}

/// Most users of one call. Source: Easemob's REST documentation, "presence".
const MAX_USERS: usize = 100;

/// Longest subscription. Source: Easemob's REST documentation, "presence".
const MAX_SUBSCRIPTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Api {
    /// Publishes `ext` as the presence of this account on `resource`, the name of this login.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::FeatureOff`](crate::Meaning::FeatureOff).
    pub async fn publish_presence(&self, resource: &Resource, ext: &str) -> Result<(), ApiError> {
        let path = ["users", self.user().as_str(), "presence", resource.as_str(), "1"];
        let call = Call::post(&path).json(&json!({ "ext": ext }));
        self.tell(call.class(Class::Presence).repeatable()).await
    }

    /// Follows the presence of `users` for `time`, at most 30 days, and says how it is now. 100 users at a time.
    ///
    /// # Errors
    /// [`ApiError`] of the first call that fails; [`Meaning::FeatureOff`](crate::Meaning::FeatureOff),
    /// [`Meaning::LimitReached`](crate::Meaning::LimitReached) above 3000 subscriptions.
    pub async fn subscribe_presence(
        &self,
        users: &[UserId],
        time: Duration,
    ) -> Result<Vec<Presence>, ApiError> {
        let secs = time.min(MAX_SUBSCRIPTION).as_secs().to_string();
        self.presences(users, &["users", self.user().as_str(), "presence", &secs]).await
    }

    /// No longer follows the presence of `users`.
    ///
    /// # Errors
    /// [`ApiError`] of the first call that fails.
    pub async fn unsubscribe_presence(&self, users: &[UserId]) -> Result<(), ApiError> {
        for users in users.chunks(MAX_USERS) {
            let call = Call::delete(&["users", self.user().as_str(), "presence"]);
            self.tell(call.json(&json!(users)).class(Class::Presence).repeatable()).await?;
        }
        Ok(())
    }

    /// The presence of `users` now. 100 users at a time.
    ///
    /// # Errors
    /// [`ApiError`] of the first call that fails; [`Meaning::FeatureOff`](crate::Meaning::FeatureOff).
    pub async fn presence(&self, users: &[UserId]) -> Result<Vec<Presence>, ApiError> {
        self.presences(users, &["users", self.user().as_str(), "presence"]).await
    }

    /// Whose presence this account follows, 50 a page.
    pub fn presence_subscriptions(&self) -> Pages<PresenceSubscription> {
        let call = Call::get(&["users", self.user().as_str(), "presence", "sublist"]);
        let paging = Paging::Number { number: "pageNum", size: "pageSize", first: 1, n_items: 50 };
        Pages::new(self.clone(), call.class(Class::Presence), paging, |fields| {
            let subscriptions = fields.at("result").objects("sublist");
            let subscription = subscriptions.filter_map(|one| {
                let expiry_secs = one.uint("expiry").unwrap_or_default();
                Some(PresenceSubscription { user: one.user("uid")?, expiry_secs })
            });
            subscription.collect()
        })
    }

    async fn presences(&self, users: &[UserId], path: &[&str]) -> Result<Vec<Presence>, ApiError> {
        let mut all = Vec::new();
        for users in users.chunks(MAX_USERS) {
            let call = Call::post(path)
                .json(&json!({ "usernames": users }))
                .class(Class::Presence)
                .repeatable();
            let some: Vec<_> = self
                .ask(call, "result", |fields| {
                    fields.value("result")?;
                    Some(fields.objects("result").filter_map(presence).collect())
                })
                .await?;
            all.extend(some);
        }
        Ok(all)
    }
}

fn presence(fields: Fields<'_>) -> Option<Presence> {
    let status = fields.at("status").pairs();
    let devices =
        status.filter_map(|(device, state)| Some((Resource::new(device), int_of(state)?)));
    Some(Presence {
        user: fields.user("uid")?,
        last_time_secs: fields.uint("last_time").unwrap_or_default(),
        expiry_secs: fields.uint("expiry").unwrap_or_default(),
        ext: fields.text_or_empty("ext"),
        devices: devices.collect(),
    })
}

//! Silent mode: of which messages this account wants no push notification. It changes nothing about what a bot receives; other
//! devices of the account are told.

use std::time::Duration;

use easebot_model::{Conversation, Timestamp};
use serde_json::{Value, json};

use crate::{Api, ApiError, Call, Fields};

/// Of which messages pushes are wanted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum PushWish {
    /// Of all.
    All,
    /// Of those in a group that mention this account.
    Mentions,
    /// Of none.
    None,
}

/// One change of what is silent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Silence {
    /// Each day between two times, each as hour (0 to 23) and minute (0 to 59) where the account is.
    Daily {
        /// From when on.
        from: (u8, u8),
        /// Until when.
        to: (u8, u8),
    },
    /// For so long from now on, in whole milliseconds; zero ends it.
    For(Duration),
    /// Until it is changed.
    Wish(PushWish),
}

/// What is silent, as far as it was ever set.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SilentMode {
    /// Of which messages pushes are wanted.
    pub wish: Option<PushWish>,
    /// Until when nothing is pushed.
    pub until: Option<Timestamp>,
    /// Between which times of the day nothing is pushed, in the service's form, such as `8:30-10:0`.
    pub daily: Option<String>,
}

impl Api {
    /// What is silent in `conversation`, or for the whole account if there is none.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn silent_mode(
        &self,
        conversation: Option<&Conversation>,
    ) -> Result<SilentMode, ApiError> {
        let call = Call::get(&self.notification(conversation));
        self.ask(call, "data", |fields| Some(mode(fields.at("data")))).await
    }

    /// Changes what is silent in `conversation`, or for the whole account if there is none, and gives what holds now.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn set_silent(
        &self,
        conversation: Option<&Conversation>,
        silence: Silence,
    ) -> Result<SilentMode, ApiError> {
        self.change(conversation, &silence.body()).await
    }

    /// Lets the wish of the whole account hold for `conversation` again.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn reset_silent(&self, conversation: &Conversation) -> Result<SilentMode, ApiError> {
        self.change(Some(conversation), &json!({ "type": "DEFAULT" })).await
    }

    async fn change(
        &self,
        conversation: Option<&Conversation>,
        body: &Value,
    ) -> Result<SilentMode, ApiError> {
        let call = Call::put(&self.notification(conversation)).json(body);
        self.ask(call, "data", |fields| Some(mode(fields.at("data")))).await
    }

    fn notification<'a>(&'a self, conversation: Option<&'a Conversation>) -> [&'a str; 5] {
        let me = self.user().as_str();
        let (kind, name) = match conversation {
            None => ("user", me),
            Some(Conversation::User(user)) => ("user", user.as_str()),
            Some(conversation) => ("chatgroup", conversation.name()),
        };
        ["users", me, "notification", kind, name]
    }
}

impl Silence {
    fn body(self) -> Value {
        match self {
            Self::Daily { from, to } => {
                let interval = format!("{}:{}-{}:{}", from.0, from.1, to.0, to.1);
                json!({ "ignoreInterval": interval })
            }
            Self::For(time) => {
                let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                json!({ "ignoreDuration": ms })
            }
            Self::Wish(wish) => json!({ "type": wish.word() }),
        }
    }
}

impl PushWish {
    const fn word(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Mentions => "AT",
            Self::None => "NONE",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::All, Self::Mentions, Self::None].into_iter().find(|wish| wish.word() == word)
    }
}

fn mode(fields: Fields<'_>) -> SilentMode {
    SilentMode {
        wish: fields.text("type").and_then(|word| PushWish::of(&word)),
        until: fields.time("ignoreDuration").filter(|until| until.0 > 0),
        daily: fields.text("ignoreInterval").filter(|interval| !interval.is_empty()),
    }
}

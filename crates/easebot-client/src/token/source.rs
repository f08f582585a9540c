//! Keeps the token of one account, and gets a new one in time.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use easebot_model::{Secret, UserId};
use tokio::sync::Mutex as AsyncMutex;
use tracing::warn;

use super::{Token, TokenError};
use crate::Rest;

/// What an account proves itself with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// A password: tokens are got and renewed with it.
    Password(Secret),
    /// A token from elsewhere. When it ends the account stops.
    Token(Secret),
}

/// A password.
impl From<Secret> for Credentials {
    fn from(password: Secret) -> Self {
        Self::Password(password)
    }
}

/// A password.
impl From<&str> for Credentials {
    fn from(password: &str) -> Self {
        Self::Password(password.into())
    }
}

/// A password.
impl From<String> for Credentials {
    fn from(password: String) -> Self {
        Self::Password(password.into())
    }
}

/// The token of one account: got when it is first needed, renewed at 80 % of its life, got again when it was refused.
///
/// One request is made at a time; who asks meanwhile waits for it and shares its token. Time is an argument.
#[derive(Debug)]
pub struct TokenSource {
    user: UserId,
    credentials: Credentials,
    held: Mutex<Option<Held>>,
    /// Held while a token is requested.
    request: AsyncMutex<()>,
}

/// A token and its times; a token without times is used until it is refused.
#[derive(Clone, Debug)]
struct Held {
    token: Secret,
    life: Option<Life>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Life {
    renew_at: Instant,
    ends_at: Instant,
}

impl Life {
    /// A life of `left` from `now`, renewed at 80 % of it. `None` if it ends beyond what a clock can hold.
    fn from(now: Instant, left: Duration) -> Option<Self> {
        let ends_at = now.checked_add(left)?;
        Some(Self { renew_at: now + left / 5 * 4, ends_at })
    }
}

/// Wait between two renewals of a token that were in vain. An app whose accounts ask too often is blocked.
pub(crate) const RENEW_PAUSE: Duration = Duration::from_secs(30);

impl TokenSource {
    /// Nothing is requested before the first [`token`](Self::token).
    #[must_use]
    pub fn new(user: UserId, credentials: Credentials) -> Self {
        let held = match &credentials {
            Credentials::Password(_) => None,
            Credentials::Token(token) => Some(Held { token: token.clone(), life: None }),
        };
        Self { user, credentials, held: Mutex::new(held), request: AsyncMutex::new(()) }
    }

    /// The user that the tokens are for.
    #[must_use]
    pub const fn user(&self) -> &UserId {
        &self.user
    }

    /// Whether a refused token can be replaced: not one from elsewhere.
    #[must_use]
    pub const fn can_renew(&self) -> bool {
        matches!(self.credentials, Credentials::Password(_))
    }

    /// A token that is good at `now`; requests one from `rest` if there is none or the renewal is due.
    ///
    /// If the renewal fails for a reason that may pass, the old token is given while it lasts, and the renewal tried again after 30 s
    /// at the earliest. Cancel-safe.
    ///
    /// # Errors
    /// What [`Rest::login`] answers; [`TokenError::FixedTokenEnded`] for a token from elsewhere that has ended or was
    /// [refused](Self::refused).
    pub async fn token(&self, rest: &Rest, now: Instant) -> Result<Secret, TokenError> {
        if let Some(token) = self.due_later_than(now) {
            return Ok(token);
        }
        let Credentials::Password(password) = &self.credentials else {
            return self.good_at(now).ok_or(TokenError::FixedTokenEnded);
        };
        let _request = self.request.lock().await;
        if let Some(token) = self.due_later_than(now) {
            return Ok(token);
        }
        match rest.login(&self.user, password).await {
            Ok(Token { value, expires_in }) => {
                let life = expires_in.and_then(|left| Life::from(now, left));
                *self.held() = Some(Held { token: value.clone(), life });
                Ok(value)
            }
            Err(error) => match self.good_at(now) {
                Some(token) if !error.is_fatal() => {
                    let error = &error as &dyn std::error::Error;
                    warn!(user = %self.user, error, "token not renewed, the old one is used on");
                    self.put_off(&token, now);
                    Ok(token)
                }
                _ => Err(error),
            },
        }
    }

    /// When to ask for the [`token`](Self::token) again so that it never ends in use: at 80 % of its life. `None` if there
    /// is no token, its end is not known, or it cannot be renewed.
    #[must_use]
    pub fn renew_at(&self) -> Option<Instant> {
        match self.credentials {
            Credentials::Password(_) => Some(self.held().as_ref()?.life?.renew_at),
            Credentials::Token(_) => None,
        }
    }

    /// When the token ends, if that is known.
    #[must_use]
    pub fn ends_at(&self) -> Option<Instant> {
        Some(self.held().as_ref()?.life?.ends_at)
    }

    /// The server says that `token` has `left` to live. No effect if another token is held by now.
    pub fn learn_life(&self, token: &Secret, now: Instant, left: Duration) {
        if let Some(held) = self.held().as_mut().filter(|held| held.token == *token) {
            held.life = Life::from(now, left);
        }
    }

    /// The server refused `token`: it is not given again. No effect if another token is held by now, so that a late
    /// refusal does not throw away its successor.
    pub fn refused(&self, token: &Secret) {
        self.held().take_if(|held| held.token == *token);
    }

    /// The renewal of `token` was in vain: whoever needs a token has this one for a while.
    fn put_off(&self, token: &Secret, now: Instant) {
        if let Some(held) = self.held().as_mut().filter(|held| held.token == *token)
            && let Some(life) = &mut held.life
        {
            life.renew_at = (now + RENEW_PAUSE).min(life.ends_at);
        }
    }

    fn due_later_than(&self, now: Instant) -> Option<Secret> {
        let held = self.held();
        let held = held.as_ref()?;
        held.life.is_none_or(|life| now < life.renew_at).then(|| held.token.clone())
    }

    fn good_at(&self, now: Instant) -> Option<Secret> {
        let held = self.held();
        let held = held.as_ref()?;
        held.life.is_none_or(|life| now < life.ends_at).then(|| held.token.clone())
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

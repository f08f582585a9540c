//! The calls of one account, and who makes them.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use easebot_model::{Message, UserId};
use serde_json::Value;

use crate::{ApiError, Call, Fields};

/// What makes the calls of one account: a client on the network, or a [`Script`](crate::testing::Script).
///
/// It owns servers, token, rates and repeats; what a call asks and what its answer means is not its business.
pub trait CallApi: Send + Sync {
    /// The account that calls.
    fn user(&self) -> &UserId;

    /// Makes `call` until it succeeds or there is no point in going on. The answer is a success.
    ///
    /// # Errors
    /// [`ApiError`]; what the server refused is [`ApiError::refused`].
    fn call<'a>(&'a self, call: &'a Call) -> Answering<'a>;

    /// Reads a message as the server keeps it; `None` if it is none. [`Api::history`] has them in answers.
    fn read_message(&self, raw: Bytes) -> Option<Message>;
}

/// An answer on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, ApiError>> + Send + 'a>>;

/// What a server answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// The body, within the limit of its call.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// [`ApiError::NotJson`].
    pub fn json(&self) -> Result<Value, ApiError> {
        serde_json::from_slice(&self.body).map_err(|_| ApiError::NotJson { status: self.status })
    }
}

/// The REST calls of one account. Cheap to clone.
///
/// **Token.** Got when it is first needed; replaced once when the server refuses it (401), by one request however many
/// calls failed together.
///
/// **Repeats.** A call that reads, or sets something to what it may be already, is repeated up to three times with back-off
/// on 408, 409, 429, 500 and 502 to 504 and when there was no answer; it goes on to the next server then. A call that does
/// something twice when it is made twice is repeated only if its request cannot have left this machine.
///
/// **Rates.** Calls keep to the documented limits of the app, which all accounts of one process share, and slow down when
/// the server says so. A wait of more than 30 s is an error.
///
/// **Bounds.** An answer is read up to 1 MiB (history: 4 MiB) within 15 s.
///
/// All calls are cancel-safe in this sense: a future that is dropped sends nothing further; what it sent may have taken
/// effect.
#[derive(Clone)]
pub struct Api {
    caller: Arc<dyn CallApi>,
}

impl Api {
    /// The calls of the account of `caller`. Nothing is asked before the first call.
    #[must_use]
    pub fn new(caller: Arc<dyn CallApi>) -> Self {
        Self { caller }
    }

    /// The calls of `user`, none of which is made: each is [`ApiError::NotConnected`].
    pub fn not_connected(user: impl Into<UserId>) -> Self {
        Self::new(Arc::new(Nobody { user: user.into() }))
    }

    /// The account that calls.
    #[must_use]
    pub fn user(&self) -> &UserId {
        self.caller.user()
    }

    /// Makes a call that has no method here. The answer is a success.
    ///
    /// # Errors
    /// [`ApiError::BadName`] before anything is sent, and the others.
    pub async fn call(&self, call: &Call) -> Result<Answer, ApiError> {
        call.check()?;
        self.caller.call(call).await
    }

    /// Makes `call` and reads the answer as JSON.
    pub(crate) async fn json(&self, call: &Call) -> Result<Value, ApiError> {
        self.call(call).await?.json()
    }

    /// Makes `call`, hands the answer to `read` and names `field` if that finds nothing.
    pub(crate) async fn ask<T>(
        &self,
        call: Call,
        field: &'static str,
        read: impl FnOnce(Fields<'_>) -> Option<T>,
    ) -> Result<T, ApiError> {
        let value = self.json(&call).await?;
        read(Fields::of(&value)).ok_or(ApiError::MissingField { field })
    }

    /// Makes `call` for its effect.
    pub(crate) async fn tell(&self, call: Call) -> Result<(), ApiError> {
        self.call(&call).await.map(drop)
    }

    /// A message as the server keeps it.
    pub(crate) fn read_message(&self, raw: Bytes) -> Option<Message> {
        self.caller.read_message(raw)
    }
}

/// An account that is not connected.
struct Nobody {
    user: UserId,
}

impl CallApi for Nobody {
    fn user(&self) -> &UserId {
        &self.user
    }

    fn call<'a>(&'a self, _call: &'a Call) -> Answering<'a> {
        Box::pin(async { Err(ApiError::NotConnected) })
    }

    fn read_message(&self, _raw: Bytes) -> Option<Message> {
        None
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("user", self.user()).finish_non_exhaustive()
    }
}

//! Answers that a test makes up, and the calls that it sees.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use easebot_model::{Message, UserId};
use serde_json::Value;

use crate::{Answer, Answering, Api, ApiError, Call, CallApi};

/// Answers each call as its function says and keeps them all; nothing is sent. Clones share the calls.
///
/// A status outside of 200 to 299 is a refusal. Messages of a [history](Api::history) are written as
/// [`message`](Self::message) does.
///
/// ```
/// # let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # rt.block_on(async {
/// use easebot_rest::testing::Script;
///
/// let script = Script::new("bob", |_, _| Script::ok(&serde_json::json!({ "data": ["amy"] })));
/// assert_eq!(script.api().blocked().await.unwrap(), ["amy"]);
/// assert_eq!(script.lines(), ["GET /users/bob/blocks/users"]);
/// # });
/// ```
#[derive(Clone)]
pub struct Script(Arc<Inner>);

struct Inner {
    user: UserId,
    say: Box<Say>,
    asked: Mutex<Vec<Call>>,
}

/// What is said to a call, which gets the number of calls before it.
type Say = dyn Fn(&Call, usize) -> Answer + Send + Sync;

impl Script {
    /// Calls of `user`. `say` gets the call and the number of calls before it.
    pub fn new(
        user: impl Into<UserId>,
        say: impl Fn(&Call, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner { user: user.into(), say: Box::new(say), asked: Mutex::default() }))
    }

    /// A success with `body`.
    #[must_use]
    pub fn ok(body: &Value) -> Answer {
        Self::answer(200, body)
    }

    /// An answer with `status` and `body`.
    #[must_use]
    pub fn answer(status: u16, body: &Value) -> Answer {
        Answer { status, retry_after: None, body: body.to_string().into() }
    }

    /// A refusal, with the server's short word and what it says about it.
    #[must_use]
    pub fn refusal(status: u16, error: &str, words: &str) -> Answer {
        Self::answer(status, &serde_json::json!({ "error": error, "error_description": words }))
    }

    /// `message` as an item of `data.msgs` of a history.
    #[must_use]
    pub fn message(message: &Message) -> Value {
        use base64::{Engine, prelude::BASE64_STANDARD};

        let json = serde_json::to_vec(message).unwrap_or_default();
        serde_json::json!({ "msg": BASE64_STANDARD.encode(json) })
    }

    /// The calls of the account.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::new(Arc::<Inner>::clone(&self.0))
    }

    /// All calls so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Call> {
        self.0.asked().clone()
    }

    /// All calls so far as [`Call::line`].
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.asked().iter().map(Call::line).collect()
    }
}

impl Inner {
    fn asked(&self) -> MutexGuard<'_, Vec<Call>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallApi for Inner {
    fn user(&self) -> &UserId {
        &self.user
    }

    fn call<'a>(&'a self, call: &'a Call) -> Answering<'a> {
        Box::pin(async move {
            let n_before = {
                let mut asked = self.asked();
                asked.push(call.clone());
                asked.len() - 1
            };
            let answer = (self.say)(call, n_before);
            match answer.status {
                200..=299 => Ok(answer),
                _ => Err(ApiError::refused(&answer)),
            }
        })
    }

    fn read_message(&self, raw: Bytes) -> Option<Message> {
        serde_json::from_slice(&raw).ok()
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("n_asked", &self.0.asked().len()).finish_non_exhaustive()
    }
}

//! What an author makes of an event, and of its answer.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use easebot_http::{CallError, Request};
use easebot_model::{Draft, Outgoing};
use easebot_plugin::{Env, Flow, PluginError, SendError};
use serde::Serialize;
use tracing::warn;

use super::Delivery;

/// What is posted of an event. It is saved until its endpoint has taken it.
#[derive(Clone, Eq, PartialEq)]
pub struct Post {
    pub(crate) id: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) flow: Flow,
}

impl Post {
    /// `value` as JSON.
    ///
    /// # Errors
    /// If it has no JSON form.
    pub fn json(value: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self::new(serde_json::to_string(value)?))
    }

    /// `body`, which is of the type `content_type`.
    pub fn text(content_type: &str, body: impl Into<String>) -> Self {
        Self::new(body.into()).with_header("content-type", content_type)
    }

    const fn new(body: String) -> Self {
        Self { id: None, url: None, headers: Vec::new(), body, flow: Flow::Continue }
    }

    /// The same under an id of the author's, which the receiver sees as `webhook-id`: the same each time for the same event, in
    /// characters of ASCII. By default it is the [`event_id`](super::event_id).
    #[must_use]
    pub fn with_id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The same to another address than that of the endpoint, under the endpoint's rules.
    ///
    /// # Errors
    /// [`CallError::NoUrl`].
    pub fn to(self, url: &str) -> Result<Self, CallError> {
        Request::get(url)?;
        Ok(Self { url: Some(url.to_owned()), ..self })
    }

    /// The same with a header, which is saved along with it: what holds a secret belongs to the [`Endpoint`](super::Endpoint). What
    /// cannot stand in a header is left out.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same, and the plugins behind do not see the event, unless they are [observers](easebot_plugin::Interest::observing).
    #[must_use]
    pub const fn kept(mut self) -> Self {
        self.flow = Flow::Stop;
        self
    }
}

/// Without what is posted: it holds what people wrote.
impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post")
            .field("id", &self.id)
            .field("n_bytes", &self.body.len())
            .field("flow", &self.flow)
            .finish_non_exhaustive()
    }
}

/// An event that its endpoint has taken, for whoever reads the answer.
#[derive(Debug)]
pub struct Posted<'p> {
    delivery: &'p Delivery,
    env: &'p Env,
    n_replies: AtomicUsize,
}

impl<'p> Posted<'p> {
    pub(crate) const fn new(delivery: &'p Delivery, env: &'p Env) -> Self {
        Self { delivery, env, n_replies: AtomicUsize::new(0) }
    }

    /// What was posted, and where it happened.
    #[must_use]
    pub const fn delivery(&self) -> &Delivery {
        self.delivery
    }

    /// As [`Context::env`](easebot_plugin::Context::env) gives it.
    #[must_use]
    pub const fn env(&self) -> &Env {
        self.env
    }

    /// Says `draft` where the event happened. Replies are known by their places: an event that is posted again, because it was not
    /// noted that its endpoint has it, is replied to once if its answer is the same. An event that happened nowhere has no reply,
    /// which the log tells.
    ///
    /// # Errors
    /// As [`say`](Self::say).
    pub async fn reply(&self, draft: impl Into<Draft>) -> Result<(), PluginError> {
        let key = format!("reply/{}", self.n_replies.fetch_add(1, Ordering::Relaxed));
        let Some(to) = self.delivery.conversation.clone() else {
            self.unsaid(&key, "the event belongs to no conversation");
            return Ok(());
        };
        self.say(&key, Outgoing::message(to, draft.into())).await
    }

    /// Says `outgoing` under `key`, once for this event: an event may be posted again. What can never be sent is left out, which the
    /// log tells.
    ///
    /// # Errors
    /// If it could not be saved now. An author hands that on: the event is posted again later, and what was said is not said again.
    pub async fn say(&self, key: &str, outgoing: impl Into<Outgoing>) -> Result<(), PluginError> {
        match self.env.send_once(&format!("{}/{key}", self.delivery.id), outgoing).await {
            Ok(_) => Ok(()),
            Err(error @ (SendError::Closed | SendError::NotSaved)) => {
                Err(PluginError::new(format!("a reply was not saved: {error}")))
            }
            Err(error) => {
                self.unsaid(key, &easebot_model::chain(&error));
                Ok(())
            }
        }
    }

    fn unsaid(&self, key: &str, reason: &str) {
        let (bot, plugin, id) = (&self.env.bot().name, self.env.plugin(), &self.delivery.id);
        warn!(%bot, %plugin, %id, key, reason, "a reply is not said");
    }
}

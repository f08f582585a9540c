//! Callbacks: an app's own server is asked about messages before they go out, and told of them afterwards.
//!
//! Source of fields, signature and rules: Easemob's documentation, "callbacks".

mod answer;
mod event;
mod http;
mod letter;

use std::{sync::Arc, time::Duration};

use easebot_model::Secret;
use hyper::Uri;
use tokio::sync::mpsc;
use tracing::{debug, warn};

pub(crate) use self::{
    answer::{Change, Verdict},
    event::{Event, LoginChange},
    letter::{Question, Told},
};
use crate::options::Options;

/// How much may wait to be told; what comes then is dropped with a warning.
pub(crate) const MAX_TOLD: usize = 1024;
/// How long an answer to what is told may take.
const TELL_WAIT: Duration = Duration::from_secs(5);

/// Where an app's own server is asked about messages and told of them. Default nowhere.
#[derive(Clone, Debug)]
pub struct Callbacks {
    /// Told of what happened. What is not answered with 200 within 5 s is told once more at once, and then dropped. One at a time
    /// and in order; 1024 wait at most, further ones are dropped.
    pub post_send: Option<Callback>,
    /// What it is told of. By default of messages alone.
    pub post_send_events: Vec<CallbackEvent>,
    /// Asked about each message of a client, but for directed ones and those that are refused anyway.
    pub pre_send: Option<PreSend>,
}

impl Default for Callbacks {
    fn default() -> Self {
        let post_send_events = vec![CallbackEvent::Message];
        Self { post_send: None, post_send_events, pre_send: None }
    }
}

impl Callbacks {
    /// Whether an app's own server is told of `event`.
    pub(crate) fn tells(&self, event: CallbackEvent) -> bool {
        self.post_send.is_some() && self.post_send_events.contains(&event)
    }
}

/// What an app's own server can be told of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CallbackEvent {
    /// Contacts: asked, accepted, declined, removed, blocked.
    Contact,
    /// An edit of a message.
    Edit,
    /// Groups and chat rooms: members come and go, rights and facts change (in the older of the two formats, `chat_type` `muc`).
    Group,
    /// A message that was taken, and each receiver who is offline.
    Message,
    /// A reaction to a message came or went.
    Reaction,
    /// A message, or a conversation, was read.
    Receipt,
    /// A message was taken back.
    Recall,
    /// A message thread came, went or changed, or has a new message.
    Thread,
    /// Devices come and go.
    UserStatus,
}

/// One address of an app's own server.
#[derive(Clone, Debug)]
pub struct Callback {
    /// Where to post; `http` only, because the emulator has no TLS.
    pub url: Uri,
    /// What the signature is made with: `security` is the MD5 of `callId`, this and `timestamp`.
    pub secret: Secret,
}

/// How an app's own server is asked.
#[derive(Clone, Debug)]
pub struct PreSend {
    /// Whom to ask.
    pub callback: Callback,
    /// How long the answer may take. What the same connection sends behind it waits (64 frames at most, then nothing more is
    /// read from it); what is for it still comes. The real service takes 200 ms.
    pub wait: Duration,
    /// Whether a message is refused if there is no answer, or none that can be read. It is delivered otherwise.
    pub blocks_on_failure: bool,
}

/// Asks about a message.
pub(crate) async fn ask(options: &Options, question: &Question) -> Verdict {
    let Some(rule) = &options.callbacks.pre_send else { return Verdict::pass() };
    let letter = question.letter(&rule.callback.secret);
    let answer = http::post(&rule.callback.url, &letter, rule.wait).await;
    let verdict = answer.and_then(|(status, body)| {
        debug!(status, n_bytes = body.len(), "asked before a message goes out");
        Verdict::read(status, &body)
    });
    verdict.unwrap_or_else(|error| {
        warn!(%error, blocks = rule.blocks_on_failure, "no verdict on a message");
        if rule.blocks_on_failure { Verdict::failed() } else { Verdict::pass() }
    })
}

/// Tells what happened, one after the other, until nobody can send any more.
pub(crate) async fn tell(options: Arc<Options>, mut told: mpsc::Receiver<Told>) {
    while let Some(told) = told.recv().await {
        let Some(callback) = &options.callbacks.post_send else { continue };
        let Some(letter) = told.letter(&callback.secret) else { continue };
        for _ in 0..2 {
            match http::post_only(&callback.url, &letter, TELL_WAIT).await {
                Ok(200) => break,
                Ok(status) => warn!(status, "what was told was not taken"),
                Err(error) => warn!(%error, "could not tell of a message"),
            }
        }
    }
}

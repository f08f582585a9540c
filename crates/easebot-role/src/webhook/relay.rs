//! What comes of a request.

use easebot_model::Outgoing;
use easebot_plugin::HookReply;
use serde_json::json;

/// What a request makes the bot say, and what its caller is told once that is saved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Relay {
    /// Each thing with its key: what has a key that was there before, such as that of a request that is repeated, is not said again.
    pub said: Vec<(String, Outgoing)>,
    /// The answer.
    pub reply: HookReply,
}

impl Relay {
    /// Says nothing, and answers with `reply`.
    #[must_use]
    pub const fn answer(reply: HookReply) -> Self {
        Self { said: Vec::new(), reply }
    }

    /// Says `outgoing` under `key`, and answers with 202 and the key.
    pub fn say(key: impl Into<String>, outgoing: Outgoing) -> Self {
        let key = key.into();
        let reply = HookReply::json(202, &json!({ "id": key }));
        Self { said: vec![(key, outgoing)], reply }
    }

    /// The same, and says `outgoing` under `key` behind the rest.
    #[must_use]
    pub fn and(mut self, key: impl Into<String>, outgoing: Outgoing) -> Self {
        self.said.push((key.into(), outgoing));
        self
    }

    /// The same with another answer.
    #[must_use]
    pub fn with_reply(self, reply: HookReply) -> Self {
        Self { reply, ..self }
    }
}

/// Why a request is not taken.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Refused {
    /// What the caller is told.
    pub reply: Box<HookReply>,
    /// What the operator is told: nothing of the body and no secret.
    pub reason: String,
}

impl Refused {
    /// Both are told different things.
    pub fn new(reply: HookReply, reason: impl Into<String>) -> Self {
        Self { reply: Box::new(reply), reason: reason.into() }
    }

    /// Both are told `reason`: the caller as JSON, `{"error": reason}`, with `status`.
    pub fn json(status: u16, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::new(HookReply::json(status, &json!({ "error": reason })), reason)
    }

    /// The same with a header of the reply.
    #[must_use]
    pub fn with_header(self, name: &str, value: &str) -> Self {
        Self::new(self.reply.with_header(name, value), self.reason)
    }
}

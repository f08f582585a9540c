//! Why a request is not taken.

use std::{fmt::Display, time::Duration};

use easebot_model::Conversation;
use easebot_plugin::{HookReply, RenderError, SendError};
use easebot_role::webhook::NotProven;
use serde_json::json;
use thiserror::Error;

use crate::keys::Format;

/// Why a request is not taken. Its text goes to the caller and into the log, so it holds nothing of the body.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    #[error("only POST is taken")]
    Method,
    #[error("nothing to say: {reason}")]
    NoText { reason: &'static str },
    #[error("it could not be saved")]
    NotSaved,
    #[error(transparent)]
    NotProven(#[from] NotProven),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("the hook has no secret yet")]
    Starting,
    #[error("this hook may not write to {to}")]
    Target { to: Conversation },
    #[error("too many requests")]
    TooFast { wait: Duration },
    #[error("{what}: {reason}")]
    Unreadable { what: &'static str, reason: String },
    #[error("{reason}")]
    Unsendable { reason: String },
}

impl From<SendError> for Refusal {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused { .. } | SendError::NoConversation { .. } => {
                Self::Unsendable { reason: error.to_string() }
            }
            _ => Self::NotSaved,
        }
    }
}

impl Refusal {
    pub(crate) fn unreadable(what: &'static str, reason: &(impl Display + ?Sized)) -> Self {
        Self::Unreadable { what, reason: reason.to_string() }
    }

    pub(crate) const fn status(&self) -> u16 {
        match self {
            Self::Method => 405,
            Self::NoText { .. } | Self::Unreadable { .. } => 400,
            Self::NotProven(_) => 401,
            Self::NotSaved | Self::Starting => 503,
            Self::Render(_) | Self::Unsendable { .. } => 422,
            Self::Target { .. } => 403,
            Self::TooFast { .. } => 429,
        }
    }

    /// The answer in the words of `format`.
    pub(crate) fn reply(&self, format: Format) -> HookReply {
        let reply = match format {
            // Slack's own words: its clients show them, and nobody reads more of the answer.
            Format::Slack => match self {
                Self::NotProven(_) => HookReply::text(403, "invalid_token"),
                Self::NoText { .. } => HookReply::text(400, "no_text"),
                Self::Unreadable { .. } => HookReply::text(400, "invalid_payload"),
                Self::Target { .. } => HookReply::text(403, "action_prohibited"),
                Self::TooFast { .. } => HookReply::text(429, "rate_limited"),
                Self::NotSaved | Self::Starting => HookReply::text(503, "service_unavailable"),
                Self::Method | Self::Render(_) | Self::Unsendable { .. } => {
                    HookReply::text(self.status(), self.to_string())
                }
            },
            _ => HookReply::json(self.status(), &json!({ "error": self.to_string() })),
        };
        match self {
            Self::Method => reply.with_header("allow", "POST"),
            Self::NotProven(_) if format != Format::Slack => {
                reply.with_header("www-authenticate", "Bearer")
            }
            Self::NotSaved | Self::Starting => reply.with_header("retry-after", "5"),
            Self::TooFast { wait } => {
                let secs = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                reply.with_header("retry-after", &secs.to_string())
            }
            _ => reply,
        }
    }
}

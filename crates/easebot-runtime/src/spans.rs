//! The spans of the log: whose a line is, and what was under way.
//!
//! A span that is not logged costs a comparison: its fields are not made and nothing is allocated.

use easebot_model::{ClientMessageId, Conversation, Event, UserId};
use tracing::{Span, debug_span, error_span, info_span};

/// All that a bot does. At the level of errors, so that every line of a bot is in it.
pub(crate) fn account(bot: &str, user: &UserId) -> Span {
    error_span!("account", bot, %user)
}

/// A plugin and an event, with all tries.
pub(crate) fn handle(plugin: &str, event: &Event) -> Span {
    info_span!(
        "handle",
        plugin,
        kind = event.kind().as_str(),
        conversation = event.conversation().map(display),
        message_id = event.as_message().map(|message| display(message.id)),
    )
}

/// A plugin and a request.
pub(crate) fn hook(bot: &str, plugin: &str, hook: &str) -> Span {
    info_span!("hook", bot, plugin, hook)
}

/// A message whose attachment goes up.
pub(crate) fn upload(to: &Conversation, id: ClientMessageId) -> Span {
    info_span!("upload", conversation = %to, client_id = %id)
}

/// A message that is handed to the link, or of which the link tells.
pub(crate) fn send(to: &Conversation, id: ClientMessageId) -> Span {
    debug_span!("send", conversation = %to, client_id = %id)
}

//! Messages that are pinned in a conversation.

use easebot_model::{Conversation, MessageId, Timestamp, UserId};
use serde_json::{Value, json};

use crate::{Api, ApiError, Call, Fields, Pages, conversations::channel_type, pages::Paging};

/// A pinned message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PinnedMessage {
    /// The message.
    pub message: MessageId,
    /// Who pinned it.
    pub operator: Option<UserId>,
    /// When.
    pub pinned: Option<Timestamp>,
    /// What it holds, as the server writes it.
    pub raw: Value,
}

impl Api {
    /// Pins a message of a conversation, at most 20 in each.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::LimitReached`](crate::Meaning::LimitReached),
    /// [`Meaning::NoSuchMessage`](crate::Meaning::NoSuchMessage).
    pub async fn pin_message(
        &self,
        conversation: &Conversation,
        message: MessageId,
    ) -> Result<(), ApiError> {
        self.tell(self.pin(Call::post, conversation, message)).await
    }

    /// Unpins a message of a conversation.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn unpin_message(
        &self,
        conversation: &Conversation,
        message: MessageId,
    ) -> Result<(), ApiError> {
        self.tell(self.pin(Call::delete, conversation, message)).await
    }

    /// The pinned messages of a conversation, 20 a page.
    pub fn pinned_messages(&self, conversation: &Conversation) -> Pages<PinnedMessage> {
        let call = Call::get(&["sdk", "user", self.user().as_str(), "user_channel", "pin"])
            .query("to", conversation.name())
            .query("type", channel_type(conversation));
        Pages::new(self.clone(), call, Paging::Cursor { n_items: 20 }, |fields| {
            fields.at("data").objects("msg_infos").filter_map(pinned).collect()
        })
    }

    fn pin(&self, method: fn(&[&str]) -> Call, to: &Conversation, message: MessageId) -> Call {
        let call = method(&["sdk", "user", self.user().as_str(), "user_channel", "pin"]);
        call.json(&json!({ "to": to.name(), "type": channel_type(to), "pin_msg_id": message }))
    }
}

fn pinned(fields: Fields<'_>) -> Option<PinnedMessage> {
    let message = fields.at("message");
    Some(PinnedMessage {
        message: message.message("id")?,
        operator: fields.user("pin_operator"),
        pinned: fields.time("pin_opt_at"),
        raw: fields.value("message").cloned().unwrap_or_default(),
    })
}

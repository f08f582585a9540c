//! Reactions of messages.

use easebot_model::{Conversation, MessageId, Reaction};
use serde_json::json;

use crate::{Api, ApiError, Call, Fields};

/// The reactions of one message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MessageReactions {
    /// The message.
    pub message: MessageId,
    /// Its reactions, each with at most three of its users.
    pub reactions: Vec<Reaction>,
}

/// Messages of one call, so that the address of the call stays short.
const MAX_MESSAGES: usize = 20;

impl Api {
    /// Adds `reaction`, such as an emoji, to a message.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::AlreadyDone`](crate::Meaning::AlreadyDone),
    /// [`Meaning::LimitReached`](crate::Meaning::LimitReached) above 20 kinds,
    /// [`Meaning::FeatureOff`](crate::Meaning::FeatureOff).
    pub async fn add_reaction(&self, message: MessageId, reaction: &str) -> Result<(), ApiError> {
        let call = Call::post(&["reaction", "user", self.user().as_str()]);
        self.tell(call.json(&json!({ "msgId": message, "message": reaction }))).await
    }

    /// Takes `reaction` back.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn remove_reaction(
        &self,
        message: MessageId,
        reaction: &str,
    ) -> Result<(), ApiError> {
        let call = Call::delete(&["reaction", "user", self.user().as_str()])
            .query("msgId", message.to_string())
            .query("message", reaction);
        self.tell(call).await
    }

    /// The reactions of messages of one conversation, asked for 20 messages at a time.
    ///
    /// # Errors
    /// [`ApiError`] of the first call that fails.
    pub async fn reactions(
        &self,
        conversation: &Conversation,
        messages: &[MessageId],
    ) -> Result<Vec<MessageReactions>, ApiError> {
        let mut all = Vec::new();
        for messages in messages.chunks(MAX_MESSAGES) {
            let ids: Vec<_> = messages.iter().map(ToString::to_string).collect();
            let call = Call::get(&["reaction", "user", self.user().as_str()])
                .query("msgIdList", ids.join(","));
            let call = match conversation {
                Conversation::User(_) => call.query("msgType", "chat"),
                Conversation::Group(_) | Conversation::Room(_) => {
                    call.query("msgType", "groupchat").query("groupId", conversation.name())
                }
            };
            let value = self.json(&call).await?;
            all.extend(Fields::of(&value).objects("data").filter_map(of_message));
        }
        Ok(all)
    }
}

fn of_message(fields: Fields<'_>) -> Option<MessageReactions> {
    let reactions = fields.objects("reactionList").map(Fields::reaction).collect();
    Some(MessageReactions { message: fields.message("msgId")?, reactions })
}

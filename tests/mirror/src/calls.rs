//! What a test can have done by REST.

use std::time::Duration;

use easebot_client::{Api, NewGroup, NewThread};
use easebot_model::{Conversation, GroupId, MessageId, Resource, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

/// One call of [`Api`], under the name that the method has there.
#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub(crate) enum Call {
    AcceptContact { user: UserId },
    AddReaction { message: MessageId, reaction: String },
    AnswerInvitation { group: GroupId, accepts: bool },
    ApproveMember { group: GroupId, applicant: UserId },
    Block { users: Vec<UserId> },
    CreateGroup { name: String, members: Vec<UserId>, is_public: bool, needs_approval: bool },
    CreateThread { group: GroupId, message: MessageId, name: String },
    DeclineContact { user: UserId },
    DestroyThread { thread: GroupId },
    InviteMembers { group: GroupId, users: Vec<UserId> },
    JoinGroup { group: GroupId, message: String },
    JoinThread { thread: GroupId },
    KickMembers { group: GroupId, users: Vec<UserId> },
    LeaveGroup { group: GroupId },
    MuteMembers { group: GroupId, users: Vec<UserId>, secs: Option<u64> },
    PinMessage { conversation: Conversation, message: MessageId },
    PublishPresence { resource: Resource, ext: String },
    RemoveContact { user: UserId },
    RemoveReaction { message: MessageId, reaction: String },
    RenameThread { thread: GroupId, name: String },
    RequestContact { user: UserId, reason: String },
    SetAnnouncement { group: GroupId, text: String },
    SubscribePresence { users: Vec<UserId>, secs: u64 },
    Translate { text: String, to: Vec<String> },
    Unblock { users: Vec<UserId> },
    UnmuteMembers { group: GroupId, users: Vec<UserId> },
    UnpinMessage { conversation: Conversation, message: MessageId },
}

impl Call {
    /// Calls, and gives what the caller has to know: an id, what was found, or null.
    pub(crate) async fn make(self, api: &Api) -> anyhow::Result<Value> {
        match self {
            Self::AcceptContact { user } => api.accept_contact(&user).await?,
            Self::AddReaction { message, reaction } => api.add_reaction(message, &reaction).await?,
            Self::AnswerInvitation { group, accepts } => {
                api.answer_invitation(&group, accepts).await?;
            }
            Self::ApproveMember { group, applicant } => {
                api.approve_member(&group, &applicant).await?;
            }
            Self::Block { users } => api.block(&users).await?,
            Self::CreateGroup { name, members, is_public, needs_approval } => {
                let group = NewGroup {
                    members,
                    is_public,
                    needs_approval,
                    invited_confirm: false,
                    ..NewGroup::new(name)
                };
                return Ok(json!(api.create_group(&group).await?));
            }
            Self::CreateThread { group, message, name } => {
                return Ok(json!(api.create_thread(&NewThread { group, message, name }).await?));
            }
            Self::DeclineContact { user } => api.decline_contact(&user).await?,
            Self::DestroyThread { thread } => api.destroy_thread(&thread).await?,
            Self::InviteMembers { group, users } => {
                api.invite_members(&group, &users).await?;
            }
            Self::JoinGroup { group, message } => api.join_group(&group, &message).await?,
            Self::JoinThread { thread } => api.join_thread(&thread).await?,
            Self::KickMembers { group, users } => {
                api.kick_members(&group, &users).await?;
            }
            Self::LeaveGroup { group } => api.leave_group(&group).await?,
            Self::MuteMembers { group, users, secs } => {
                api.mute_members(&group, &users, secs.map(Duration::from_secs)).await?;
            }
            Self::PinMessage { conversation, message } => {
                api.pin_message(&conversation, message).await?;
            }
            Self::PublishPresence { resource, ext } => {
                api.publish_presence(&resource, &ext).await?;
            }
            Self::RemoveContact { user } => api.remove_contact(&user).await?,
            Self::RemoveReaction { message, reaction } => {
                api.remove_reaction(message, &reaction).await?;
            }
            Self::RenameThread { thread, name } => api.rename_thread(&thread, &name).await?,
            Self::RequestContact { user, reason } => api.request_contact(&user, &reason).await?,
            Self::SetAnnouncement { group, text } => api.set_announcement(&group, &text).await?,
            Self::SubscribePresence { users, secs } => {
                let found = api.subscribe_presence(&users, Duration::from_secs(secs)).await?;
                return Ok(serde_json::to_value(found)?);
            }
            Self::Translate { text, to } => {
                let to: Vec<_> = to.iter().map(String::as_str).collect();
                return Ok(serde_json::to_value(api.translate(&text, &to).await?.translations)?);
            }
            Self::Unblock { users } => api.unblock(&users).await?,
            Self::UnmuteMembers { group, users } => {
                api.unmute_members(&group, &users).await?;
            }
            Self::UnpinMessage { conversation, message } => {
                api.unpin_message(&conversation, message).await?;
            }
        }
        Ok(Value::Null)
    }
}

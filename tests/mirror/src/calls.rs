//! What a test can have done by REST.

use std::time::Duration;

use anyhow::{Context as _, bail};
use easebot_client::{
    Api, Attributes, ConversationMark, GroupChange, Keep, MemberOutcome, NewGroup, NewThread,
    Place, PushWish, Reach, RoomChange, Silence,
};
use easebot_model::{Conversation, GroupId, MessageId, Resource, RoomId, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

/// One call of [`Api`], under the name that the method has there.
#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub(crate) enum Call {
    AcceptContact { user: UserId },
    AddAdmin { at: Conversation, user: UserId },
    AddToAllowList { at: Conversation, users: Vec<UserId> },
    AddReaction { message: MessageId, reaction: String },
    Admins { at: Conversation },
    AllowList { at: Conversation },
    AnswerInvitation { group: GroupId, accepts: bool },
    ApproveMember { group: GroupId, applicant: UserId },
    Block { users: Vec<UserId> },
    BlockMembers { at: Conversation, users: Vec<UserId> },
    BlockedMembers { at: Conversation },
    CreateGroup { name: String, members: Vec<UserId>, is_public: bool, needs_approval: bool },
    CreateThread { group: GroupId, message: MessageId, name: String },
    DeclineContact { user: UserId },
    DestroyGroup { group: GroupId },
    DestroyRoom { room: RoomId },
    DestroyThread { thread: GroupId },
    InviteMembers { group: GroupId, users: Vec<UserId> },
    JoinGroup { group: GroupId, message: String },
    JoinThread { thread: GroupId },
    KickMembers { at: Conversation, users: Vec<UserId> },
    LeaveGroup { group: GroupId },
    MarkConversations { conversations: Vec<Conversation>, mark: u8 },
    MuteAll { at: Conversation },
    MuteMembers { at: Conversation, users: Vec<UserId>, secs: Option<u64> },
    MutedMembers { at: Conversation },
    PinConversation { conversation: Conversation },
    PinMessage { conversation: Conversation, message: MessageId },
    PublishPresence { resource: Resource, ext: String },
    RemoveAdmin { at: Conversation, user: UserId },
    RemoveContact { user: UserId },
    RemoveConversation { conversation: Conversation, with_messages: bool },
    RemoveFromAllowList { at: Conversation, users: Vec<UserId> },
    RemoveReaction { message: MessageId, reaction: String },
    RemoveRoomAttributes { room: RoomId, keys: Vec<String> },
    RenameThread { thread: GroupId, name: String },
    RequestContact { user: UserId, reason: String },
    ResetSilent { conversation: Conversation },
    RoomAttributes { room: RoomId },
    SetAnnouncement { at: Conversation, text: String },
    SetRemark { user: UserId, remark: String },
    SetRoomAttributes { room: RoomId, attributes: Attributes },
    Silence { conversation: Option<Conversation>, minutes: Option<u64> },
    SubscribePresence { users: Vec<UserId>, secs: u64 },
    TransferGroup { group: GroupId, new_owner: UserId },
    Translate { text: String, to: Vec<String> },
    Unblock { users: Vec<UserId> },
    UnblockMembers { at: Conversation, users: Vec<UserId> },
    UnmarkConversations { conversations: Vec<Conversation>, mark: u8 },
    UnmuteAll { at: Conversation },
    UnmuteMembers { at: Conversation, users: Vec<UserId> },
    UnpinConversation { conversation: Conversation },
    UnpinMessage { conversation: Conversation, message: MessageId },
    UpdateGroup { group: GroupId, name: Option<String>, description: Option<String> },
    UpdateRoom { room: RoomId, name: Option<String>, description: Option<String> },
}

impl Call {
    /// Calls, and gives what the caller has to know: an id, what was found, or null.
    pub(crate) async fn make(self, api: &Api) -> anyhow::Result<Value> {
        match self {
            Self::AcceptContact { user } => api.accept_contact(&user).await?,
            Self::AddAdmin { at, user } => api.add_admin(place(&at)?, &user).await?,
            Self::AddToAllowList { at, users } => {
                all_done(&api.add_to_allow_list(place(&at)?, &users).await?)?;
            }
            Self::AddReaction { message, reaction } => api.add_reaction(message, &reaction).await?,
            Self::Admins { at } => return Ok(json!(api.admins(place(&at)?).await?)),
            Self::AllowList { at } => return Ok(json!(api.allow_list(place(&at)?).await?)),
            Self::AnswerInvitation { group, accepts } => {
                api.answer_invitation(&group, accepts).await?;
            }
            Self::ApproveMember { group, applicant } => {
                api.approve_member(&group, &applicant).await?;
            }
            Self::Block { users } => api.block(&users).await?,
            Self::BlockMembers { at, users } => {
                all_done(&api.block_members(place(&at)?, &users).await?)?;
            }
            Self::BlockedMembers { at } => {
                return Ok(json!(api.blocked_members(place(&at)?).await?));
            }
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
            Self::DestroyGroup { group } => api.destroy_group(&group).await?,
            Self::DestroyRoom { room } => api.destroy_room(&room).await?,
            Self::DestroyThread { thread } => api.destroy_thread(&thread).await?,
            Self::InviteMembers { group, users } => {
                api.invite_members(&group, &users).await?;
            }
            Self::JoinGroup { group, message } => api.join_group(&group, &message).await?,
            Self::JoinThread { thread } => api.join_thread(&thread).await?,
            Self::KickMembers { at, users } => {
                all_done(&api.kick_members(place(&at)?, &users).await?)?;
            }
            Self::LeaveGroup { group } => api.leave_group(&group).await?,
            Self::MarkConversations { conversations, mark } => {
                api.mark_conversations(&conversations, self::mark(mark)?).await?;
            }
            Self::MuteAll { at } => api.mute_all(place(&at)?).await?,
            Self::MuteMembers { at, users, secs } => {
                let time = secs.map(Duration::from_secs);
                all_done(&api.mute_members(place(&at)?, &users, time).await?)?;
            }
            Self::MutedMembers { at } => {
                let muted = api.muted_members(place(&at)?).await?;
                let users: Vec<_> = muted.into_iter().map(|muted| muted.user).collect();
                return Ok(json!(users));
            }
            Self::PinConversation { conversation } => api.pin_conversation(&conversation).await?,
            Self::PinMessage { conversation, message } => {
                api.pin_message(&conversation, message).await?;
            }
            Self::PublishPresence { resource, ext } => {
                api.publish_presence(&resource, &ext).await?;
            }
            Self::RemoveAdmin { at, user } => api.remove_admin(place(&at)?, &user).await?,
            Self::RemoveContact { user } => api.remove_contact(&user).await?,
            Self::RemoveConversation { conversation, with_messages } => {
                api.remove_conversation(&conversation, with_messages).await?;
            }
            Self::RemoveFromAllowList { at, users } => {
                all_done(&api.remove_from_allow_list(place(&at)?, &users).await?)?;
            }
            Self::RemoveReaction { message, reaction } => {
                api.remove_reaction(message, &reaction).await?;
            }
            Self::RemoveRoomAttributes { room, keys } => {
                let keys: Vec<_> = keys.iter().map(String::as_str).collect();
                let outcome = api.remove_room_attributes(&room, &keys, Reach::Own).await?;
                return Ok(json!(outcome.done));
            }
            Self::RenameThread { thread, name } => api.rename_thread(&thread, &name).await?,
            Self::RequestContact { user, reason } => api.request_contact(&user, &reason).await?,
            Self::ResetSilent { conversation } => {
                api.reset_silent(&conversation).await?;
            }
            Self::RoomAttributes { room } => {
                return Ok(json!(api.room_attributes(&room, &[]).await?));
            }
            Self::SetAnnouncement { at, text } => api.set_announcement(place(&at)?, &text).await?,
            Self::SetRemark { user, remark } => api.set_remark(&user, &remark).await?,
            Self::SetRoomAttributes { room, attributes } => {
                let keep = Keep::Always;
                let outcome = api.set_room_attributes(&room, &attributes, Reach::Own, keep).await?;
                return Ok(json!(outcome.done));
            }
            Self::Silence { conversation, minutes } => {
                let silence = match minutes {
                    Some(minutes) => Silence::For(Duration::from_secs(60 * minutes)),
                    None => Silence::Wish(PushWish::None),
                };
                api.set_silent(conversation.as_ref(), silence).await?;
            }
            Self::SubscribePresence { users, secs } => {
                let found = api.subscribe_presence(&users, Duration::from_secs(secs)).await?;
                return Ok(serde_json::to_value(found)?);
            }
            Self::TransferGroup { group, new_owner } => {
                api.transfer_group(&group, &new_owner).await?;
            }
            Self::Translate { text, to } => {
                let to: Vec<_> = to.iter().map(String::as_str).collect();
                return Ok(serde_json::to_value(api.translate(&text, &to).await?.translations)?);
            }
            Self::Unblock { users } => api.unblock(&users).await?,
            Self::UnblockMembers { at, users } => {
                all_done(&api.unblock_members(place(&at)?, &users).await?)?;
            }
            Self::UnmarkConversations { conversations, mark } => {
                api.unmark_conversations(&conversations, self::mark(mark)?).await?;
            }
            Self::UnmuteAll { at } => api.unmute_all(place(&at)?).await?,
            Self::UnmuteMembers { at, users } => {
                all_done(&api.unmute_members(place(&at)?, &users).await?)?;
            }
            Self::UnpinConversation { conversation } => {
                api.unpin_conversation(&conversation).await?;
            }
            Self::UnpinMessage { conversation, message } => {
                api.unpin_message(&conversation, message).await?;
            }
            Self::UpdateGroup { group, name, description } => {
                let change = GroupChange { name, description, ..GroupChange::default() };
                api.update_group(&group, &change).await?;
            }
            Self::UpdateRoom { room, name, description } => {
                let change = RoomChange { name, description, ..RoomChange::default() };
                api.update_room(&room, &change).await?;
            }
        }
        Ok(Value::Null)
    }
}

fn place(at: &Conversation) -> anyhow::Result<Place<'_>> {
    match at {
        Conversation::Group(id) => Ok(Place::from(id)),
        Conversation::Room(id) => Ok(Place::from(id)),
        Conversation::User(_) => bail!("a user is no group and no room"),
    }
}

fn all_done(outcomes: &[MemberOutcome]) -> anyhow::Result<()> {
    match outcomes.iter().find(|outcome| !outcome.is_done) {
        Some(MemberOutcome { user, reason, .. }) => bail!("not done for {user}: {reason:?}"),
        None => Ok(()),
    }
}

fn mark(number: u8) -> anyhow::Result<ConversationMark> {
    ConversationMark::new(number).context("there is no such mark")
}

//! What happened to a group or a chat room (MUC operations).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Conversation, Timestamp, UserId};

/// A group or chat room changed, or its members did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Muc {
    /// The group or room.
    pub conversation: Conversation,
    /// Who did it. `@ppAdmin` and the like when it was done in the console.
    pub operator: UserId,
    /// To whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<UserId>,
    /// What happened.
    pub change: MucChange,
    /// Free text: the reason of a request or refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Name of the group or room, where the server says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Members after the change, where the server says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_members: Option<u32>,
    /// Text that a user gave when joining a room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext: Option<String>,
}

/// What happened. The names follow the protocol's operations.
///
/// Source: `MUCBody.Operation` of the official SDK's schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
#[non_exhaustive]
pub enum MucChange {
    /// An admin was added: the target.
    AdminAdded,
    /// An admin was removed: the target.
    AdminRemoved,
    /// Everybody may write again.
    AllUnmuted,
    /// Nobody may write.
    AllMuted,
    /// The announcement was removed.
    AnnouncementDeleted,
    /// The announcement was set.
    AnnouncementUpdated {
        /// Its text.
        announcement: String,
    },
    /// Someone asks to join; the reason says why.
    Applied,
    /// Our request to join was accepted.
    ApplyAccepted,
    /// Our request to join was refused.
    ApplyDeclined,
    /// Attributes of a room were removed.
    AttributesDeleted {
        /// Their keys.
        keys: Vec<String>,
    },
    /// Attributes of a room were set.
    AttributesSet {
        /// Key to value, as the server writes it.
        attributes: Value,
    },
    /// Members were put on the block list.
    Banned,
    /// Members were taken off the block list.
    Allowed,
    /// We stopped receiving its messages.
    Blocked,
    /// We receive its messages again.
    Unblocked,
    /// It was made.
    Created,
    /// It was destroyed.
    Destroyed,
    /// It was disabled by the operator of the app.
    Disabled,
    /// It was enabled by the operator of the app.
    Enabled,
    /// We were added without being asked.
    DirectJoined,
    /// A shared file was removed.
    FileDeleted,
    /// A file was shared.
    FileUploaded,
    /// Its name, description or settings changed.
    InfoUpdated {
        /// The new values, as the server writes them.
        detail: Value,
    },
    /// We are invited.
    Invited,
    /// Our invitation was accepted.
    InviteAccepted,
    /// Our invitation was refused.
    InviteDeclined,
    /// A join of our own was confirmed.
    Joined,
    /// Members were removed: the targets.
    Kicked,
    /// A leave of our own was confirmed.
    Left,
    /// A member's attributes changed.
    MemberAttributesUpdated {
        /// Whose.
        user: UserId,
        /// The attributes.
        attributes: Value,
    },
    /// Members left or were dropped: the targets, or the operator if there are none.
    MembersAbsent,
    /// Members joined: the targets, or the operator if there are none.
    MembersPresent,
    /// Members may not write.
    Muted {
        /// Until then; `None` if the server does not say.
        until: Option<Timestamp>,
    },
    /// Members may write again.
    Unmuted,
    /// It has a new owner: the target.
    OwnerAssigned,
    /// An operation that this version does not know.
    Unknown {
        /// Its number.
        number: i32,
    },
    /// Members were put on the allow list.
    AllowListAdded,
    /// Members were taken off the allow list.
    AllowListRemoved,
}

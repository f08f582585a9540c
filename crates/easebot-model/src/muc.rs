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

macro_rules! operations {
    ($($variant:ident => $name:literal),* $(,)?) => {
        impl MucChange {
            /// The names of all of them.
            pub const OPERATIONS: &'static [&'static str] = &[$($name),*];

            /// The name, as it stands in the JSON of an event.
            #[must_use]
            pub const fn operation(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $name),* }
            }
        }
    };
}

operations! {
    AdminAdded => "admin_added",
    AdminRemoved => "admin_removed",
    AllMuted => "all_muted",
    AllUnmuted => "all_unmuted",
    AllowListAdded => "allow_list_added",
    AllowListRemoved => "allow_list_removed",
    Allowed => "allowed",
    AnnouncementDeleted => "announcement_deleted",
    AnnouncementUpdated => "announcement_updated",
    Applied => "applied",
    ApplyAccepted => "apply_accepted",
    ApplyDeclined => "apply_declined",
    AttributesDeleted => "attributes_deleted",
    AttributesSet => "attributes_set",
    Banned => "banned",
    Blocked => "blocked",
    Created => "created",
    Destroyed => "destroyed",
    DirectJoined => "direct_joined",
    Disabled => "disabled",
    Enabled => "enabled",
    FileDeleted => "file_deleted",
    FileUploaded => "file_uploaded",
    InfoUpdated => "info_updated",
    InviteAccepted => "invite_accepted",
    InviteDeclined => "invite_declined",
    Invited => "invited",
    Joined => "joined",
    Kicked => "kicked",
    Left => "left",
    MemberAttributesUpdated => "member_attributes_updated",
    MembersAbsent => "members_absent",
    MembersPresent => "members_present",
    Muted => "muted",
    OwnerAssigned => "owner_assigned",
    Unblocked => "unblocked",
    Unknown => "unknown",
    Unmuted => "unmuted",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_operation_is_its_tag_in_json() {
        let table = [
            MucChange::AllMuted,
            MucChange::AnnouncementUpdated { announcement: String::new() },
            MucChange::AttributesDeleted { keys: Vec::new() },
            MucChange::Muted { until: None },
            MucChange::Unknown { number: 99 },
        ];
        for change in table {
            let json = serde_json::to_value(&change).unwrap();
            assert_eq!(json.get("operation").and_then(Value::as_str), Some(change.operation()));
            assert!(MucChange::OPERATIONS.contains(&change.operation()));
        }
    }
}

//! Why a send failed.

use std::{fmt, time::Duration};

use thiserror::Error;

use super::{Reason, Retry, Words};
use crate::{EncodeError, schema::status::ErrorCode};

/// Why a send failed, or why it is not known whether it did.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SendError {
    /// It cannot be sent as it is: found out here, nothing left this process.
    #[error("the message cannot be sent as it is")]
    Encode {
        /// Why not.
        #[source]
        source: EncodeError,
    },
    /// The connection ended before the answer came.
    #[error("the connection ended before the server answered")]
    LinkLost,
    /// The server answered without saying whether it took the message.
    #[error("the answer of the server has no status")]
    NoStatus,
    /// The account is not online; nothing left this process.
    #[error("the account is not online")]
    NotOnline,
    /// The server refused it.
    #[error("{refusal} (code {code}{reason})")]
    Refused {
        /// What the refusal means.
        refusal: Refusal,
        /// `Status.errorCode`.
        code: i32,
        /// The server's own words.
        reason: Reason,
    },
    /// No answer came in time.
    #[error("the server did not answer within {} s", after.as_secs())]
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
}

impl From<EncodeError> for SendError {
    fn from(source: EncodeError) -> Self {
        Self::Encode { source }
    }
}

impl SendError {
    /// What `Status.errorCode` and `Status.reason` of the answer to a send mean. `None` for code 0: the server took it.
    ///
    /// The same table holds for joining and leaving chat rooms. Source: observed with the official SDK; code 7 with a reason
    /// that it does not know, on which it waits for ever, is a plain [`Refusal::PermissionDenied`] here.
    #[must_use]
    pub fn from_status(code: i32, reason: &str) -> Option<Self> {
        if code == ErrorCode::Ok as i32 {
            return None;
        }
        let rule = RULES.iter().find(|rule| rule.code as i32 == code && rule.words.fit(reason));
        let refusal = rule.map_or(Refusal::Other, |rule| rule.refusal);
        Some(Self::Refused { refusal, code, reason: Reason::new(reason) })
    }

    /// Whether to send it again.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Encode { .. } => Retry::Never,
            Self::LinkLost | Self::NoStatus | Self::TimedOut { .. } => Retry::InDoubt,
            Self::NotOnline => Retry::Later { after: Duration::from_secs(1) },
            Self::Refused { refusal, .. } => refusal.retry(),
        }
    }

    /// The number under which the official SDK reports the same thing, for people who know its documentation.
    #[must_use]
    pub const fn sdk_type(&self) -> i32 {
        match self {
            Self::Encode { source } => match source {
                EncodeError::TooLarge { .. } => 511,
                EncodeError::TooManyReceivers { .. } => 50,
                _ => 205,
            },
            Self::LinkLost => 510,
            // The SDK waits for ever here: the nearest is its number for an unknown error.
            Self::NoStatus => -2,
            Self::NotOnline => 39,
            Self::Refused { refusal, .. } => refusal.sdk_type(),
            Self::TimedOut { .. } => 512,
        }
    }
}

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $name:ident: $sdk_type:literal, $words:literal;)*) => {
        /// What the server means when it refuses a send.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Refusal { $($(#[doc = $doc])+ $name),* }

        impl Refusal {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The fact, in words.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $words),* }
            }

            /// The number under which the official SDK reports it.
            #[must_use]
            pub const fn sdk_type(self) -> i32 {
                match self { $(Self::$name => $sdk_type),* }
            }
        }
    };
}

refusals! {
    /// The receiver has the sender on the block list.
    Blocked: 603, "the receiver blocks the sender";
    /// Editing is not part of the app's plan.
    EditDisabled: 505, "editing messages is not enabled for this app";
    /// The server could not edit.
    EditFailed: 1304, "the edit failed";
    /// The new content does not fit the message.
    EditFormat: 1303, "the new content has the wrong form";
    /// The message was edited as often as is allowed.
    EditLimit: 50, "the message was edited too often";
    /// The message to be edited does not exist.
    EditMissing: 1302, "the message to edit does not exist";
    /// Somebody else wrote the message.
    EditNotPermitted: 603, "the message may not be edited by this user";
    /// The app's own server refused it before it was sent; the reason is that server's.
    ExternalLogic: 502, "the app's own server refused it";
    /// Something that the server does not explain further.
    Failed: 503, "the server refused it";
    /// The group is disabled.
    GroupDisabled: 608, "the group is disabled";
    /// What was given is no group id.
    GroupIdIllegal: -3, "the group id is illegal";
    /// There is no such group.
    GroupNotFound: 605, "there is no such group";
    /// Group read receipts are not part of the app's plan.
    GroupReceiptsDisabled: 503, "group read receipts are not enabled for this app";
    /// The message is too old for read receipts.
    GroupReceiptsExpired: 503, "the message is too old";
    /// Too many read receipts for one message.
    GroupReceiptsLimit: 503, "there are too many read receipts";
    /// Only some members may ask for read receipts.
    GroupReceiptsNotPermitted: 503, "this user may not ask for group read receipts";
    /// Storing messages is not part of the app's plan.
    HistoryDisabled: 503, "message history is not enabled for this app";
    /// Moderation did not let it through.
    Moderated: 508, "moderation blocked it";
    /// The sender is muted in the group or room.
    Muted: 507, "the sender is muted";
    /// The operator of the app muted the sender everywhere.
    MutedByOperator: 219, "the operator of the app muted the sender";
    /// The receiver is no contact, and the app demands it.
    NotContact: 221, "the receiver is no contact";
    /// The sender is no member of the group or room.
    NotMember: 602, "the sender is not in the group or chat room";
    /// Everybody is muted but those on the allow list.
    NotOnAllowList: 506, "the sender is not on the allow list of the group or chat room";
    /// A code that says it all, or one that is not known.
    Other: 604, "the server refused it";
    /// Something that the sender may not do.
    PermissionDenied: 603, "the sender has no permission";
    /// Recalling is not part of the app's plan.
    RecallDisabled: 505, "recalling messages is not enabled for this app";
    /// Somebody else wrote the message.
    RecallNotPermitted: 503, "the message may not be recalled by this user";
    /// Messages can be recalled for a while only: 2 minutes by default.
    RecallTooLate: 504, "the message is too old to be recalled";
    /// The user is on the block list of the room.
    RoomBlocked: 603, "the user is on the block list of the chat room";
    /// The room has all the members that it can have.
    RoomFull: 704, "the chat room is full";
    /// There is no such room.
    RoomNotFound: 705, "there is no such chat room";
    /// The priority of the message is none.
    RoomTagIllegal: 503, "the priority of the chat room message is illegal";
    /// The text has words that the app forbids.
    SensitiveWords: 501, "it holds words that the app forbids";
    /// The server has too much to do.
    ServerBusy: 500, "the server is busy";
    /// The message is larger than the server takes.
    TooLarge: 511, "the message is too large";
    /// A directed message names too many receivers.
    TooManyReceivers: 50, "the message names too many receivers";
    /// The user made or joined as many rooms as is allowed.
    TooManyRooms: 50, "the user has too many chat rooms";
    /// The sender sends faster than the app allows.
    TrafficLimit: 509, "the sender sends too fast";
    /// There is no such user.
    UserNotFound: 204, "there is no such user";
}

impl Refusal {
    /// Whether to send it again.
    #[must_use]
    pub const fn retry(self) -> Retry {
        match self {
            Self::ServerBusy => Retry::Later { after: Duration::from_secs(2) },
            Self::TrafficLimit => Retry::Later { after: Duration::from_secs(1) },
            _ => Retry::Never,
        }
    }

    /// A code and a reason that say this on the wire, as the server would give them.
    #[must_use]
    pub fn wire(self) -> (i32, &'static str) {
        let rule = RULES.iter().find(|rule| rule.refusal == self);
        rule.map_or((ErrorCode::NoRoute as i32, ""), |rule| {
            (rule.code as i32, rule.words.example())
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

struct Rule {
    code: ErrorCode,
    words: Words,
    refusal: Refusal,
}

const fn equal(code: ErrorCode, text: &'static str, refusal: Refusal) -> Rule {
    Rule { code, words: Words::Equal(text), refusal }
}

/// Recognises a reason of code FAIL by `parts`.
const fn contain(example: &'static str, parts: &'static [&'static str], refusal: Refusal) -> Rule {
    Rule { code: ErrorCode::Fail, words: Words::Contain(example, parts), refusal }
}

const fn any(code: ErrorCode, refusal: Refusal) -> Rule {
    Rule { code, words: Words::Any, refusal }
}

const FAIL: ErrorCode = ErrorCode::Fail;
const DENIED: ErrorCode = ErrorCode::PermissionDenied;

/// The first rule that fits counts. Source: observed with the official SDK.
const RULES: &[Rule] = &[
    equal(FAIL, "blocked", Refusal::Blocked),
    equal(FAIL, "group not found", Refusal::GroupNotFound),
    equal(FAIL, "not in group or chatroom", Refusal::NotMember),
    equal(FAIL, "exceed recall time limit", Refusal::RecallTooLate),
    equal(FAIL, "message recall disabled", Refusal::RecallDisabled),
    equal(FAIL, "not in group or chatroom white list", Refusal::NotOnAllowList),
    equal(FAIL, "nonroster", Refusal::NotContact),
    equal(FAIL, "group is disabled", Refusal::GroupDisabled),
    equal(FAIL, "can not operate this group, reason: group is disabled", Refusal::GroupDisabled),
    equal(FAIL, "limit directed users", Refusal::TooManyReceivers),
    equal(FAIL, "Sorry, edit limit reached", Refusal::EditLimit),
    equal(FAIL, "Sorry, message does not exist", Refusal::EditMissing),
    equal(FAIL, "Sorry, You do not have permission", Refusal::EditNotPermitted),
    equal(FAIL, "Sorry, format is incorrect", Refusal::EditFormat),
    equal(FAIL, "Sorry, edit is not available", Refusal::EditDisabled),
    equal(FAIL, "Sorry, edit fail", Refusal::EditFailed),
    equal(FAIL, "group member list is full!", Refusal::RoomFull),
    contain("grpID 1 does not exist!", &["grpID", "does not exist!"], Refusal::RoomNotFound),
    contain("username bob doesn't exist!", &["username", "doesn't exist!"], Refusal::UserNotFound),
    contain(
        "can not join this group, reason: user bob is in the blacklist",
        &["can not join this group", "is in the blacklist"],
        Refusal::RoomBlocked,
    ),
    contain("moderation", &["moderation"], Refusal::Moderated),
    contain(
        "group ID illegal, please check it",
        &["group ID illegal, please check it"],
        Refusal::GroupIdIllegal,
    ),
    contain(
        "user bob has create too many chatrooms",
        &["has create too many chatrooms"],
        Refusal::TooManyRooms,
    ),
    contain(
        "user bob has joined too many chatrooms",
        &["has joined too many chatrooms"],
        Refusal::TooManyRooms,
    ),
    contain("auto create failed", &["auto create failed"], Refusal::ServerBusy),
    // Known from clients for phones; the official JavaScript SDK reports them as unknown errors.
    equal(FAIL, "illegal chatroom tag", Refusal::RoomTagIllegal),
    equal(FAIL, "group ack not open", Refusal::GroupReceiptsDisabled),
    equal(FAIL, "group ack msg permission denied", Refusal::GroupReceiptsNotPermitted),
    equal(FAIL, "the message has expired", Refusal::GroupReceiptsExpired),
    equal(FAIL, "limit send group ack msg", Refusal::GroupReceiptsLimit),
    equal(FAIL, "roaming is not open", Refusal::HistoryDisabled),
    equal(FAIL, "no permission to recall message", Refusal::RecallNotPermitted),
    any(FAIL, Refusal::Failed),
    equal(DENIED, "sensitive words", Refusal::SensitiveWords),
    equal(DENIED, "blocked by mod_antispam", Refusal::SensitiveWords),
    equal(DENIED, "user is mute", Refusal::MutedByOperator),
    equal(DENIED, "traffic limit", Refusal::TrafficLimit),
    equal(DENIED, "Sorry, data is too large", Refusal::TooLarge),
    any(DENIED, Refusal::PermissionDenied),
    any(ErrorCode::UserMuted, Refusal::Muted),
    any(ErrorCode::PermissionDeniedExternal, Refusal::ExternalLogic),
];

//! What a refusal means.

use std::fmt;

/// What a refusal means, as far as its status, code and words tell.
///
/// Source: Easemob's REST documentation, "error codes", and what the official SDK looks for in the answers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Meaning {
    /// It is so already: a member of the group, a reaction given, a thread made.
    AlreadyDone,
    /// The parameters or the body are wrong.
    BadRequest,
    /// Somebody else changed the same thing at the same moment.
    Conflict,
    /// Moderation refuses the content.
    ContentImproper,
    /// The group is disabled.
    Disabled,
    /// The server no longer keeps the file.
    Expired,
    /// The feature is not switched on for this app.
    FeatureOff,
    /// There is no file in the request.
    FileMissing,
    /// The group, room or thread has no room for another member.
    Full,
    /// A limit of the service is reached: groups joined, contacts, reactions, attributes.
    LimitReached,
    /// This account has no right to do it.
    NoPermission,
    /// There is no such group, room or thread.
    NoSuchGroup,
    /// There is no such message.
    NoSuchMessage,
    /// There is no such user.
    NoSuchUser,
    /// There is no such thing.
    NotFound,
    /// Somebody who has to be a member is none.
    NotMember,
    /// A limit of the app's edition is reached.
    QuotaReached,
    /// Too many calls.
    RateLimited,
    /// The server is in trouble or busy.
    ServerTrouble,
    /// The server refuses the token, a new one included: it is for another app, or has no right to this call.
    TokenRefused,
    /// The file or the request is too large.
    TooLarge,
    /// Something else.
    Unknown,
}

impl Meaning {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyDone => "it is so already",
            Self::BadRequest => "the parameters are wrong",
            Self::Conflict => "it was changed at the same moment",
            Self::ContentImproper => "moderation refuses the content",
            Self::Disabled => "the group is disabled",
            Self::Expired => "the server no longer keeps it",
            Self::FeatureOff => "the feature is not switched on for this app",
            Self::FileMissing => "there is no file in the request",
            Self::Full => "there is no room for another member",
            Self::LimitReached => "a limit of the service is reached",
            Self::NoPermission => "this account has no right to do it",
            Self::NoSuchGroup => "there is no such group or room",
            Self::NoSuchMessage => "there is no such message",
            Self::NoSuchUser => "there is no such user",
            Self::NotFound => "there is no such thing",
            Self::NotMember => "who has to be a member is none",
            Self::QuotaReached => "a limit of the app's edition is reached",
            Self::RateLimited => "there were too many calls",
            Self::ServerTrouble => "the server is in trouble",
            Self::TokenRefused => "the server refuses the token",
            Self::TooLarge => "the request is too large",
            Self::Unknown => "the server refuses the call",
        }
    }

    /// `error` is the server's short word, `code` its number, `words` all that it says in lower case.
    pub(crate) fn of(status: u16, error: &str, code: Option<u32>, words: &str) -> Self {
        let says = |texts: &[&str]| texts.iter().any(|text| words.contains(text));
        match status {
            // The token is good, but not for this. Source: observed with the official SDK.
            401 if matches!(code, Some(40001 | 60001)) => Self::NoPermission,
            401 => Self::TokenRefused,
            408 | 425 | 500 | 502..=504 => Self::ServerTrouble,
            409 => Self::Conflict,
            413 => Self::TooLarge,
            429 if error == "resource_limited" => Self::QuotaReached,
            429 => Self::RateLimited,
            400..=499 => match code.and_then(Self::of_code) {
                Some(meaning) => meaning,
                None if says(&["content improper"]) => Self::ContentImproper,
                None if says(&["file must be provided"]) => Self::FileMissing,
                None if says(FILE_TOO_LARGE) => Self::TooLarge,
                None if says(FEATURE_OFF) => Self::FeatureOff,
                None if says(ALREADY_DONE) || error == "duplicate_unique_property_exists" => {
                    Self::AlreadyDone
                }
                None if says(&["send reach limit"]) => Self::RateLimited,
                None if says(FULL) => Self::Full,
                None if says(LIMIT_REACHED) || error == "exceed_limit" => Self::LimitReached,
                None if says(NOT_MEMBER) => Self::NotMember,
                None if says(&["group is disabled"]) => Self::Disabled,
                None => Self::of_status(status, error, words),
            },
            _ => Self::Unknown,
        }
    }

    /// Source: observed with the official SDK.
    const fn of_code(code: u32) -> Option<Self> {
        Some(match code {
            40002..=40004 => Self::AlreadyDone,
            40009 | 60005 | 91102 => Self::BadRequest,
            15002 | 40000 | 60004 => Self::FeatureOff,
            40005 | 40007 | 60006 | 60007 | 60009 | 60012 | 91002 | 91101 => Self::LimitReached,
            40012 | 60002 | 60010 | 90004 | 91104 => Self::NoPermission,
            40011 => Self::NoSuchGroup,
            20004 | 60003 | 60011 => Self::NotMember,
            14007 => Self::TooLarge,
            _ => return None,
        })
    }

    fn of_status(status: u16, error: &str, words: &str) -> Self {
        let says = |texts: &[&str]| texts.iter().any(|text| words.contains(text));
        match (status, error) {
            (400, _) => Self::BadRequest,
            (403, _) => Self::NoPermission,
            (404, "") if words.is_empty() => Self::Unknown,
            (404, "file_expired") => Self::Expired,
            (404, _) if says(NO_SUCH_GROUP) => Self::NoSuchGroup,
            (404, _) if says(NO_SUCH_MESSAGE) => Self::NoSuchMessage,
            (404, _) if says(NO_SUCH_USER) => Self::NoSuchUser,
            (404, _) => Self::NotFound,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const ALREADY_DONE: &[&str] =
    &["already in group", "already in chatroom", "is already operation this", "already exists"];

const FEATURE_OFF: &[&str] = &[
    "is not open reaction",
    "not open message roaming",
    "not open presence",
    "service is unopened",
    "feature is not open",
    "service not allow",
    "thread not open",
    "service not open",
];

const FILE_TOO_LARGE: &[&str] = &["file exceeding maximum", "size exceeds the maximum"];

const FULL: &[&str] = &[
    "member list is full",
    "members size is greater than max",
    "is full",
    "greater than max user",
];

const LIMIT_REACHED: &[&str] = &[
    "joined too many",
    "create too many",
    "exceed limit",
    "exceeded the limit",
    "reached the maximum limit",
];

const NOT_MEMBER: &[&str] = &[
    "are not members",
    "doesn't exist in group",
    "is not in group",
    "not in this group",
    "not a member",
];

const NO_SUCH_GROUP: &[&str] = &[
    "grpid",
    "do not find this group",
    "group id",
    "chatroom",
    "chat room",
    "thread",
    "group not found",
];

const NO_SUCH_MESSAGE: &[&str] = &["message", "msg"];

const NO_SUCH_USER: &[&str] = &["username", "user"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_known_refusal_has_its_meaning() {
        let table: &[(u16, &str, Option<u32>, &str, Meaning)] = &[
            (400, "illegal_argument", None, "group id 1 already exists!", Meaning::AlreadyDone),
            (
                400,
                "invalid_parameter",
                None,
                "group must contain public field!",
                Meaning::BadRequest,
            ),
            (400, "service open exception", None, "the app not open presence", Meaning::FeatureOff),
            (
                400,
                "service open exception",
                None,
                "this appkey not open message roaming",
                Meaning::FeatureOff,
            ),
            (
                400,
                "bad request",
                None,
                "this appkey is not open reaction service!",
                Meaning::FeatureOff,
            ),
            (
                400,
                "bad request",
                None,
                "the user is already operation this message",
                Meaning::AlreadyDone,
            ),
            (
                400,
                "bad request",
                None,
                "the quantity has exceeded the limit!",
                Meaning::LimitReached,
            ),
            (400, "x", Some(40002), "", Meaning::AlreadyDone),
            (400, "content improper", None, "content improper", Meaning::ContentImproper),
            (400, "illegal_argument", None, "file must be provided.", Meaning::FileMissing),
            (400, "x", None, "the file size exceeds the maximum limit.", Meaning::TooLarge),
            (404, "file_expired", None, "file x is expired", Meaning::Expired),
            (401, "unauthorized", None, "", Meaning::TokenRefused),
            (401, "unauthorized", Some(40001), "user:a is not admin", Meaning::NoPermission),
            (
                403,
                "forbidden_op",
                None,
                "users [a] are not members of this group!",
                Meaning::NotMember,
            ),
            (403, "forbidden_op", None, "user: a doesn't exist in group: 1", Meaning::NotMember),
            (
                403,
                "forbidden_op",
                None,
                "forbidden operation on group owner!",
                Meaning::NoPermission,
            ),
            (
                403,
                "forbidden_op",
                None,
                "can not join this group, reason:user: a already in group: 1",
                Meaning::AlreadyDone,
            ),
            (
                403,
                "exceed_limit",
                None,
                "user a has joined too many groups!",
                Meaning::LimitReached,
            ),
            (
                403,
                "exceed_limit",
                None,
                "members size is greater than max user size !",
                Meaning::Full,
            ),
            (403, "x", None, "group member list is full!", Meaning::Full),
            (
                403,
                "x",
                None,
                "can not operate this group, reason: group is disabled",
                Meaning::Disabled,
            ),
            (403, "group_error", None, "thread not open.", Meaning::FeatureOff),
            (403, "message_send_error", None, "message send reach limit", Meaning::RateLimited),
            (404, "resource_not_found", None, "grpid 1 does not exist!", Meaning::NoSuchGroup),
            (404, "resource_not_found", None, "username a doesn't exist!", Meaning::NoSuchUser),
            (
                404,
                "service_resource_not_found",
                None,
                "service resource not found",
                Meaning::NotFound,
            ),
            (404, "x", Some(40011), "", Meaning::NoSuchGroup),
            (404, "", None, "", Meaning::Unknown),
            (409, "concurrent_operation_error", None, "", Meaning::Conflict),
            (413, "", None, "", Meaning::TooLarge),
            (429, "reach_limit", None, "", Meaning::RateLimited),
            (429, "resource_limited", None, "", Meaning::QuotaReached),
            (302, "", None, "", Meaning::Unknown),
            (501, "", None, "", Meaning::Unknown),
            (503, "", None, "", Meaning::ServerTrouble),
        ];
        for (status, error, code, words, expected) in table {
            assert_eq!(
                Meaning::of(*status, error, *code, words),
                *expected,
                "{status} {error} {words}"
            );
        }
    }
}

//! Why a login failed.

use std::fmt;

use thiserror::Error;

use super::{Reason, Words};
use crate::schema::{Status, status::ErrorCode};

/// How the server answers a PROVISION.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LoginReply {
    /// The account is online.
    Accepted,
    /// The account has to log in at one of these hosts instead, the first one first. Never empty.
    Redirected {
        /// Where to.
        hosts: Vec<RedirectHost>,
    },
    /// No.
    Refused(LoginError),
}

/// Another host for the same login. Scheme and path stay as they are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RedirectHost {
    /// Domain or address.
    pub host: String,
    /// Port, if it is another.
    pub port: Option<u16>,
}

/// Why a login failed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum LoginError {
    /// The server answered without saying whether the account is online.
    #[error("the answer to the login has no status")]
    NoStatus,
    /// The server refused.
    #[error("{refusal} (code {code}{reason})")]
    Refused {
        /// What the refusal means.
        refusal: LoginRefusal,
        /// `Status.errorCode`.
        code: i32,
        /// The server's own words.
        reason: Reason,
    },
    /// No answer came in time.
    #[error("the server did not answer the login")]
    TimedOut,
}

/// Whether to log in again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginRetry {
    /// After a while, with the same token.
    Later,
    /// Not before somebody changed something.
    Never,
    /// Once, with a new token. If that is refused as well, somebody has to change something.
    NewToken,
}

impl LoginReply {
    /// Reads the status of the answer to a PROVISION.
    ///
    /// A redirection without a host that can be used is a refusal. Source: observed with the official SDK, which does not
    /// follow redirections; native clients do.
    #[must_use]
    pub fn from_status(status: Option<&Status>) -> Self {
        let Some(status) = status else { return Self::Refused(LoginError::NoStatus) };
        let code = status.error_code.unwrap_or_default();
        if code == ErrorCode::Redirect as i32 {
            let hosts: Vec<_> = redirect_hosts(status).collect();
            if !hosts.is_empty() {
                return Self::Redirected { hosts };
            }
        }
        LoginError::from_status(code, status.reason()).map_or(Self::Accepted, Self::Refused)
    }
}

fn redirect_hosts(status: &Status) -> impl Iterator<Item = RedirectHost> {
    status.redirect_info.iter().filter_map(|info| {
        let host = info.host.clone().filter(|host| !host.is_empty())?;
        let port = info.port.filter(|port| *port != 0).map(u16::try_from).transpose().ok()?;
        Some(RedirectHost { host, port })
    })
}

impl LoginError {
    /// What `Status.errorCode` and `Status.reason` of the answer mean. `None` for code 0: the account is online.
    #[must_use]
    pub fn from_status(code: i32, reason: &str) -> Option<Self> {
        if code == ErrorCode::Ok as i32 {
            return None;
        }
        let fits = |(rule, words, _): &&(ErrorCode, Words, LoginRefusal)| {
            *rule as i32 == code && words.fit(reason)
        };
        let refusal =
            RULES.iter().find(fits).map_or(LoginRefusal::Other, |(_, _, refusal)| *refusal);
        Some(Self::Refused { refusal, code, reason: Reason::new(reason) })
    }

    /// Whether to log in again.
    #[must_use]
    pub const fn retry(&self) -> LoginRetry {
        match self {
            Self::NoStatus | Self::TimedOut => LoginRetry::Later,
            Self::Refused { refusal, .. } => refusal.retry(),
        }
    }

    /// The number under which the official SDK reports the same thing, for people who know its documentation.
    #[must_use]
    pub const fn sdk_type(&self) -> i32 {
        match self {
            Self::NoStatus | Self::TimedOut => -1,
            Self::Refused { refusal, .. } => refusal.sdk_type(),
        }
    }
}

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $name:ident: $sdk_type:literal, $retry:ident, $words:literal;)*) => {
        /// What the server means when it refuses a login.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum LoginRefusal { $($(#[doc = $doc])+ $name),* }

        impl LoginRefusal {
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

            /// Whether to log in again.
            #[must_use]
            pub const fn retry(self) -> LoginRetry {
                match self { $(Self::$name => LoginRetry::$retry),* }
            }
        }
    };
}

refusals! {
    /// As many users were active today as the app's plan allows.
    DailyUsersLimit: 50, Later, "the app has as many active users today as its plan allows";
    /// The account has a new device, and this one is no longer it.
    DeviceChanged: 220, Never, "the account moved to another device";
    /// Something that the server does not explain further.
    Failed: 2, Later, "the server refused the login";
    /// The app, or this user, is barred.
    Forbidden: 57, Never, "the service is disabled for this app or user";
    /// As many users were active this month as the app's plan allows.
    MonthlyUsersLimit: 50, Later, "the app has as many active users this month as its plan allows";
    /// There is no way to the user's server.
    NoRoute: 2, Later, "the server has no route for this user";
    /// As many users are online as the app's plan allows.
    OnlineUsersLimit: 50, Later, "the app has as many users online as its plan allows";
    /// A code that says it all, or one that is not known.
    Other: 2, Later, "the server refused the login";
    /// This user may not log in.
    PermissionDenied: 2, Never, "the user may not log in";
    /// As many users are registered as the app's plan allows.
    RegisteredUsersLimit: 50, Never, "the app has as many users as its plan allows";
    /// Users are registered faster than the app's plan allows.
    RegistrationRateLimit: 50, Later, "users are registered faster than the app's plan allows";
    /// The token is too old.
    TokenExpired: 56, NewToken, "the token has expired";
    /// The token is not one of this user.
    TokenMismatch: 28, NewToken, "the token does not belong to this user";
    /// The account is online on as many devices as its plan allows.
    TooManyDevices: 214, Never, "the account is online on too many devices";
    /// The token is not valid.
    Unauthorized: 2, NewToken, "the token is not valid";
    /// There is no such user.
    UserNotFound: 204, Never, "there is no such user";
    /// A part of the login is not what the server takes.
    WrongParameter: -3, Never, "the server does not accept the parameters of the login";
}

impl LoginRefusal {
    /// A code and a reason that say this on the wire, as the server would give them.
    #[must_use]
    pub fn wire(self) -> (i32, &'static str) {
        let rule = RULES.iter().find(|(_, _, refusal)| *refusal == self);
        rule.map_or((ErrorCode::MissingParameter as i32, ""), |(code, words, _)| {
            (*code as i32, words.example())
        })
    }
}

impl fmt::Display for LoginRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const FAIL: ErrorCode = ErrorCode::Fail;
const DENIED: ErrorCode = ErrorCode::PermissionDenied;

/// The first rule that fits counts. Source: observed with the official SDK, except for codes 6 and 8, which it reports as
/// plain refusals.
const RULES: &[(ErrorCode, Words, LoginRefusal)] = &[
    (FAIL, Words::Equal("Sorry, user register limit"), LoginRefusal::RegisteredUsersLimit),
    (FAIL, Words::Equal("Sorry, user register rate limit"), LoginRefusal::RegistrationRateLimit),
    (FAIL, Words::Equal("Sorry, token expired"), LoginRefusal::TokenExpired),
    (
        FAIL,
        Words::Equal("Sorry, token or password does not match login info"),
        LoginRefusal::TokenMismatch,
    ),
    (FAIL, Words::Equal("Sorry, user not found"), LoginRefusal::UserNotFound),
    (FAIL, Words::Any, LoginRefusal::Failed),
    (ErrorCode::Unauthorized, Words::Any, LoginRefusal::Unauthorized),
    (ErrorCode::WrongParameter, Words::Any, LoginRefusal::WrongParameter),
    (ErrorCode::TokenExpired, Words::Any, LoginRefusal::TokenExpired),
    (
        DENIED,
        Words::Equal("Sorry, the app month live count limit"),
        LoginRefusal::MonthlyUsersLimit,
    ),
    (DENIED, Words::Equal("Sorry, the app day live count limit"), LoginRefusal::DailyUsersLimit),
    (DENIED, Words::Equal("Sorry, the app online count limit"), LoginRefusal::OnlineUsersLimit),
    (DENIED, Words::Any, LoginRefusal::PermissionDenied),
    (ErrorCode::NoRoute, Words::Any, LoginRefusal::NoRoute),
    (ErrorCode::ImForbidden, Words::Any, LoginRefusal::Forbidden),
    (ErrorCode::TooManyDevices, Words::Any, LoginRefusal::TooManyDevices),
    (ErrorCode::ResourceChanged, Words::Any, LoginRefusal::DeviceChanged),
];

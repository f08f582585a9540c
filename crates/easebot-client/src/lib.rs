//! One Easemob account on the network: where the servers are ([`Directory`]), REST ([`Rest`]), tokens ([`TokenSource`]),
//! the WebSocket ([`Link`]) and when to try again ([`Backoff`]).

mod backoff;
mod caller;
mod client;
mod discovery;
mod endpoint;
mod files;
mod link;
mod rest;
mod split;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tls;
mod token;

pub use backoff::Backoff;
pub use caller::{Access, Caller};
pub use client::{
    Account, Alarm, CheckError, Client, ClientEvent, EndReason, Logins, Network, check,
};
pub use discovery::{Directory, DiscoverError, HostCursor, HostList, ServerList, ServerListError};
pub use endpoint::{Endpoint, EndpointError};
pub use files::{
    ClaimedLength, DownloadError, DownloadOptions, Downloaded, Files, KnownUpload, OnProgress,
    Progress, Source, UploadError, UploadOptions, Uploaded, Variant,
};
pub use link::{Link, LinkError, LinkOptions, OpenLinkError, OpenStage, Opening};
pub use rest::{Bucket, Http, HttpError, Rest};
pub use split::{MAX_PARTS, split};
pub use tls::{Tls, TlsError};
pub use token::{Credentials, Token, TokenError, TokenSource};

// The typed REST calls, which a `Caller` makes.
pub use easebot_rest::{
    Api, ApiError, AttributeOutcome, Attributes, CallApi, ConversationMark, ConversationSummary,
    Direction, GroupChange, GroupProfile, History, HistoryQuery, Keep, Meaning, Member,
    MemberOutcome, MessageReactions, MutedMember, NewGroup, NewRoom, NewThread, Pages,
    PinnedMessage, Place, PresenceSubscription, PushWish, Reach, Retry, Role, RoomChange,
    RoomProfile, RosterEntry, Silence, SilentMode, ThreadProfile, Translated, TranslationLanguage,
    UserProfile,
};

// The protocol types that the API above speaks in.
pub use easebot_msync::{
    Arrival, Batch, Compression, Cursor, Device, EncodeError, LoginError, Me, Now, Refusal,
    Retry as SendRetry, SendError, combine, decode_meta, delivery_receipt, encode_said,
};

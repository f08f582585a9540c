//! One Easemob account on the network: where the servers are ([`Directory`]), REST ([`Rest`]), tokens ([`TokenSource`]),
//! the WebSocket ([`Link`]) and when to try again ([`Backoff`]).

mod backoff;
mod client;
mod discovery;
mod endpoint;
mod link;
mod rest;
mod tls;
mod token;

pub use backoff::{Backoff, Retry};
pub use client::{Account, Client, ClientEvent, EndReason, Network, check};
pub use discovery::{Directory, DiscoverError, HostCursor, HostList, ServerList, ServerListError};
pub use endpoint::{Endpoint, EndpointError};
pub use link::{Link, LinkError, LinkOptions, OpenLinkError, OpenStage, Opening};
pub use rest::{Http, HttpError, Rest};
pub use tls::{Tls, TlsError};
pub use token::{Credentials, Token, TokenError, TokenSource};

// The protocol types that the API above speaks in.
pub use easebot_msync::{
    Arrival, Batch, Cursor, Device, EncodeError, LoginError, Me, Retry as SendRetry, SendError,
    decode_meta, delivery_receipt,
};

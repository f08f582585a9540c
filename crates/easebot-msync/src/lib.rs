//! The MSYNC protocol without I/O: schema, frames, message codec and the session state machine.
//!
//! Time, randomness and bytes are arguments: nothing here reads a clock, opens a socket or needs an async runtime, so every
//! rule of the protocol can be tested in microseconds.

pub mod combine;
mod content;
mod decode;
mod dedup;
mod encode;
mod ext;
mod frame;
pub mod lz4;
mod refusal;
pub mod schema;
pub mod session;
mod stream;
#[cfg(test)]
mod testing;
mod wire;

pub use decode::{
    Decoded, Me, ReplyMeta, decode_message, decode_meta, decode_reply_meta, delivery_receipt,
};
pub use encode::{EncodeError, MAX_BODY_BYTES, MAX_RECEIVERS, encode_outgoing, encode_said};
pub use ext::{MAX_PAIRS, decode_ext, encode_ext};
pub use frame::DecodeFrameError;
pub use refusal::{
    LoginError, LoginRefusal, LoginReply, LoginRetry, Reason, RedirectHost, Refusal, Retry,
    SendError,
};
#[doc(inline)]
pub use session::{
    Arrival, Batch, Compressed, Compression, Cursor, DeadLink, Device, JoinedRoom, LOCAL_KEY, Now,
    Session, SessionConfig, SessionEvent,
};
pub use stream::{StreamAssembler, StreamLimits};

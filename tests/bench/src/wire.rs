//! The bytes of WebSocket and MSYNC by hand: for the load, and for the bot that shows how fast one can be.
//!
//! None of it is code of the product, so a mistake of the product does not hide behind itself.

pub(crate) mod msync;
pub(crate) mod protobuf;
pub(crate) mod websocket;

#![doc = include_str!("../README.md")]

mod callbacks;
mod clock;
mod control;
mod emulator;
mod files;
mod link;
mod options;
mod refusal;
mod rest;
mod shared;
mod world;

pub use callbacks::{Callback, CallbackEvent, Callbacks, PreSend};
pub use clock::{Clock, ManualClock, SystemClock};
pub use control::{Control, Endpoint, HttpFault, StreamPiece, Whose, Wish};
pub use emulator::{Dialler, Emulator, StartError};
pub use options::{Lz4, OfflineLimits, Options, RepeatedId};

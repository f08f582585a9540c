//! The stores from outside: what both promise, and what becomes of the file.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "test code")]

mod alike;
mod desk;
mod disk;
mod given;
mod memory;
mod suite;

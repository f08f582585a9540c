//! What the binary says and how it ends: exit code, stdout and stderr, as one text.

#![expect(clippy::expect_used, reason = "test code")]

mod archive;
mod check;
mod dev;
mod easebot;
mod emulator;
mod examples;
mod explain;
mod hooks;
mod init;
mod log;
mod reload;
mod run;
mod send;
mod shelf;
mod test;
mod usage;

//! Bots of the facade, with people on the emulator and on the test bed.

mod bot;
mod dialogues;
mod embedding;
mod outgoing;
mod testkit;

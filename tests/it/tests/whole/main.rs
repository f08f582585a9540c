//! A person, an emulator, a runtime and its plugins in one process: the whole way of a message, there and back.

mod archive;
mod bridge;
mod commands;
mod crowd;
mod faults;
mod gaps;
mod login;
mod receipts;
mod rest;
mod restart;
mod rules;
mod talk;
mod team;

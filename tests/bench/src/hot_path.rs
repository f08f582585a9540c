//! The way of a message through a bot in one thread and without a socket, and single steps of it: to be counted in
//! instructions.
//!
//! Everything that is prepared is prepared for [`MAX_MESSAGES`], so that two runs with different numbers of messages differ in
//! nothing but these: the difference of their instructions is what the messages cost.

mod bot;
mod far_end;
mod pages;
mod steps;
#[cfg(test)]
mod tests;

use std::iter;

use clap::{Parser, ValueEnum};
use easebot_store::Durability;

use self::pages::Pages;

/// As many messages are prepared.
const MAX_MESSAGES: usize = 2_000;

/// How many messages a page of the server's queues has.
const PAGE: usize = 20;

/// Sends messages through one bot, or through one step of its way, and ends.
#[derive(Debug, Parser)]
struct HotPath {
    /// How many messages: whole pages of 20, at most 2000.
    #[arg(long)]
    messages: usize,
    /// What they go through.
    #[arg(long, value_enum, default_value = "full")]
    part: Part,
    /// How many rules they are compared with, besides 50 commands.
    #[arg(long, default_value_t = 100)]
    rules: usize,
    /// How many people write at the same time.
    #[arg(long, default_value_t = 25)]
    people: usize,
    /// What the bot's store outlives.
    #[arg(long, value_enum, default_value = "memory")]
    durability: Outlives,
}

/// What the messages go through.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Part {
    /// A whole bot, from the bytes of the socket to those of the answer and of its acknowledgement.
    Full,
    /// The same for messages that no plugin wants.
    Unwanted,
    /// The other end of the pipe alone, which is in both of the above.
    FarEnd,
    /// A page of the server to the events in it.
    Decode,
    /// An answer to the frame that says it.
    Encode,
    /// A message to the rule or command that it is for.
    Route,
    /// A rule's template to the text of an answer.
    Render,
    /// A message into a file of combined messages and out of it.
    Combine,
    /// A frame compressed and restored.
    Lz4,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Outlives {
    Memory,
    Process,
    Power,
}

impl From<Outlives> for Durability {
    fn from(outlives: Outlives) -> Self {
        match outlives {
            Outlives::Memory => Self::Memory,
            Outlives::Process => Self::Process,
            Outlives::Power => Self::Power,
        }
    }
}

/// The side `hot-path`.
///
/// # Errors
/// If the words or numbers do not fit, or a message was not answered.
pub(crate) fn side(words: &[String]) -> anyhow::Result<()> {
    let name = "hot-path".to_owned();
    HotPath::try_parse_from(iter::once(&name).chain(words))?.run()
}

impl HotPath {
    /// # Errors
    /// If the numbers do not fit, or a message was not answered.
    fn run(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.messages <= MAX_MESSAGES && self.messages.is_multiple_of(PAGE),
            "messages come in pages of {PAGE}, {MAX_MESSAGES} at most"
        );
        anyhow::ensure!(self.people > 0, "somebody has to write");
        let pages = Pages::new(self.people, self.rules);
        let n = self.messages;
        match self.part {
            Part::Full => bot::run(&pages, n, true, self.durability.into()),
            Part::Unwanted => bot::run(&pages, n, false, self.durability.into()),
            Part::FarEnd => far_end::run_alone(&pages, n),
            Part::Decode => steps::decode(&pages, n),
            Part::Encode => steps::encode(&pages, n),
            Part::Route => steps::route(&pages, n),
            Part::Render => steps::render(&pages, n),
            Part::Combine => steps::combine(&pages, n),
            Part::Lz4 => steps::lz4(&pages, n),
        }
    }
}

//! The table of benches, and of the sides that they run.

mod accounts;
mod archive;
mod catch_up;
mod combine;
mod commands;
mod echo;
mod emulator;
mod lz4;
mod micro;
mod rules;
mod start;
mod store;
mod transfer;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::console::Console;
use crate::hot_path;
use crate::instructions;
use crate::load;
use crate::report::Section;

/// A comparison.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) name: &'static str,
    /// One line for `--list`.
    pub(crate) purpose: &'static str,
    pub(crate) run: fn(&Setup) -> anyhow::Result<Section>,
}

/// A process that a bench measures or loads another with: this program again, so that all sides are of one build.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&[String]) -> anyhow::Result<()>,
}

/// In the order in which they run and stand on the page.
pub(crate) const BENCHES: &[Bench] = &[
    Bench {
        name: "echo",
        purpose: "each message is answered with its text, next to the official SDK and what the machine allows",
        run: echo::run,
    },
    Bench {
        name: "start",
        purpose: "from the start of a process until its account is online",
        run: start::run,
    },
    Bench {
        name: "accounts",
        purpose: "memory and CPU of up to 10 000 accounts that have nothing to do",
        run: accounts::run,
    },
    Bench {
        name: "catch-up",
        purpose: "100 000 messages that wait at the login",
        run: catch_up::run,
    },
    Bench {
        name: "upload",
        purpose: "a file of 1 GiB up to a server, beside curl",
        run: transfer::upload,
    },
    Bench {
        name: "download",
        purpose: "a file of 1 GiB down from a server, beside curl",
        run: transfer::download,
    },
    Bench {
        name: "emulator",
        purpose: "100 clients of the emulator chatting in one group",
        run: emulator::run,
    },
    Bench { name: "rules", purpose: "what 1 to 10,000 rules cost a message", run: rules::run },
    Bench {
        name: "commands",
        purpose: "what it costs to read a text as one of 50 commands",
        run: commands::run,
    },
    Bench {
        name: "store",
        purpose: "commits of events at each durability, against a bare file",
        run: store::run,
    },
    Bench {
        name: "archive",
        purpose: "keeping messages with an index, and searching them in Chinese",
        run: archive::run,
    },
    Bench {
        name: "combine",
        purpose: "building and opening combined messages, up to 10 levels",
        run: combine::run,
    },
    Bench { name: "lz4", purpose: "what compression costs and saves", run: lz4::run },
    Bench {
        name: "micro",
        purpose: "the pieces that a message goes through, each by itself",
        run: micro::run,
    },
    Bench {
        name: "instructions",
        purpose: "what a message costs in instructions, against the checked-in table (needs valgrind)",
        run: instructions::run,
    },
];

pub(crate) const SIDES: &[Side] = &[
    Side { name: "echo-bare-tcp", run: echo::bare::tcp },
    Side { name: "echo-bare-websocket", run: echo::bare::websocket },
    Side { name: "echo-bot", run: echo::bot::run },
    Side { name: "echo-by-hand", run: echo::floor::by_hand },
    Side { name: "echo-generated", run: echo::floor::generated },
    Side { name: "load", run: load::load },
    Side { name: "backlog", run: load::backlog::backlog },
    Side { name: "catcher", run: catch_up::catcher::run },
    Side { name: "crowd", run: emulator::crowd::run },
    Side { name: "fleet", run: accounts::fleet::run },
    Side { name: "served", run: accounts::served::run },
    Side { name: "file-client", run: transfer::client::run },
    Side { name: "file-server", run: transfer::server::run },
    Side { name: "timed", run: transfer::timed::run },
    Side { name: "combiner", run: combine::side },
    Side { name: "compressor", run: lz4::side },
    Side { name: "inbox", run: store::inbox },
    Side { name: "keeper", run: archive::keeper },
    Side { name: "log", run: store::log },
    Side { name: "matcher", run: rules::side },
    Side { name: "pieces", run: micro::side },
    Side { name: "reader", run: commands::side },
    Side { name: "searcher", run: archive::searcher },
    Side { name: "hot-path", run: hot_path::side },
];

/// What a bench has.
#[derive(Debug)]
pub(crate) struct Setup {
    /// Few rounds, and short ones: to see that it works, not to quote.
    pub(crate) quick: bool,
    /// Renews what is checked in instead of comparing with it.
    pub(crate) writes: bool,
    /// The checkout.
    pub(crate) root: PathBuf,
    /// The `easebot` binary of the same build.
    pub(crate) easebot: PathBuf,
    /// This program.
    pub(crate) this: PathBuf,
    pub(crate) console: Console,
}

impl Setup {
    /// How many rounds: those of the bench, or two.
    pub(crate) fn rounds(&self, full: usize) -> usize {
        if self.quick { full.min(2) } else { full }
    }

    /// How long a side runs in a round: that of the bench, or a fifth of it.
    pub(crate) fn window(&self, full: Duration) -> Duration {
        if self.quick { full / 5 } else { full }
    }

    /// The command that starts a side of [`SIDES`].
    pub(crate) fn side(&self, name: &str, words: &[&str]) -> Command {
        let mut command = Command::new(&self.this);
        command.arg("side").arg(name).args(words);
        command
    }

    /// The `easebot` binary, which says nothing in colour.
    pub(crate) fn easebot(&self) -> Command {
        let mut command = Command::new(&self.easebot);
        command.env("NO_COLOR", "1").env_remove("EASEBOT_LOG");
        command
    }

    /// A new folder on the disk of the checkout (and not in memory, where many machines have `/tmp`).
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn folder(&self) -> anyhow::Result<tempfile::TempDir> {
        let parent = self.this.parent().unwrap_or(&self.root);
        Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(parent)?)
    }
}

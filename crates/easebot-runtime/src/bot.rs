//! One bot: an account and its plugins.

mod attach;
mod board;
mod breaker;
mod chores;
mod crew;
mod door;
mod gap;
mod handler;
mod hold;
mod host;
mod lanes;
mod outbox;
mod past;
mod picture;
mod policy;
mod rest;
mod supervisor;
mod task;
#[cfg(test)]
mod tests;
mod uploads;

use std::time::Duration;

use easebot_client::Account;
use easebot_model::{Conversation, MessageId, Outgoing, Receipt, RoomId};
use easebot_plugin::{BotInfo, SendError, Ticket, TicketUpdate, Urgency};
use easebot_store::{Durability, SendName};
use tokio::sync::oneshot;

pub use self::policy::{FailureReply, PluginOptions, PluginSpec};
use crate::pace::Pace;

pub(crate) use self::{
    board::{Board, Shown},
    crew::{CannotStart, Replace},
    handler::Share,
    hold::Hold,
    host::{Surroundings, unix_now},
    past::Past,
    supervisor::{Shared, Supervised, supervise},
};

/// What makes a bot.
#[derive(Debug)]
pub struct BotSpec {
    /// Its name in logs, pages and errors. Unique within a runtime.
    pub name: String,
    /// Who it logs in as, and where.
    pub account: Account,
    /// Its plugins, in the order in which they see an event. Their names are unique within the bot.
    pub plugins: Vec<PluginSpec>,
    /// How it behaves.
    pub options: BotOptions,
}

impl BotSpec {
    pub(crate) fn info(&self) -> BotInfo {
        BotInfo {
            name: self.name.clone(),
            user: self.account.user.clone(),
            app_key: self.account.app_key.clone(),
        }
    }
}

/// What is done with a send of which nobody knows whether the server took it: no answer came in time, or the link or the
/// process ended before it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum InDoubt {
    /// It is kept as a dead letter, which the operator retries or drops. Nothing is ever said twice, but what is held is not
    /// said until somebody looks, and each message costs one more commit before it leaves. What was refused for now and
    /// waited to be repeated when the process ended is held, too.
    Hold,
    /// It is sent again under the same client id. Nothing is lost, but a server that does not tell the repetition by its id
    /// shows the message twice.
    #[default]
    Resend,
}

/// How much of what a bot says may wait to be sent.
///
/// All of it is in the store. What is beyond `n_rows` and `n_bytes` is only there, and is read when half of that room is free;
/// a row that is larger than all the room is read alone.
///
/// While more than `n_unsent` things wait, the bot takes no more: cursors are held, so that messages wait at the server; events
/// that were taken wait for their handlers, which begin when there is room; what is said from outside or by a plugin's `Env`
/// waits. A handler that runs goes on, and what it says (at most 1,000 things) is taken. It goes on at half of `n_unsent`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OutboxLimits {
    /// How many things to say are in memory, of each urgency. Default 1,024, at least 1.
    pub n_rows: usize,
    /// How many bytes they have as they are saved, of each urgency. Default 4 MiB, at least 1.
    pub n_bytes: usize,
    /// How many things may wait before the bot takes no more messages. Default 10,000, at least 1.
    pub n_unsent: usize,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { n_rows: 1_024, n_bytes: 4 << 20, n_unsent: 10_000 }
    }
}

/// How a bot behaves.
#[derive(Clone, Debug)]
pub struct BotOptions {
    /// What a saved event outlives. Default: the process.
    pub durability: Durability,
    /// Tell senders that their one-to-one messages arrived, once they are saved. Default true.
    pub delivery_receipts: bool,
    /// Tell senders that their one-to-one messages were read, once the plugins have handled them. Default false.
    pub read_receipts: bool,
    /// How long one plugin may take for one try of one event, if its own options do not say. Default 60 s.
    pub handler_timeout: Duration,
    /// How many events of one conversation may wait in memory; behind them the server's queue waits. Default 64,
    /// at least 1.
    pub n_queued: usize,
    /// What is done with a send whose answer was lost. Default: it is sent again.
    pub in_doubt: InDoubt,
    /// How much may wait to be sent: in memory, and before the bot takes no more messages.
    pub outbox: OutboxLimits,
    /// How fast messages may leave. Default: the documented limits. None lets them leave as fast as they can, and does
    /// not count them for the other bots of the app either.
    pub pace: Option<Pace>,
    /// In groups and chat rooms where other bots of this runtime and app are, too, one of them answers. Default true; false:
    /// this bot answers for itself, whatever the others do.
    pub shares_groups: bool,
    /// Chat rooms that the bot joins with every login, before it says anything. Default none. What is said in a room reaches
    /// only who is in it, and only they may say something there.
    ///
    /// A room that refuses is told to the log, and asked again every five minutes.
    pub rooms: Vec<RoomId>,
    /// After how long offline what may have been missed is fetched from the server's history, since the server keeps only so
    /// much in its queues. Default 24 h; none: never.
    pub fill_gaps_after: Option<Duration>,
    /// Makes the jitter of its waits, its device id and its client ids. None, the default: another one in each process.
    ///
    /// For runs that shall be the same each time. Two bots of one app must not share one.
    pub seed: Option<u64>,
    /// How many handlers may wait at the same time, each in a task of its own; behind them handlers start in the order in
    /// which their events came, whenever one ends. Default 1024, at least 1.
    pub n_handlers: usize,
}

impl Default for BotOptions {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            delivery_receipts: true,
            read_receipts: false,
            handler_timeout: Duration::from_secs(60),
            n_queued: 64,
            in_doubt: InDoubt::default(),
            outbox: OutboxLimits::default(),
            pace: Some(Pace::default()),
            shares_groups: true,
            rooms: Vec::new(),
            fill_gaps_after: Some(Duration::from_secs(24 * 60 * 60)),
            seed: None,
            n_handlers: 1_024,
        }
    }
}

/// What others ask of a bot's task.
#[derive(Debug)]
pub(crate) enum Command {
    /// Say something that no event asked for.
    Send {
        /// Said twice under the same key, it is sent once.
        key: Option<String>,
        /// One thing in its parts, each with whom to tell when the server has answered.
        parts: Vec<(Outgoing, TicketUpdate)>,
        urgency: Urgency,
        /// Told when it is saved.
        saved: oneshot::Sender<Result<(), SendError>>,
    },
    /// Say what became of something, and leave unsaid what is not sent yet.
    Cancel {
        of: Vec<SendName>,
        /// It is only asked for: nothing is left unsaid.
        only_looks: bool,
        /// Told what became of each of its messages.
        done: oneshot::Sender<Vec<Taken>>,
    },
    /// Show there that the bot writes.
    ShowTyping { to: Conversation },
    /// Say what is left, log out and end.
    Stop {
        /// How long that may take.
        patience: Duration,
    },
}

/// What became of a message that is asked for or to be taken back.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is not sent any more.
    Cancelled,
    /// The server may have it soon, or has it already.
    OnItsWay { to: Conversation, ticket: Ticket },
    /// The server has it.
    Sent { to: Conversation, message: MessageId },
    /// It was given up before.
    Gone,
}

/// What the shutdown of a bot left behind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Leftover {
    pub(crate) n_handling: usize,
    pub(crate) n_unsent: usize,
}

pub(crate) type Answer = Result<Receipt, SendError>;

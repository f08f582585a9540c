//! What the command line can say.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args as Group, Parser, Subcommand};
use easebot_model::{AppKey, Conversation, GroupId, RoomId, Secret, Timestamp, UserId};

pub(crate) use crate::archive::ArchiveArgs;
use crate::log;

/// The command line; `Program` gives it its name, its version and what it is.
#[derive(Debug, Parser)]
#[command(
    after_help = "Data goes to stdout, speech to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Say more: -v what happens, -vv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Which lines are logged, such as `warn,easebot_client=debug`; without it as in `EASEBOT_LOG`
    #[arg(long, value_name = "FILTER", global = true, value_parser = log::parse)]
    pub(crate) log: Option<log::Filter>,
    /// How lines stand on stderr: `text`, for people, or `json`, an object a line
    #[arg(long, value_name = "FORMAT", global = true, value_enum, default_value_t = log::Format::Text)]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    pub(crate) log_format: log::Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List, show, search and export what plugins of the kind `archive` have kept
    Archive(ArchiveArgs),
    /// Check a configuration and start nothing
    Check(CheckArgs),
    /// Print what completes the commands in a shell
    Completions(CompletionsArgs),
    /// Talk to your bots: emulator, bots and a prompt in one process, no account needed
    Dev(DevArgs),
    /// Run the emulator alone: Easemob's REST and WebSocket on this machine, in memory
    Emulator(EmulatorArgs),
    /// Tell which plugin would take a text, and why the others would not
    ///
    /// Nothing is started, sent or asked: what only a running bot knows is said as a condition.
    Explain(ExplainArgs),
    /// See what webhooks could not post, and post it again or drop it
    Hooks(HooksArgs),
    /// See events that were not handled, and try them again or drop them
    Inbox(InboxArgs),
    /// Write a file to start with; it asks nothing and writes over nothing
    Init(InitArgs),
    /// Print the manual page
    Man,
    /// See what was not sent, and try it again or drop it
    Outbox(OutboxArgs),
    /// List the plugin kinds that a configuration can name
    Plugins,
    /// Print every key of a configuration with its meaning, as Markdown
    Reference,
    /// Run the bots of a configuration
    Run(RunArgs),
    /// Print the JSON Schema of a configuration, for editors
    Schema,
    /// Send one message as a bot, and print the id that the server gave it
    ///
    /// The bot may run meanwhile: this is another device of it, which answers nothing.
    Send(SendArgs),
    /// Hold the tests of a configuration: conversations that have to go as they are written
    ///
    /// Bots and people meet in an emulator of this process, in a time of their own: waits take none, no secret is read from the
    /// environment, and no other server is asked anything.
    Test(TestArgs),
}

impl Default for Command {
    fn default() -> Self {
        Self::Dev(DevArgs {
            config: CONFIG.into(),
            user: GUEST.into(),
            data_dir: None,
            listen: None,
            patience_secs: 60,
        })
    }
}

const CONFIG: &str = "bots.toml";
const GUEST: &str = "you";

#[derive(Debug, Group)]
pub(crate) struct CheckArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub(crate) config: PathBuf,
    /// Read the secrets as well, as `run` does
    #[arg(long)]
    pub(crate) secrets: bool,
}

#[derive(Debug, Group)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Group)]
pub(crate) struct ExplainArgs {
    /// The configuration: a file, or a folder with files
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub(crate) config: PathBuf,
    /// The bot that gets it; the first one of the configuration by default
    #[arg(long, value_name = "NAME")]
    pub(crate) bot: Option<String>,
    /// Who writes
    #[arg(long = "as", value_name = "user:NAME", default_value = GUEST, value_parser = person)]
    pub(crate) user: UserId,
    /// Where, if not to the bot alone: `group:ID` or `room:ID`
    #[arg(long = "in", value_name = "CONVERSATION", value_parser = shared)]
    pub(crate) within: Option<Conversation>,
    /// It names the bot with `@`
    #[arg(long)]
    pub(crate) mention: bool,
    /// When it is written, such as `2026-01-05T12:00:00+08:00`; now by default
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<Timestamp>,
    /// What is written
    pub(crate) text: String,
}

#[derive(Debug, Group)]
pub(crate) struct InitArgs {
    /// The folder to write `bots.toml` into; it is made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Group)]
pub(crate) struct SendArgs {
    /// The configuration: a file, or a folder with files
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub(crate) config: PathBuf,
    /// The bot that sends; the first one of the configuration by default
    #[arg(long, value_name = "NAME")]
    pub(crate) bot: Option<String>,
    /// Where to: `user:NAME`, `group:ID` or `room:ID`
    #[arg(long, value_name = "CONVERSATION")]
    pub(crate) to: Conversation,
    #[command(flatten)]
    pub(crate) what: WhatArgs,
    /// How long a voice message or a video lasts
    #[arg(long, value_name = "SECS", default_value_t = 1)]
    pub(crate) duration_secs: u32,
    /// A pair that goes along (repeatable); what is no JSON is a text
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) ext: Vec<(String, serde_json::Value)>,
    /// How long the login and the server's answer may take together
    #[arg(long, value_name = "SECS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) wait_secs: u64,
}

/// What is sent.
#[derive(Debug, Group)]
#[group(required = true, multiple = false)]
pub(crate) struct WhatArgs {
    /// A text; a long one goes in parts
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// An image
    #[arg(long, value_name = "FILE")]
    pub(crate) image: Option<PathBuf>,
    /// A voice message
    #[arg(long, value_name = "FILE")]
    pub(crate) audio: Option<PathBuf>,
    /// A video
    #[arg(long, value_name = "FILE")]
    pub(crate) video: Option<PathBuf>,
    /// Any file
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A custom message with this event
    #[arg(long, value_name = "EVENT")]
    pub(crate) custom: Option<String>,
}

#[derive(Debug, Group)]
pub(crate) struct TestArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub(crate) config: PathBuf,
    /// Only tests with this in their name
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
}

#[derive(Debug, Group)]
pub(crate) struct RunArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub(crate) config: PathBuf,
    /// How long handlers and answers may take to finish after the signal to stop, instead of what the configuration says
    #[arg(long, value_name = "SECS")]
    pub(crate) drain_secs: Option<u64>,
}

#[derive(Debug, Group)]
pub(crate) struct DevArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub(crate) config: PathBuf,
    /// The user that you are
    #[arg(long = "as", value_name = "USER", default_value = GUEST, value_parser = legal)]
    pub(crate) user: UserId,
    /// Keep the bots' data here; without it, it is gone at the end
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where the emulator listens; without it, 127.0.0.1:7380 or any free port
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// When lines come from a pipe: how long to wait for the answers to one line
    #[arg(long, value_name = "SECS", default_value_t = 60)]
    pub(crate) patience_secs: u64,
}

#[derive(Debug, Group)]
pub(crate) struct EmulatorArgs {
    /// Where to listen; port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7380")]
    pub(crate) listen: SocketAddr,
    /// An app to serve (repeatable)
    #[arg(long = "app-key", value_name = "ORG#APP", default_value = "easebot#demo")]
    pub(crate) app_keys: Vec<AppKey>,
    /// A user to make in the first app (repeatable)
    #[arg(long = "user", value_name = "NAME:PASSWORD", value_parser = user)]
    pub(crate) users: Vec<(UserId, Secret)>,
    /// A group to make in the first app (repeatable)
    #[arg(long = "group", value_name = "ID=OWNER,MEMBER…", value_parser = group)]
    pub(crate) groups: Vec<(GroupId, UserId, Vec<UserId>)>,
    /// A chat room to make in the first app (repeatable)
    #[arg(long = "room", value_name = "ID=OWNER", value_parser = room)]
    pub(crate) rooms: Vec<(RoomId, UserId)>,
    /// Register users only with a token of the app
    #[arg(long)]
    pub(crate) closed_registration: bool,
    /// Messages in one page of a queue
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) page_size: usize,
    /// Compress frames for clients that offer LZ4: what they send, what they get, both, or nothing
    #[arg(long, value_name = "DIRECTION", value_parser = ["up", "down", "both", "off"], default_value = "off")]
    pub(crate) lz4: String,
    /// Largest file that can be uploaded
    #[arg(long, value_name = "BYTES", default_value_t = 10 << 20)]
    pub(crate) max_file_bytes: u64,
    /// How long an uploaded file is kept
    #[arg(long, value_name = "SECS", default_value_t = 7 * 24 * 60 * 60)]
    pub(crate) file_life_secs: u64,
    /// What all uploaded files together may take on disk
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 30)]
    pub(crate) file_store_bytes: u64,
    /// Take files in one piece only, as an app without part upload does
    #[arg(long)]
    pub(crate) no_part_upload: bool,
    /// Send downloads that ask for it (`em-redirect`) to another address, as the real service does
    #[arg(long)]
    pub(crate) redirect_downloads: bool,
    /// How long undelivered messages and absent devices are remembered
    #[arg(long, value_name = "SECS", default_value_t = 7 * 24 * 60 * 60)]
    pub(crate) queue_life_secs: u64,
    /// Tell this server of what happened: of messages, unless `--post-send-events` says more (http only)
    #[arg(long, value_name = "URL")]
    pub(crate) post_send_url: Option<String>,
    /// What it is told of, separated by commas
    #[arg(long, value_name = "KINDS", value_delimiter = ',', default_value = "message",
        value_parser = ["message", "receipt", "recall", "edit", "reaction", "thread", "group", "contact", "user-status"])]
    pub(crate) post_send_events: Vec<String>,
    /// Ask this server about each message of a client before it goes out (http only)
    #[arg(long, value_name = "URL")]
    pub(crate) pre_send_url: Option<String>,
    /// What callbacks are signed with
    #[arg(long, value_name = "TEXT", default_value = "easebot-secret")]
    pub(crate) callback_secret: String,
    /// How long the answer of the server that is asked may take
    #[arg(long, value_name = "MS", default_value_t = 200)]
    pub(crate) pre_send_wait_ms: u64,
    /// Refuse a message if the server that is asked does not answer in time
    #[arg(long)]
    pub(crate) pre_send_blocks: bool,
    /// Keep at most what the real service keeps offline: 500 one-to-one and 200 group messages a user
    #[arg(long)]
    pub(crate) real_offline_limits: bool,
}

/// Events that wait for their handler, and dead letters: those that a plugin could not handle.
///
/// It works while the bots run: they take up what is tried again within a second.
#[derive(Debug, Group)]
pub(crate) struct InboxArgs {
    #[command(subcommand)]
    pub(crate) command: ShelfCommand,
}

/// What waits to be sent, and dead letters: what the server or the bot refused for good.
///
/// It works while the bots run: they take up what is tried again, and leave what is dropped, within a second.
#[derive(Debug, Group)]
pub(crate) struct OutboxArgs {
    #[command(subcommand)]
    pub(crate) command: ShelfCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ShelfCommand {
    /// Give dead ones up for good; in the outbox, one that waits as well if it is named
    Drop(PickArgs),
    /// List what is not finished, oldest first, without its text
    List(ListArgs),
    /// Try dead ones again
    Retry(PickArgs),
    /// Print one as JSON with everything in it, message text included
    Show(ShowArgs),
}

/// Events on their way to the endpoints of webhook-out and of plugins like it, and dead letters: those that an endpoint did not
/// take.
///
/// It works while the bots run: they post what is tried again within a few seconds.
#[derive(Debug, Group)]
pub(crate) struct HooksArgs {
    #[command(subcommand)]
    pub(crate) command: HooksCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HooksCommand {
    /// Give dead ones up for good
    Drop(HookPickArgs),
    /// List what is not posted, oldest first, without its text
    List(HookListArgs),
    /// Post dead ones again
    Retry(HookPickArgs),
    /// Print the JSON Schema of what is posted, and of answers with replies
    Schema,
    /// Print one as JSON with what is posted, message text included
    Show(HookShowArgs),
}

#[derive(Debug, Group)]
pub(crate) struct HookListArgs {
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    /// One plugin only, by its name
    #[arg(long, value_name = "NAME")]
    pub(crate) plugin: Option<String>,
    /// Only those that were given up
    #[arg(long, conflicts_with = "waiting")]
    pub(crate) dead: bool,
    /// Only those that are still to be posted
    #[arg(long)]
    pub(crate) waiting: bool,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Group)]
pub(crate) struct HookShowArgs {
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    /// One plugin only, by its name
    #[arg(long, value_name = "NAME")]
    pub(crate) plugin: Option<String>,
    /// Its id in the list, which is its `webhook-id`
    pub(crate) id: String,
    /// In one line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Group)]
pub(crate) struct HookPickArgs {
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    /// One plugin only, by its name
    #[arg(long, value_name = "NAME")]
    pub(crate) plugin: Option<String>,
    /// Its id in the list, which is its `webhook-id`
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) id: Option<String>,
    /// All dead ones
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Group)]
pub(crate) struct WhereArgs {
    /// The configuration, which names the folder of the data (`data_dir`) and the bots
    #[arg(long, value_name = "FILE", default_value = CONFIG, conflicts_with = "data")]
    pub(crate) config: PathBuf,
    /// The folder of the data; without a configuration, bots go by the name of their user
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// One bot only
    #[arg(long, value_name = "NAME")]
    pub(crate) bot: Option<String>,
}

#[derive(Debug, Group)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    /// Only those that were given up
    #[arg(long, conflicts_with = "waiting")]
    pub(crate) dead: bool,
    /// Only those that are still to be handled or sent
    #[arg(long)]
    pub(crate) waiting: bool,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    /// Those behind this one: the last of the page before
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<i64>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Group)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    /// Its number in the list
    pub(crate) id: i64,
    /// In one line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Group)]
pub(crate) struct PickArgs {
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    /// Its number in the list
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) id: Option<i64>,
    /// All dead ones
    #[arg(long)]
    pub(crate) all: bool,
}

fn user(text: &str) -> anyhow::Result<(UserId, Secret)> {
    let (name, password) = text.split_once(':').context("a user is written NAME:PASSWORD")?;
    Ok((legal(name)?, Secret::new(password)))
}

fn group(text: &str) -> anyhow::Result<(GroupId, UserId, Vec<UserId>)> {
    let (id, people) = text.split_once('=').context("a group is written ID=OWNER,MEMBER…")?;
    let mut people = people.split(',').map(legal);
    let owner = people.next().context("a group needs an owner")??;
    Ok((GroupId::new(not_empty(id)?), owner, people.collect::<anyhow::Result<_>>()?))
}

fn room(text: &str) -> anyhow::Result<(RoomId, UserId)> {
    let (id, owner) = text.split_once('=').context("a chat room is written ID=OWNER")?;
    Ok((RoomId::new(not_empty(id)?), legal(owner)?))
}

fn person(text: &str) -> anyhow::Result<UserId> {
    legal(text.strip_prefix("user:").unwrap_or(text))
}

fn shared(text: &str) -> anyhow::Result<Conversation> {
    match text.parse()? {
        Conversation::User(_) => Err(anyhow!("write `group:ID` or `room:ID`")),
        place => Ok(place),
    }
}

fn time(text: &str) -> anyhow::Result<Timestamp> {
    easebot_config::timestamp(text).context("write a date and time with offset")
}

fn pair(text: &str) -> anyhow::Result<(String, serde_json::Value)> {
    let (key, value) = text.split_once('=').context("a pair is written KEY=VALUE")?;
    let json = serde_json::from_str(value);
    Ok((not_empty(key)?.to_owned(), json.unwrap_or_else(|_| value.into())))
}

fn not_empty(id: &str) -> anyhow::Result<&str> {
    if id.is_empty() { Err(anyhow!("the id in front of `=` is empty")) } else { Ok(id) }
}

fn legal(name: &str) -> anyhow::Result<UserId> {
    let user = UserId::new(name);
    if user.is_legal() {
        Ok(user)
    } else {
        Err(anyhow!("a user name has 1 to 64 characters of a-z, 0-9, `_`, `-` and `.`"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn seeds_of_the_emulator_are_read() {
        assert_eq!(user("Bob:a:b").unwrap(), ("bob".into(), Secret::new("a:b")));
        assert_eq!(
            group("g1=alice,bob").unwrap(),
            ("g1".into(), "alice".into(), vec!["bob".into()])
        );
        assert!(group("g1=alice").unwrap().2.is_empty());
        assert_eq!(room("r1=alice").unwrap(), ("r1".into(), "alice".into()));
        for wrong in ["g1", "=alice", "g1=", "g1=alice,", "g1=a b"] {
            assert!(group(wrong).is_err(), "{wrong}");
        }
    }
}

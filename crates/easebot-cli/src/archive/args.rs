//! What the command line can say about archives.

use std::{path::PathBuf, time::SystemTime};

use clap::{Args as Group, Subcommand, ValueEnum};
use easebot_model::{Conversation, MessageId, Timestamp};
use easebot_plugin_archive::{Filter, ParseTimeError, parse_time};

use crate::args::WhereArgs;

/// What plugins of the kind `archive` have kept.
///
/// It works while the bots run. All times are UTC.
#[derive(Debug, Group)]
pub(crate) struct ArchiveArgs {
    #[command(subcommand)]
    pub(crate) command: ArchiveCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ArchiveCommand {
    /// Write messages with everything in them as a page, as Markdown or as JSON lines
    Export(ExportArgs),
    /// List messages, newest first
    List(ListArgs),
    /// Find messages that contain each of some words, also such as stand in combined ones
    Search(SearchArgs),
    /// Print one message with everything in it
    Show(ShowArgs),
}

#[derive(Debug, Group)]
pub(crate) struct FilterArgs {
    /// Only those of this conversation, such as `user:NAME` or `group:ID`
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<Conversation>,
    /// Only those from this time on: 2026-11-22, 2026-11-22T04:17, or an age such as 7d, 12h or 30m
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Only those before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
}

impl FilterArgs {
    pub(crate) fn filter(&self) -> Filter {
        let Self { conversation, since, until } = self;
        Filter { conversation: conversation.clone(), since: *since, until: *until }
    }
}

#[derive(Debug, Group)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Group)]
pub(crate) struct SearchArgs {
    /// What has to stand in a message, in any script and also as a part of a word; small and capital letters are the same
    #[arg(required = true)]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Group)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    /// Its id in the list
    pub(crate) id: MessageId,
    /// As JSON, in one line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Group)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// What it looks like
    #[arg(long, value_enum)]
    pub(crate) format: Format,
    /// Write `archive.html`, `archive.jsonl` or `archive.md` into this folder, with the files in `media` beside it; without it, to
    /// stdout, a page with the files in it
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// A page that needs no network and runs nothing
    Html,
    /// A JSON object a line
    Jsonl,
    /// Markdown
    Markdown,
}

fn time(text: &str) -> Result<Timestamp, ParseTimeError> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    parse_time(text, Timestamp(u64::try_from(now.as_millis()).unwrap_or(u64::MAX)))
}

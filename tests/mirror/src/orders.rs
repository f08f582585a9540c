//! What a test can order.

use std::path::{Path, PathBuf};

use anyhow::Context;
use easebot_client::{
    Api, DownloadOptions, Files, HistoryQuery, Me, Variant,
    combine::{self, CombineLimits},
};
use easebot_model::{Attachment, Conversation, Outgoing, Resource};
use easebot_runtime::Handle;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{BOT, calls::Call, show};

#[derive(Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
enum Order {
    /// Calls the server's REST, and shows what it gave.
    Call {
        tag: String,
        #[serde(flatten)]
        call: Call,
    },
    /// Downloads an attachment to a file, and shows its length.
    Download {
        tag: String,
        attachment: Attachment,
        to: PathBuf,
        #[serde(default)]
        which: Which,
    },
    /// Shows the last `n` messages of a conversation, newest first, as the server keeps them.
    History { tag: String, conversation: Conversation, n: usize },
    /// Shows the messages in a combined one.
    OpenCombine { tag: String, attachment: Attachment },
    /// Says something, and shows what the server answered.
    Send { tag: String, outgoing: Box<Outgoing> },
}

/// Which picture of an attachment.
#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Which {
    #[default]
    Original,
    Thumbnail,
    VideoFrame,
}

impl From<Which> for Variant {
    fn from(which: Which) -> Self {
        match which {
            Which::Original => Self::Original,
            Which::Thumbnail => Self::Thumbnail,
            Which::VideoFrame => Self::VideoFrame,
        }
    }
}

/// Does what `line` orders. The answer comes when it is there, with the order's tag.
pub(crate) fn follow(handle: &Handle, line: &str) -> anyhow::Result<()> {
    let order = serde_json::from_str(line).context("this is no order")?;
    let handle = handle.clone();
    #[expect(clippy::disallowed_methods, reason = "it ends with the process, as all of this does")]
    tokio::spawn(async move {
        let (tag, answer) = match order {
            Order::Call { tag, call } => (tag, make(&handle, call).await),
            Order::Download { tag, attachment, to, which } => {
                (tag, download(&handle, &attachment, &to, which).await)
            }
            Order::History { tag, conversation, n } => {
                (tag, history(&handle, &conversation, n).await)
            }
            Order::OpenCombine { tag, attachment } => {
                (tag, open_combine(&handle, &attachment).await)
            }
            Order::Send { tag, outgoing } => (tag, send(&handle, *outgoing).await),
        };
        let answer = match answer {
            Ok(answer) => json!({ "tag": tag, "answer": answer }),
            Err(error) => json!({ "tag": tag, "error": format!("{error:#}") }),
        };
        drop(show(&answer));
    });
    Ok(())
}

async fn make(handle: &Handle, call: Call) -> anyhow::Result<Value> {
    call.make(&api(handle)?).await
}

async fn send(handle: &Handle, outgoing: Outgoing) -> anyhow::Result<Value> {
    let ticket = handle.send(BOT, None, outgoing).await?;
    Ok(serde_json::to_value(ticket.receipt().await?)?)
}

async fn download(
    handle: &Handle,
    attachment: &Attachment,
    to: &Path,
    which: Which,
) -> anyhow::Result<Value> {
    let options = DownloadOptions { variant: which.into(), ..DownloadOptions::default() };
    let downloaded = files(handle)?.download(attachment, to, &options).await?;
    Ok(json!({ "length_bytes": downloaded.length_bytes }))
}

async fn open_combine(handle: &Handle, attachment: &Attachment) -> anyhow::Result<Value> {
    let mut file = Vec::new();
    files(handle)?.download_into(attachment, &mut file, &DownloadOptions::default()).await?;
    let me = Me { user: BOT.into(), resource: Resource::default() };
    let messages = combine::parse(&file.into(), &me, &CombineLimits::default())?;
    Ok(serde_json::to_value(messages)?)
}

async fn history(handle: &Handle, conversation: &Conversation, n: usize) -> anyhow::Result<Value> {
    let mut history = api(handle)?.history(conversation, HistoryQuery::default());
    let mut messages = Vec::new();
    while messages.len() < n
        && let Some(page) = history.next().await?
    {
        messages.extend(page);
    }
    messages.truncate(n);
    Ok(serde_json::to_value(messages)?)
}

fn files(handle: &Handle) -> anyhow::Result<Files> {
    handle.files(BOT).context("the bot does not run")
}

fn api(handle: &Handle) -> anyhow::Result<Api> {
    handle.api(BOT).context("the bot does not run")
}

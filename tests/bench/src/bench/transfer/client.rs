//! The side `file-client`: moves one file with Easebot's own client, and ends.
//!
//! `file-client SERVER HOW [FILE]`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use easebot::client::{Access, Account, Caller, DownloadOptions, Files, Source, UploadOptions};
use easebot::model::{Attachment, Conversation};
use tokio::io::sink;
use tokio::runtime::Builder;

use super::server::{FILE, WHOLE};
use super::timed::DONE;
use crate::console::Console;

/// The side.
pub(crate) fn run(words: &[String]) -> anyhow::Result<()> {
    let mut words = words.iter().map(String::as_str);
    let server = words.next().context("file-client SERVER HOW [FILE]")?;
    let how = words.next().context("file-client SERVER HOW [FILE]")?;
    // As `easebot run` has it.
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let (server, how, file) = (server.to_owned(), how.to_owned(), words.next().map(str::to_owned));
    // In a task, as a bot does it.
    let task = runtime.spawn(async move { one(&server, &how, file.as_deref()).await });
    runtime.block_on(task)?
}

async fn one(server: &str, how: &str, file: Option<&str>) -> anyhow::Result<()> {
    // A server that takes no parts is asked under another name.
    let user = if how == "upload-whole" { WHOLE } else { "bot" };
    let files = files(server, user)?;
    let file = file.map(Path::new).context("which file?");
    match how {
        "upload" | "upload-anew" | "upload-whole" => {
            let options = UploadOptions { reuses: how == "upload", ..UploadOptions::default() };
            let source = Source::path(file?).await?;
            let n_bytes = source.length_bytes();
            let uploaded = files.upload(source, &Conversation::user("ann"), &options).await?;
            ensure!(uploaded.length_bytes == n_bytes && !uploaded.is_reused, "nothing went up");
            Console.say(DONE);
            files.settled().await;
            let n_known = files.known_uploads().len();
            ensure!(n_known == usize::from(options.reuses), "{n_known} files are remembered");
        }
        "download" => {
            files.download(&attachment(server), file?, &DownloadOptions::default()).await?;
        }
        "download-nowhere" => {
            let options = DownloadOptions::default();
            let got = files.download_into(&attachment(server), &mut sink(), &options).await?;
            ensure!(got.length_bytes > 0, "nothing came down");
        }
        _ => bail!("a file is not moved by `{how}`"),
    }
    Ok(())
}

fn attachment(server: &str) -> Attachment {
    let url = format!("http://{server}/easebot/demo/chatfiles/{FILE}");
    Attachment { url, secret: None, name: None, length_bytes: None }
}

fn files(server: &str, user: &str) -> anyhow::Result<Files> {
    let account = Account::new("easebot#demo".parse()?, user, "secret");
    let account = account.at(format!("http://{server}").parse()?);
    Ok(Files::new(&Arc::new(Caller::new(Access::new(account)))))
}

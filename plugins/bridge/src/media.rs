//! Files on their way from one side to the others.

use std::{
    collections::HashSet,
    ffi::OsStr,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use easebot_model::{Attachment, Conversation, FileSource, MessageId, Timestamp, chain};
use easebot_plugin::{Env, FetchError, Language};
use tokio::{
    fs,
    time::{Instant, sleep, timeout_at},
};
use tracing::{debug, warn};

/// A file that was fetched.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) source: FileSource,
    /// Its name in the folder of the plugin, if it is there: it stays until all copies are sent.
    pub(crate) file: Option<String>,
}

/// Why a file does not go along, in words for those who would have got it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Left {
    TooLarge { n_bytes: u64 },
    NotFetched,
}

/// How long fetching one file may take, and how often it is tried: what is said meanwhile in the conversation waits.
const PATIENCE: Duration = Duration::from_secs(45);
const MAX_TRIES: u32 = 3;

/// Largest file that is held in memory, for a bot that keeps nothing on disk.
const MAX_BYTES_IN_MEMORY: u64 = 10 << 20;

impl Left {
    /// What is said in place of the file, behind the words for it.
    pub(crate) fn words(&self, language: Language) -> String {
        match self {
            Self::TooLarge { n_bytes } => {
                let mib = n_bytes.div_ceil(1 << 20);
                language.pick(
                    format!(", too large to be passed on, {mib} MiB"),
                    format!("，太大，无法转发，{mib} MiB"),
                )
            }
            Self::NotFetched => {
                language.pick(", which could not be passed on", "，无法转发").to_owned()
            }
        }
    }
}

/// Fetches what belongs to `message`.
pub(crate) async fn fetch(
    env: &Env,
    conversation: &Conversation,
    message: MessageId,
    attachment: &Attachment,
    limit_bytes: u64,
) -> Result<Fetched, Left> {
    let folder = env.folder();
    let limit_bytes =
        if folder.is_some() { limit_bytes } else { limit_bytes.min(MAX_BYTES_IN_MEMORY) };
    if let Some(n_bytes) = attachment.length_bytes.filter(|n_bytes| *n_bytes > limit_bytes) {
        return Err(Left::TooLarge { n_bytes });
    }
    let (bot, plugin) = (&env.bot().name, env.plugin());
    let fetched = match &folder {
        Some(folder) => {
            to_folder(env, folder, conversation, message, attachment, limit_bytes).await
        }
        None => to_memory(env, attachment, limit_bytes).await,
    };
    fetched.map_err(|reason| {
        warn!(%bot, %plugin, %conversation, %message, %reason, "a file is not relayed");
        Left::NotFetched
    })
}

async fn to_folder(
    env: &Env,
    folder: &Path,
    conversation: &Conversation,
    message: MessageId,
    attachment: &Attachment,
    limit_bytes: u64,
) -> Result<Fetched, String> {
    let plain: String = conversation
        .to_string()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .collect();
    let file = format!("{plain}-{message}");
    let path = folder.join(&file);
    // An earlier try may have got it, and what it said may be on its way up.
    if !matches!(fs::try_exists(&path).await, Ok(true)) {
        fs::create_dir_all(folder).await.map_err(|error| chain(&error))?;
        download(env, attachment, &path, limit_bytes).await?;
    }
    Ok(Fetched { source: path.into(), file: Some(file) })
}

async fn to_memory(
    env: &Env,
    attachment: &Attachment,
    limit_bytes: u64,
) -> Result<Fetched, String> {
    let folder = tempfile::tempdir().map_err(|error| chain(&error))?;
    let path = folder.path().join("file");
    download(env, attachment, &path, limit_bytes).await?;
    let bytes = fs::read(&path).await.map_err(|error| chain(&error))?;
    Ok(Fetched { source: bytes.into(), file: None })
}

async fn download(
    env: &Env,
    attachment: &Attachment,
    to: &Path,
    limit_bytes: u64,
) -> Result<(), String> {
    let until = Instant::now() + PATIENCE;
    let late = |_| format!("it took longer than {} s", PATIENCE.as_secs());
    let mut n_tries = 0;
    loop {
        n_tries += 1;
        let downloading = env.download_within(attachment, to, limit_bytes);
        match timeout_at(until, downloading).await.map_err(late)? {
            Ok(_) => return Ok(()),
            Err(FetchError { source, is_permanent, .. }) => {
                let reason = chain(&*source);
                if is_permanent || n_tries == MAX_TRIES {
                    return Err(reason);
                }
                debug!(%reason, n_tries, "a file is fetched again");
                sleep(Duration::from_secs(1 << n_tries)).await;
            }
        }
    }
}

/// Removes the file `name`, whose copies are sent.
pub(crate) async fn remove(env: &Env, name: &str) {
    let Some(path) = env.folder().map(|folder| folder.join(name)) else { return };
    if let Err(error) = fs::remove_file(&path).await {
        debug!(reason = %chain(&error), "a file that was relayed is gone already");
    }
}

/// Removes files that are older than `keep`, but for the `needed` ones: their copies were given up.
pub(crate) async fn sweep(env: &Env, keep: Duration, needed: &HashSet<String>) {
    let Some(folder) = env.folder() else { return };
    for path in old_files(&folder, env.now(), keep).await {
        let name = path.file_name().and_then(OsStr::to_str);
        if name.is_some_and(|name| needed.contains(name)) {
            continue;
        }
        if let Err(error) = fs::remove_file(&path).await {
            debug!(reason = %chain(&error), "an old file was not removed");
        }
    }
}

async fn old_files(folder: &Path, now: Timestamp, keep: Duration) -> Vec<PathBuf> {
    let mut old = Vec::new();
    let Ok(mut entries) = fs::read_dir(folder).await else { return old };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let modified = entry.metadata().await.and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).and_then(|at| {
            let now = Duration::from_millis(now.0);
            now.checked_sub(at)
        });
        if age.is_some_and(|age| age > keep) {
            old.push(entry.path());
        }
    }
    old
}

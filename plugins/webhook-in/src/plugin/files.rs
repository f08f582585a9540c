//! The files that go along with a message.

use easebot_http::name_of;
use easebot_model::{Draft, safe_file_name};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use super::{Rule, WebhookIn};
use crate::{body::Attached, format::short, keys::Fetch};

/// How many files one message takes along.
const MAX_FILES: usize = 10;

/// How many characters of an address are shown: what a message says of its files must not make it too long.
const MAX_URL_CHARS: usize = 500;

/// How long fetching the files of one request may take, so that the caller is answered in time.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

impl WebhookIn {
    /// The drafts of `files`, each with the place of its file, and lines for those that do not go along: a message is not lost for
    /// the sake of its picture.
    pub(super) async fn drafts(
        &self,
        rule: &Rule,
        files: Vec<Attached>,
    ) -> (Vec<(usize, Draft)>, Vec<String>) {
        let (mut drafts, mut notes) = (Vec::new(), Vec::new());
        let mut room = rule.file_bytes;
        let until = Instant::now() + PATIENCE;
        let n_more = files.len().saturating_sub(MAX_FILES);
        for (index, file) in files.into_iter().take(MAX_FILES).enumerate() {
            let (name, bytes) = match file {
                Attached::Bytes { name, bytes } => (name, bytes),
                Attached::Url { url, .. } if rule.fetch == Fetch::Off => {
                    notes.push(short(&url, MAX_URL_CHARS));
                    continue;
                }
                Attached::Url { name, url } => {
                    let name = name.or_else(|| name_of(&url));
                    let fetching = self.fetcher.fetch(&url, rule.fetch, room);
                    let url = short(&url, MAX_URL_CHARS);
                    match timeout_at(until, fetching).await {
                        Ok(Ok(bytes)) => (name, bytes),
                        Ok(Err(error)) => {
                            let reason = easebot_model::chain(&error);
                            debug!(hook = %rule.path, %reason, "a file was not fetched");
                            notes.push(format!("({url} was not fetched: {error})"));
                            continue;
                        }
                        Err(_) => {
                            notes.push(format!("({url} was not fetched in time)"));
                            continue;
                        }
                    }
                }
            };
            let kind = picture(&bytes);
            let name = file_name(name, index, kind);
            let Some(left) = room.checked_sub(bytes.len()) else {
                notes.push(format!("({name} was left out: {} bytes)", bytes.len()));
                continue;
            };
            if bytes.is_empty() {
                notes.push(format!("({name} was left out: it is empty)"));
                continue;
            }
            room = left;
            let draft = if kind.is_some() { Draft::image(bytes) } else { Draft::file(bytes) };
            drafts.push((index, draft.named(name)));
        }
        if n_more > 0 {
            notes.push(format!("({n_more} more files were left out)"));
        }
        (drafts, notes)
    }
}

/// What a dry run shows of a file.
pub(super) fn describe(file: &Attached) -> Value {
    match file {
        Attached::Bytes { name, bytes } => json!({ "name": name, "n_bytes": bytes.len() }),
        Attached::Url { name, url } => json!({ "name": name, "url": url }),
    }
}

/// The ending of a picture that every client shows, by its first bytes.
fn picture(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("png"),
        [0xff, 0xd8, 0xff, ..] => Some("jpg"),
        [b'G', b'I', b'F', b'8', ..] => Some("gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("webp"),
        _ => None,
    }
}

/// The name that people see: the one that came with the file, as far as it is one.
fn file_name(name: Option<String>, index: usize, kind: Option<&str>) -> String {
    let name = name.and_then(|name| safe_file_name(&name));
    name.unwrap_or_else(|| format!("file-{}.{}", index + 1, kind.unwrap_or("bin")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_name_that_is_one() {
        let name = |name: &str| file_name(Some(name.to_owned()), 0, None);
        assert_eq!(name("/etc/passwd"), "passwd");
        assert_eq!(name("C:\\a\\图.png"), "图.png");
        assert_eq!(name("a\nb.txt"), "ab.txt");
        assert_eq!(name(".."), "file-1.bin");
        assert_eq!(file_name(None, 1, Some("png")), "file-2.png");
        let disguised = "photo\u{202e}gpj.exe";
        assert_eq!(name(disguised), "photogpj.exe", "what it is stands where people see it");
    }
}

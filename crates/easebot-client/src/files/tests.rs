use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use easebot_model::{Attachment, Conversation, Secret};
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::{
    ApiError, Credentials, Endpoint,
    caller::tests::{caller_at, caller_of, caller_with},
    rest::testing::fake::{Asked, Count, Fake, Said},
};

mod again;
mod download;
mod large;
mod parts;
mod redirect;
mod upload;

fn files_at(rest: &Url) -> Files {
    Files::new(&caller_at(rest))
}

fn to_amy() -> Conversation {
    Conversation::user("amy")
}

/// What the service says about a file that it took.
fn taken(uuid: &str) -> Said {
    Said::ok(
        json!({ "uri": "x", "entities": [{ "uuid": uuid, "type": "chatfile", "share-secret": "s3" }] }),
    )
}

/// What stands in the file field of a form.
fn file_in(asked: &Asked) -> Vec<u8> {
    let text = asked.body.clone();
    let find = |needle: &[u8], from: usize| {
        (from..text.len()).find(|at| text[*at..].starts_with(needle)).unwrap()
    };
    let head = find(b"filename=", 0);
    let start = find(b"\r\n\r\n", head) + 4;
    let boundary = find(b"\r\n--easebot-", start);
    text[start..boundary].to_vec()
}

/// The largest difference between what was made and what was used up so far.
#[derive(Debug, Default)]
struct Lead {
    made: AtomicU64,
    used: AtomicU64,
    largest: AtomicU64,
}

impl Lead {
    fn used(&self, n_bytes: u64) {
        self.used.fetch_add(n_bytes, Ordering::SeqCst);
    }
}

impl Count for Lead {
    fn count(&self, n_bytes: u64) {
        let made = self.made.fetch_add(n_bytes, Ordering::SeqCst) + n_bytes;
        let lead = made.saturating_sub(self.used.load(Ordering::SeqCst));
        self.largest.fetch_max(lead, Ordering::SeqCst);
    }
}

#[test]
fn futures_of_files_can_be_spawned() {
    fn spawnable<T: Send>(_: T) {}
    let files = files_at(&Url::parse("http://127.0.0.1:1").unwrap());
    let (to, attachment) = (to_amy(), Attachment::default());
    let (up, down) = (UploadOptions::default(), DownloadOptions::default());
    spawnable(files.upload(Source::bytes("x"), &to, &up));
    spawnable(files.download(&attachment, "x".as_ref(), &down));
    spawnable(files.download_into(&attachment, &mut tokio::io::sink(), &down));
}

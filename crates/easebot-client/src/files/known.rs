//! What was uploaded before: the same content goes up once.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use aws_lc_rs::digest::{self, SHA256};
use easebot_model::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit};

use super::{
    Uploaded,
    later::Later,
    source::{Digest, finish},
};
use crate::rest::epoch_ms;

/// An upload that can be used again.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct KnownUpload {
    /// SHA-256 over the content and how it was uploaded, in hex.
    pub key: String,
    /// Where it is.
    pub url: String,
    /// What its download needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// Its length.
    pub length_bytes: u64,
    /// When it was uploaded.
    pub uploaded: Timestamp,
}

/// How long an upload is used again: the service keeps files for 7 days, and the receiver wants a while to fetch it.
/// Source: Easemob's REST documentation, "attachments".
const LIFE: Duration = Duration::from_secs(6 * 24 * 60 * 60);

/// Most uploads that are known; the oldest are forgotten first.
const MAX_KNOWN: usize = 4096;

/// Earlier uploads, and those on their way.
#[derive(Debug, Default)]
pub(super) struct Known {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    uploads: HashMap<String, KnownUpload>,
    /// Held while a content goes up.
    on_their_way: HashMap<String, Weak<AsyncMutex<()>>>,
    /// Long contents on their way by length; held by one that goes up before its hash is known.
    lengths: HashMap<u64, Weak<AsyncMutex<()>>>,
}

/// What is known of a length when a long content of this length is to go up.
#[derive(Debug)]
pub(super) enum Length {
    /// There may be the same content, or soon: when this lock can be taken, what went up before its hash was known is known or
    /// has failed. Kept until this content is up.
    Again(Arc<AsyncMutex<()>>),
    /// No content that is known or on its way has it, so this one goes up in any case.
    New(Later),
}

/// The key of a content that is uploaded as `content_type` with a thumbnail of this size: both change what the server
/// makes of it.
pub(super) fn key(content: &Digest, content_type: &str, thumbnail: Option<(u32, u32)>) -> String {
    let mut context = digest::Context::new(&SHA256);
    context.update(content);
    context.update(content_type.as_bytes());
    let (width, height) = thumbnail.unwrap_or_default();
    context.update(&[0]);
    context.update(&width.to_be_bytes());
    context.update(&height.to_be_bytes());
    hex(&finish(&context.finish()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

impl Known {
    pub(super) fn find(&self, key: &str) -> Option<Uploaded> {
        let now = epoch_ms();
        let mut state = self.state();
        let known = state.uploads.get(key)?;
        if !known.is_good_at(now) {
            state.uploads.remove(key);
            return None;
        }
        Some(Uploaded {
            url: known.url.clone(),
            secret: known.secret.clone(),
            length_bytes: known.length_bytes,
            is_reused: true,
        })
    }

    pub(super) fn add(&self, key: String, uploaded: &Uploaded) {
        self.state().insert(KnownUpload {
            key,
            url: uploaded.url.clone(),
            secret: uploaded.secret.clone(),
            length_bytes: uploaded.length_bytes,
            uploaded: Timestamp(epoch_ms()),
        });
    }

    /// The lock that is held while the content with this key goes up.
    pub(super) fn lock_of(&self, key: &str) -> Arc<AsyncMutex<()>> {
        let mut state = self.state();
        state.on_their_way.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = state.on_their_way.get(key).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::default();
        state.on_their_way.insert(key.to_owned(), Arc::downgrade(&lock));
        lock
    }

    /// Notes that a content of this length goes up, before its hash is known if nothing has this length and there is a permit.
    pub(super) fn length(&self, n_bytes: u64, permit: Option<OwnedSemaphorePermit>) -> Length {
        let now = epoch_ms();
        let mut state = self.state();
        state.lengths.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = state.lengths.get(&n_bytes).and_then(Weak::upgrade) {
            return Length::Again(lock);
        }
        let lock = Arc::default();
        state.lengths.insert(n_bytes, Arc::downgrade(&lock));
        let is_same = |known: &KnownUpload| known.length_bytes == n_bytes && known.is_good_at(now);
        let permit = permit.filter(|_| !state.uploads.values().any(is_same));
        // The lock was made here, so nobody else has it yet.
        match (permit, Arc::clone(&lock).try_lock_owned()) {
            (Some(permit), Ok(turn)) => Length::New(Later { _turn: turn, _permit: permit }),
            _ => Length::Again(lock),
        }
    }

    pub(super) fn forget(&self, url: &str) {
        self.state().uploads.retain(|_, known| known.url != url);
    }

    pub(super) fn export(&self) -> Vec<KnownUpload> {
        let now = epoch_ms();
        let state = self.state();
        let mut all: Vec<_> =
            state.uploads.values().filter(|known| known.is_good_at(now)).cloned().collect();
        all.sort_by(|one, other| (one.uploaded, &one.key).cmp(&(other.uploaded, &other.key)));
        all
    }

    pub(super) fn import(&self, uploads: impl IntoIterator<Item = KnownUpload>) {
        let now = epoch_ms();
        let mut state = self.state();
        uploads
            .into_iter()
            .filter(|known| known.is_good_at(now))
            .for_each(|known| state.insert(known));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn insert(&mut self, known: KnownUpload) {
        self.uploads.insert(known.key.clone(), known);
        if self.uploads.len() > MAX_KNOWN {
            let oldest = self.uploads.values().min_by_key(|known| known.uploaded);
            if let Some(key) = oldest.map(|known| known.key.clone()) {
                self.uploads.remove(&key);
            }
        }
    }
}

impl KnownUpload {
    fn is_good_at(&self, now_ms: u64) -> bool {
        let age_ms = now_ms.saturating_sub(self.uploaded.0);
        u128::from(age_ms) < LIFE.as_millis()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    fn upload(key: &str, uploaded: u64) -> KnownUpload {
        KnownUpload {
            key: key.to_owned(),
            url: format!("http://h/o/a/chatfiles/{key}"),
            secret: Some(Secret::new("s")),
            length_bytes: 3,
            uploaded: Timestamp(uploaded),
        }
    }

    #[test]
    fn what_is_older_than_its_life_is_not_used_again() {
        let now = epoch_ms();
        let life = u64::try_from(LIFE.as_millis()).unwrap();
        let known = Known::default();
        known.import([upload("old", now - life), upload("young", now - life + 60_000)]);
        assert!(known.find("old").is_none());
        assert!(known.find("young").unwrap().is_reused);
        assert_eq!(known.export().len(), 1);
    }

    #[test]
    fn the_oldest_makes_room() {
        let now = epoch_ms();
        let known = Known::default();
        let n_uploads = MAX_KNOWN as u64 + 2;
        known.import((0..n_uploads).map(|n| upload(&n.to_string(), now - n_uploads + n)));
        assert_eq!(known.export().len(), MAX_KNOWN);
        assert!(known.find("0").is_none() && known.find("1").is_none());
        assert!(known.find("2").is_some());
    }

    #[test]
    fn of_a_length_one_goes_up_without_its_hash_and_while_it_does_the_others_wait() {
        let known = Known::default();
        known.import([upload("known", epoch_ms())]);
        let permits = Arc::new(Semaphore::new(1));
        let length = |n_bytes| known.length(n_bytes, Arc::clone(&permits).try_acquire_owned().ok());
        assert!(matches!(length(3), Length::Again(_)), "a known one has it");
        let Length::New(later) = length(4) else { panic!("nobody has it") };
        assert!(matches!(length(5), Length::Again(_)), "there is no permit");
        let Length::Again(second) = length(4) else { panic!("it is on its way") };
        assert!(second.try_lock().is_err());
        drop(later);
        assert!(second.try_lock().is_ok());
        let third = length(4);
        assert!(matches!(third, Length::Again(_)), "the second is on its way");
        drop((second, third));
        assert!(matches!(length(4), Length::New(_)), "both have failed");
    }

    #[test]
    fn the_key_tells_contents_and_thumbnails_apart() {
        let keys = [
            key(&[1; 32], "image/png", None),
            key(&[2; 32], "image/png", None),
            key(&[1; 32], "image/jpeg", None),
            key(&[1; 32], "image/png", Some((170, 170))),
        ];
        let different: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
        assert!(keys.iter().all(|key| key.len() == 64));
    }

    #[test]
    fn a_known_upload_round_trips_through_json() {
        let upload = upload("k", 7);
        let text = serde_json::to_string(&upload).unwrap();
        assert_eq!(serde_json::from_str::<KnownUpload>(&text).unwrap(), upload);
    }
}

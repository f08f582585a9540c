//! What was uploaded before, kept over a restart: the same content goes up once.

use std::collections::{HashMap, HashSet};

use easebot_client::{Files, KnownUpload};
use easebot_model::Timestamp;
use easebot_store::{AccountKey, StateWrite, Store, StoreError};

/// The name space of these values among those of the plugins. A plugin of this name would have a strange name.
const NAMESPACE: &str = "easebot:uploads";

/// How many are read at once.
const PAGE: usize = 1_000;

/// The uploads of one account, in memory and in the store. How many there are and how long they are good for is the business
/// of [`Files`]; the store follows it.
#[derive(Debug)]
pub(super) struct Uploads {
    files: Files,
    saved: Saved,
}

/// What the store has: when each was uploaded, or none if it cannot be read.
type Saved = HashMap<String, Option<Timestamp>>;

impl Uploads {
    /// Nothing is known of earlier runs before [`recall`](Self::recall).
    pub(super) fn new(files: Files) -> Self {
        Self { files, saved: Saved::new() }
    }

    /// Takes up what earlier runs have left.
    pub(super) async fn recall(
        &mut self,
        store: &dyn Store,
        account: &AccountKey,
    ) -> Result<(), StoreError> {
        let mut after: Option<String> = None;
        loop {
            let page = store.states(account, NAMESPACE, "", after.as_deref(), PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            let saved = &mut self.saved;
            let known: Vec<_> = page.into_iter().filter_map(|row| read(saved, row)).collect();
            self.files.remember(known);
        }
    }

    /// What has to be written so that the store has what is known now.
    pub(super) fn changes(&mut self) -> Vec<StateWrite> {
        changes(&mut self.saved, self.files.known_uploads())
    }
}

fn read(saved: &mut Saved, (key, value): (String, Vec<u8>)) -> Option<KnownUpload> {
    let known = serde_json::from_slice::<KnownUpload>(&value).ok().filter(|one| one.key == key);
    saved.insert(key, known.as_ref().map(|known| known.uploaded));
    known
}

fn changes(saved: &mut Saved, known: Vec<KnownUpload>) -> Vec<StateWrite> {
    let write = |key: String, value| StateWrite { namespace: NAMESPACE.into(), key, value };
    let keys: HashSet<&str> = known.iter().map(|known| known.key.as_str()).collect();
    let gone: Vec<_> = saved.keys().filter(|key| !keys.contains(key.as_str())).cloned().collect();
    let mut writes = Vec::new();
    for key in gone {
        saved.remove(&key);
        writes.push(write(key, None));
    }
    for known in known {
        if saved.get(&known.key) == Some(&Some(known.uploaded)) {
            continue;
        }
        // Plain data: it always becomes JSON.
        if let Ok(value) = serde_json::to_vec(&known) {
            saved.insert(known.key.clone(), Some(known.uploaded));
            writes.push(write(known.key, Some(value)));
        }
    }
    writes
}

#[cfg(test)]
mod tests {
    use easebot_model::Secret;

    use super::*;

    fn known(key: &str, uploaded: u64) -> KnownUpload {
        KnownUpload {
            key: key.to_owned(),
            url: format!("http://h/o/a/chatfiles/{key}"),
            secret: Some(Secret::new("s")),
            length_bytes: 3,
            uploaded: Timestamp(uploaded),
        }
    }

    /// What is written, as key and whether there is a value, by key.
    fn keys(writes: &[StateWrite]) -> Vec<(&str, bool)> {
        let mut keys: Vec<_> =
            writes.iter().map(|write| (write.key.as_str(), write.value.is_some())).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn only_what_changed_is_written_and_what_is_forgotten_goes() {
        let mut saved = Saved::new();
        let first = changes(&mut saved, vec![known("a", 1), known("b", 2)]);
        assert_eq!(keys(&first), [("a", true), ("b", true)]);
        assert!(changes(&mut saved, vec![known("a", 1), known("b", 2)]).is_empty());
        let later = changes(&mut saved, vec![known("b", 9), known("c", 3)]);
        assert_eq!(keys(&later), [("a", false), ("b", true), ("c", true)]);
        assert_eq!(keys(&changes(&mut saved, Vec::new())), [("b", false), ("c", false)]);
    }

    #[test]
    fn what_was_written_is_read_and_what_cannot_be_read_is_removed() {
        let written = changes(&mut Saved::new(), vec![known("a", 1)]).remove(0);
        let mut saved = Saved::new();
        let value = written.value.unwrap();
        assert_eq!(read(&mut saved, (written.key, value.clone())), Some(known("a", 1)));
        assert_eq!(read(&mut saved, ("other".to_owned(), value)), None, "under another's key");
        assert_eq!(read(&mut saved, ("broken".to_owned(), b"{".to_vec())), None);
        let writes = changes(&mut saved, vec![known("a", 1)]);
        assert_eq!(keys(&writes), [("broken", false), ("other", false)]);
    }
}

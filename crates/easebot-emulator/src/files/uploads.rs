//! Uploads in parts that are under way.

use std::collections::{BTreeMap, HashMap};

use easebot_model::AppKey;
use thiserror::Error;

use super::{Blob, Draft, Files, WriteError, lock};
use crate::world::{TokenOwner, uuid};

/// Largest number of a part, counted from 1.
pub(crate) const MAX_PARTS: u32 = 10_000;

/// All uploads in parts.
#[derive(Debug, Default)]
pub(super) struct Uploads(HashMap<(AppKey, String), Upload>);

/// One upload in parts.
#[derive(Debug)]
struct Upload {
    owner: TokenOwner,
    started_ms: u64,
    parts: BTreeMap<u32, Blob>,
}

/// Why parts do not make a file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum CompleteError {
    /// There is no such upload of this owner.
    #[error("there is no such upload")]
    Missing,
    /// A part is not there, though a later one is, or none is.
    #[error("part {number} is missing")]
    NoPart { number: u32 },
    /// A part that is not the last one is too small.
    #[error("part {number} is smaller than {limit_bytes} bytes")]
    SmallPart { number: u32, limit_bytes: u64 },
    #[error("the parts cannot be put together")]
    Write(
        #[from]
        #[source]
        WriteError,
    ),
}

impl Uploads {
    /// Gives up what was begun before `before_ms`.
    pub(super) fn forget_before(&mut self, before_ms: u64) {
        self.0.retain(|_, upload| upload.started_ms >= before_ms);
    }
}

impl Files {
    /// Begins an upload in parts and returns its id.
    pub(crate) fn begin(&self, app: &AppKey, owner: TokenOwner) -> String {
        let id = uuid();
        let started_ms = self.options.clock.now_ms();
        let upload = Upload { owner, started_ms, parts: BTreeMap::new() };
        lock(&self.uploads).0.insert((app.clone(), id.clone()), upload);
        id
    }

    /// Whether `owner` has begun the upload `id` and not ended it.
    pub(crate) fn is_under_way(&self, app: &AppKey, id: &str, owner: &TokenOwner) -> bool {
        let uploads = lock(&self.uploads);
        uploads.0.get(&(app.clone(), id.to_owned())).is_some_and(|upload| upload.owner == *owner)
    }

    /// Adds a part; one that came before under its number is replaced. False when the upload was ended meanwhile.
    pub(crate) fn add_part(&self, app: &AppKey, id: &str, number: u32, part: Blob) -> bool {
        let mut uploads = lock(&self.uploads);
        let upload = uploads.0.get_mut(&(app.clone(), id.to_owned()));
        upload.map(|upload| upload.parts.insert(number, part)).is_some()
    }

    /// Ends an upload and deletes its parts. False when there is none of this owner.
    pub(crate) fn abort(&self, app: &AppKey, id: &str, owner: &TokenOwner) -> bool {
        self.end(app, id, owner).is_some()
    }

    /// Ends an upload and puts its parts together.
    pub(crate) async fn complete(
        &self,
        app: &AppKey,
        id: &str,
        owner: &TokenOwner,
    ) -> Result<Blob, CompleteError> {
        let parts = self.end(app, id, owner).ok_or(CompleteError::Missing)?.parts;
        self.check(&parts)?;
        let mut whole: Draft = self.draft().await?;
        for part in parts.into_values() {
            whole.append(part).await?;
        }
        Ok(whole.finish().await?)
    }

    fn check(&self, parts: &BTreeMap<u32, Blob>) -> Result<(), CompleteError> {
        let limit_bytes = self.options.part_lower_limit_bytes;
        let last = parts.keys().next_back().copied().unwrap_or(1);
        for number in 1..=last {
            let part = parts.get(&number).ok_or(CompleteError::NoPart { number })?;
            if number < last && part.n_bytes() < limit_bytes {
                return Err(CompleteError::SmallPart { number, limit_bytes });
            }
        }
        Ok(())
    }

    fn end(&self, app: &AppKey, id: &str, owner: &TokenOwner) -> Option<Upload> {
        let mut uploads = lock(&self.uploads);
        let key = (app.clone(), id.to_owned());
        uploads.0.get(&key).filter(|upload| upload.owner == *owner)?;
        uploads.0.remove(&key)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::options::Options;

    struct Office {
        files: Files,
        app: AppKey,
        id: String,
    }

    impl Office {
        fn new() -> Self {
            let options =
                Options { part_lower_limit_bytes: 4, max_file_bytes: 12, ..Options::default() };
            let files = Files::new(Arc::new(options));
            let app = "easebot#demo".parse().unwrap();
            let id = files.begin(&app, TokenOwner::App);
            Self { files, app, id }
        }

        async fn add(&self, number: u32, content: &[u8]) {
            let mut draft = self.files.draft().await.unwrap();
            draft.write(content).await.unwrap();
            let part = draft.finish().await.unwrap();
            assert!(self.files.add_part(&self.app, &self.id, number, part));
        }

        async fn complete(&self) -> Result<String, CompleteError> {
            let whole = self.files.complete(&self.app, &self.id, &TokenOwner::App).await?;
            let mut text = String::new();
            whole.open().await.unwrap().read_to_string(&mut text).await.unwrap();
            Ok(text)
        }
    }

    #[tokio::test]
    async fn parts_in_any_order_make_one_file() {
        let office = Office::new();
        office.add(2, b"old").await;
        office.add(3, b"!").await;
        office.add(1, b"hello").await;
        office.add(2, b"world").await;
        assert_eq!(office.complete().await.unwrap(), "helloworld!");
        assert!(matches!(office.complete().await, Err(CompleteError::Missing)));
    }

    #[tokio::test]
    async fn parts_that_are_missing_or_small_or_too_much_make_none() {
        let office = Office::new();
        assert!(matches!(office.complete().await, Err(CompleteError::NoPart { number: 1 })));
        let office = Office::new();
        office.add(2, b"tail").await;
        assert!(matches!(office.complete().await, Err(CompleteError::NoPart { number: 1 })));
        let office = Office::new();
        office.add(1, b"abc").await;
        office.add(2, b"d").await;
        let error = office.complete().await.unwrap_err();
        assert!(matches!(error, CompleteError::SmallPart { number: 1, limit_bytes: 4 }), "{error}");
        let office = Office::new();
        office.add(1, b"1234567").await;
        office.add(2, b"1234567").await;
        let error = office.complete().await.unwrap_err();
        let limit = CompleteError::Write(WriteError::TooLarge { limit_bytes: 12 });
        assert_eq!(format!("{error:?}"), format!("{limit:?}"));
    }

    #[tokio::test]
    async fn an_upload_is_its_owners() {
        let office = Office::new();
        let bob = TokenOwner::User("bob".into());
        assert!(!office.files.is_under_way(&office.app, &office.id, &bob));
        assert!(!office.files.abort(&office.app, &office.id, &bob));
        assert!(office.files.abort(&office.app, &office.id, &TokenOwner::App));
        assert!(!office.files.is_under_way(&office.app, &office.id, &TokenOwner::App));
    }
}

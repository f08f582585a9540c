//! Uploading in parts.

use std::{
    error::Error,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest::Context;
use easebot_rest::{Call, Class, Fields};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::Value;
use tracing::{debug, warn};

use super::{
    Shared, Source, UploadError, Uploaded,
    part_length::PartLength,
    piece::{Piece, Target},
    source::Content,
    upload::{Job, TIMEOUT, is_id},
};
use crate::{ApiError, Caller, Meaning};

/// Length of a part until the server says another. Source: observed with the official SDK.
pub(super) const DEFAULT_PART_BYTES: u64 = 5 * 1024 * 1024;

/// Shortest part, whatever the server says: shorter ones would be a flood of requests.
const MIN_PART_BYTES: u64 = 64 * 1024;

/// Parts on their way at once. Source: observed with the official SDK.
const N_IN_FLIGHT: usize = 4;

const PATH: [&str; 3] = ["sdk", "chatfiles", "part-upload"];

/// An upload in parts that the server knows of. Aborted in the background if it is dropped before its end.
struct Session<'a> {
    shared: &'a Shared,
    uuid: String,
    limit_bytes: u64,
    /// Length of a part as the server said.
    part_bytes: u64,
    /// Whether a part went out that is longer.
    has_longer_parts: AtomicBool,
    is_open: bool,
}

/// Parts that were put together.
struct Whole {
    uploaded: Uploaded,
    /// How many bytes the server says that it has.
    n_stored: Option<u64>,
}

impl Whole {
    /// A server that takes each part for one of its own length puts long ones together wrongly, and need not refuse them.
    fn is_another_length(&self, n_bytes: u64) -> bool {
        self.n_stored.is_some_and(|n_stored| n_stored != n_bytes)
    }
}

impl Shared {
    /// Whether a file of this length goes up in parts: above one and a half of them. Source: observed with the official
    /// SDK. Meaningful once the server list is known.
    pub(super) fn is_for_parts(&self, n_bytes: u64) -> bool {
        let part_bytes = self.part_bytes.load(Ordering::Relaxed);
        self.caller.allows_part_upload() && n_bytes > part_bytes.saturating_mul(3) / 2
    }

    /// Uploads in parts; `None` if the server does not begin with it, so that one request has to do. Nothing of a content that
    /// can be read once only is read then.
    pub(super) async fn send_in_parts(
        &self,
        source: &mut Source,
        job: &Job<'_>,
        hash: &mut Option<Context>,
    ) -> Result<Option<Uploaded>, UploadError> {
        loop {
            let session = match self.begin().await {
                Ok(session) => session,
                Err(error) => {
                    debug!(error = &error as &dyn Error, "the server begins no upload in parts");
                    return Ok(None);
                }
            };
            let result = session.send(source, job, hash).await;
            let has_longer_parts = session.has_longer_parts.load(Ordering::Relaxed);
            session.close(result.is_err()).await;
            let is_about_length = match &result {
                Ok(whole) => whole.is_another_length(job.n_bytes),
                Err(error) => is_about_length(error),
            };
            if !(has_longer_parts && is_about_length) {
                return result.map(|whole| Some(whole.uploaded));
            }
            // That longer parts are taken is what the server's word for their length suggests, and not more.
            self.takes_longer_parts.store(false, Ordering::Relaxed);
            let error = result.as_ref().err().map(|error| error as &dyn Error);
            warn!(error, "the server may want its own length of parts");
            job.begin_anew();
        }
    }

    async fn begin(&self) -> Result<Session<'_>, ApiError> {
        let call = Call::post(&PATH).class(Class::Files);
        let value: Value = self.caller.json(&call).await?;
        let file = Fields::of(&value).first("entities");
        let missing = |field| ApiError::MissingField { field };
        let uuid = file.text("uuid").filter(|uuid| is_id(uuid));
        let part_bytes = file.uint("part_lower_limit").unwrap_or(DEFAULT_PART_BYTES);
        let mut session = Session {
            shared: self,
            uuid: uuid.ok_or_else(|| missing("entities[0].uuid"))?,
            limit_bytes: 0,
            part_bytes: part_bytes.max(MIN_PART_BYTES),
            has_longer_parts: AtomicBool::new(false),
            is_open: true,
        };
        self.part_bytes.store(session.part_bytes, Ordering::Relaxed);
        // From here on the server has something to throw away, whatever else it says.
        let limit = file.uint("file_upper_limit").filter(|limit| *limit > 0);
        session.limit_bytes = limit.ok_or_else(|| missing("entities[0].file_upper_limit"))?;
        Ok(session)
    }
}

impl Session<'_> {
    async fn send(
        &self,
        source: &mut Source,
        job: &Job<'_>,
        hash: &mut Option<Context>,
    ) -> Result<Whole, UploadError> {
        if job.n_bytes > self.limit_bytes {
            let (limit_bytes, n_bytes) = (Some(self.limit_bytes), job.n_bytes);
            return Err(UploadError::TooLarge { limit_bytes, n_bytes });
        }
        let may_grow =
            source.is_repeatable() && self.shared.takes_longer_parts.load(Ordering::Relaxed);
        let length = PartLength::new(self.part_bytes, may_grow.then_some(self.shared.short_part));
        match source.content(hash) {
            Content::Again(source) => {
                let send = |(number, piece)| self.send_part(number, source, piece, &length, job);
                let parts = stream::iter(pieces(&length, job.n_bytes)).map(send);
                parts.buffer_unordered(N_IN_FLIGHT).try_for_each(|()| ready(Ok(()))).await?;
            }
            Content::Once { chunks, hash } => {
                for (number, piece) in pieces(&length, job.n_bytes) {
                    self.put_part(number, Content::Once { chunks, hash }, piece, job).await?;
                }
            }
        }
        self.complete(job).await
    }

    async fn send_part(
        &self,
        number: u64,
        source: &Source,
        piece: Piece,
        length: &PartLength,
        job: &Job<'_>,
    ) -> Result<(), UploadError> {
        if piece.n_bytes > self.part_bytes {
            self.has_longer_parts.store(true, Ordering::Relaxed);
        }
        let within = self.put_part(number, Content::Again(source), piece, job).await?;
        length.learn(piece.n_bytes, within);
        Ok(())
    }

    /// Says how long the server took to take it.
    async fn put_part(
        &self,
        number: u64,
        content: Content<'_>,
        piece: Piece,
        job: &Job<'_>,
    ) -> Result<Duration, UploadError> {
        let path = self.path();
        let mut target = Target::new(Method::PUT, "part_file", &path, job);
        target.fields = vec![("part_number", number.to_string())];
        let taken = self.shared.send_piece(&target, content, piece, job).await?;
        Ok(taken.within)
    }

    /// Puts the parts together. Made once: the second time the server would not know the upload any more.
    async fn complete(&self, job: &Job<'_>) -> Result<Whole, UploadError> {
        let failed = |error| UploadError::of(error, job.n_bytes);
        let mut call = Call::post(&self.path())
            .query("restrict-access", "true")
            .class(Class::Files)
            .timeout(TIMEOUT);
        for (key, value) in job.query().into_iter().chain(job.thumbnail()) {
            call = call.query(key, value);
        }
        let caller = &self.shared.caller;
        let answer = caller.make(&call).await.map_err(failed)?;
        let rest = caller.rest().await.map_err(failed)?;
        let uploaded = Uploaded::read(rest, &rest.host(), &answer, job.n_bytes)?;
        let value: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let file = value.as_ref().map(|value| Fields::of(value).first("entities"));
        let n_stored = file.and_then(|file| file.at("file-metadata").uint("content-length"));
        Ok(Whole { uploaded, n_stored })
    }

    fn path(&self) -> [&str; 4] {
        let [sdk, files, parts] = PATH;
        [sdk, files, parts, &self.uuid]
    }

    /// The end: nothing is left to abort, or it is aborted here and now.
    async fn close(mut self, has_failed: bool) {
        if has_failed {
            abort(&self.shared.caller, &self.uuid).await;
        }
        self.is_open = false;
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if self.is_open {
            let (caller, uuid) = (Arc::clone(&self.shared.caller), std::mem::take(&mut self.uuid));
            self.shared.run_aside(async move { abort(&caller, &uuid).await });
        }
    }
}

/// The parts of a content of `n_bytes`, each with its number, and as long as `length` says when it is asked for.
fn pieces(length: &PartLength, n_bytes: u64) -> impl Iterator<Item = (u64, Piece)> {
    let mut start = 0;
    (1..).map_while(move |number| {
        let piece = Piece { start, n_bytes: length.next(n_bytes - start) };
        start += piece.n_bytes;
        (piece.n_bytes > 0).then_some((number, piece))
    })
}

/// Whether a server that takes parts of one length only would say this.
fn is_about_length(error: &UploadError) -> bool {
    match error {
        UploadError::Call { source } => {
            matches!(source, ApiError::Refused { meaning, .. } if *meaning != Meaning::TokenRefused)
        }
        UploadError::FileMissing | UploadError::TooLarge { .. } => true,
        _ => false,
    }
}

/// Lets the server throw the parts away. If that fails it does so by itself after a while.
async fn abort(caller: &Caller, uuid: &str) {
    let [sdk, files, parts] = PATH;
    let call = Call::delete(&[sdk, files, parts, uuid]).class(Class::Files).repeatable();
    if let Err(error) = caller.make(&call).await {
        debug!(error = &error as &dyn Error, "an upload in parts was not aborted");
    }
}

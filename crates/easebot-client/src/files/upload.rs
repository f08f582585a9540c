//! Uploading.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use aws_lc_rs::digest::{Context, SHA256};
use easebot_model::{Attachment, Conversation, Secret};
use easebot_rest::{Answer, Fields};
use reqwest::Method;
use serde_json::Value;
use url::Url;

use super::{
    Files, OnProgress, Shared, Source, UploadError,
    known::{self, Length},
    piece::{Piece, Target},
    source::finish,
};
use crate::{ApiError, Rest};

/// How a file is uploaded.
#[derive(Clone, Debug)]
pub struct UploadOptions {
    /// Name that the server hears; default: the name of the file, or `file`. Messages carry a name of their own.
    pub name: Option<String>,
    /// Media type, such as `image/png`; default: after the ending of the name.
    pub content_type: Option<String>,
    /// Width and height in pixels that the thumbnail of a picture fits in; default: the server's, 170 × 170.
    pub thumbnail: Option<(u32, u32)>,
    /// Most bytes; default: what the server takes.
    pub limit_bytes: Option<u64>,
    /// Whether an earlier upload of the same content is used again; default: yes. It is looked for by SHA-256; the content
    /// of a [reader](Source::reader) above 1 MiB is only remembered. Above 8 MiB nothing is hashed before it goes up unless
    /// something of its length is known or on its way.
    pub reuses: bool,
    /// Who hears of the progress; default: nobody.
    pub on_progress: OnProgress,
}

impl Default for UploadOptions {
    fn default() -> Self {
        Self {
            name: None,
            content_type: None,
            thumbnail: None,
            limit_bytes: None,
            reuses: true,
            on_progress: OnProgress::default(),
        }
    }
}

/// A file on the server.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Uploaded {
    /// Where it is: `{server}/{org}/{app}/chatfiles/{uuid}`.
    pub url: String,
    /// What its download needs.
    pub secret: Option<Secret>,
    /// Its length.
    pub length_bytes: u64,
    /// Whether it is an earlier upload of the same content.
    pub is_reused: bool,
}

impl Uploaded {
    /// The attachment of a message, under the name that its receivers see.
    #[must_use]
    pub fn into_attachment(self, name: Option<String>) -> Attachment {
        let Self { url, secret, length_bytes, .. } = self;
        Attachment { url, secret, name, length_bytes: Some(length_bytes) }
    }

    /// What the server says about a file of `n_bytes` that it took.
    pub(super) fn read(
        rest: &Rest,
        host: &Url,
        answer: &Answer,
        n_bytes: u64,
    ) -> Result<Self, UploadError> {
        let missing = |field| UploadError::Call { source: ApiError::MissingField { field } };
        let value: Value = serde_json::from_slice(&answer.body).map_err(|_| UploadError::Call {
            source: ApiError::NotJson { status: answer.status },
        })?;
        let file = Fields::of(&value).first("entities");
        let uuid = file.text("uuid").filter(|uuid| is_id(uuid));
        let uuid = uuid.ok_or_else(|| missing("entities[0].uuid"))?;
        let secret = match file.text("share-secret") {
            None => None,
            Some(secret) if is_secret(&secret) => Some(Secret::new(secret)),
            Some(_) => return Err(missing("entities[0].share-secret")),
        };
        let url = rest.url_at(host, ["chatfiles", uuid.as_str()]).to_string();
        Ok(Self { url, secret, length_bytes: n_bytes, is_reused: false })
    }
}

/// How long one request of an upload may take. Source: observed with the official SDK.
pub(super) const TIMEOUT: Duration = Duration::from_secs(300);

/// Largest answer that is read.
pub(super) const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What a server calls a file or its secret has no more bytes than this.
const MAX_WORD_BYTES: usize = 256;

/// One upload on its way.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) name: &'a str,
    pub(super) content_type: &'a str,
    pub(super) to: &'a Conversation,
    pub(super) options: &'a UploadOptions,
    pub(super) n_bytes: u64,
    /// Bytes that were handed to connections.
    n_sent: AtomicU64,
}

impl Files {
    /// Uploads `source` for a message to `to`.
    ///
    /// A file above one and a half parts (of 5 MiB, unless the server says otherwise) goes up in parts, four at a time,
    /// where the server allows it; everything else, and everything where parts do not work, in one request. Parts become
    /// longer, up to 64 MiB, as long as they go up within half a second; a server that refuses such an upload, or has another
    /// length of it then, gets it anew in parts of its own length, and so it stays. Each request has 300 s. What can be read
    /// again is sent again after a passing failure, up to three times, and after a refused token. Of the same content at the
    /// same time one goes up, and the others wait for it.
    ///
    /// The hash of a content above 8 MiB is made once it is up, if nothing of its length is known or on its way: most such
    /// contents go up once, and their hash takes longer than a fast network. A file that was changed since is not remembered.
    ///
    /// Dropping the future stops the upload; one in parts is aborted at the server in the background.
    ///
    /// # Errors
    /// [`UploadError`]; its [`retry`](UploadError::retry) says whether to try again.
    pub async fn upload(
        &self,
        source: Source,
        to: &Conversation,
        options: &UploadOptions,
    ) -> Result<Uploaded, UploadError> {
        let n_bytes = source.length_bytes();
        if n_bytes == 0 {
            return Err(UploadError::Empty);
        }
        if let Some(limit_bytes) = options.limit_bytes.filter(|limit_bytes| n_bytes > *limit_bytes)
        {
            return Err(UploadError::TooLarge { limit_bytes: Some(limit_bytes), n_bytes });
        }
        let mut source = source.settle().await?;
        let name = options.name.as_deref().or(source.file_name()).unwrap_or("file").to_owned();
        let content_type = options.content_type.as_deref().unwrap_or_else(|| media_type(&name));
        let key_of = |digest: &_| known::key(digest, content_type, options.thumbnail);
        let earlier = self.shared.known();

        let length = if options.reuses { self.shared.length(&source) } else { None };
        let may_be_known = options.reuses && !matches!(length, Some(Length::New(..)));
        let digest = if may_be_known { source.digest().await? } else { None };
        let key = digest.as_ref().map(key_of);
        if let Some(Length::Again(turn)) = &length {
            drop(turn.lock().await);
        }
        let lock = key.as_deref().map(|key| earlier.lock_of(key));
        let _turn = match &lock {
            Some(lock) => Some(lock.lock().await),
            None => None,
        };
        if let Some(found) = key.as_deref().and_then(|key| earlier.find(key)) {
            options.on_progress.say(n_bytes, Some(n_bytes));
            return Ok(found);
        }

        let n_sent = AtomicU64::new(0);
        let job = Job { name: &name, content_type, to, options, n_bytes, n_sent };
        let mut hash = (may_be_known && key.is_none()).then(|| Context::new(&SHA256));
        let uploaded = self.shared.send(&mut source, &job, &mut hash).await?;
        let key = key.or_else(|| hash.map(|hash| key_of(&finish(&hash.finish()))));
        if let Some(key) = key {
            earlier.add(key, &uploaded);
        } else if let Some(Length::New(later)) = length {
            let (content_type, thumbnail) = (content_type.to_owned(), options.thumbnail);
            let key_of = move |digest: &_| known::key(digest, &content_type, thumbnail);
            self.shared.hash_later(later, source, uploaded.clone(), key_of);
        }
        Ok(uploaded)
    }
}

impl Job<'_> {
    /// `n_bytes` more were handed over.
    pub(super) fn sent(&self, n_bytes: u64) {
        let n_sent = self.n_sent.fetch_add(n_bytes, Ordering::Relaxed) + n_bytes;
        self.options.on_progress.say(n_sent, Some(self.n_bytes));
    }

    /// Everything has to be sent again.
    pub(super) fn begin_anew(&self) {
        self.n_sent.store(0, Ordering::Relaxed);
    }

    /// `n_bytes` have to be sent again.
    pub(super) fn unsent(&self, n_bytes: u64) {
        self.n_sent.fetch_sub(n_bytes, Ordering::Relaxed);
    }

    /// Where the file goes, as the server wants to know it. Source: observed with the official SDK.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let chat_type = match self.to {
            Conversation::Group(_) => "GROUP",
            Conversation::Room(_) => "ROOM",
            Conversation::User(_) => "CHAT",
        };
        vec![("chat-type", chat_type.to_owned()), ("chat-target", self.to.name().to_owned())]
    }

    /// The thumbnail that is wanted, if the server's own is not.
    pub(super) fn thumbnail(&self) -> Vec<(&'static str, String)> {
        let Some((width, height)) = self.options.thumbnail else { return Vec::new() };
        vec![("thumbnail-width", width.to_string()), ("thumbnail-height", height.to_string())]
    }
}

impl Shared {
    async fn send(
        &self,
        source: &mut Source,
        job: &Job<'_>,
        hash: &mut Option<Context>,
    ) -> Result<Uploaded, UploadError> {
        // The server list says whether parts are allowed.
        self.caller.rest().await.map_err(|source| UploadError::Call { source })?;
        if self.is_for_parts(job.n_bytes)
            && let Some(uploaded) = self.send_in_parts(source, job, hash).await?
        {
            return Ok(uploaded);
        }
        let mut target = Target::new(Method::POST, "file", &["chatfiles"], job);
        target.query = job.query();
        target.fields = job.thumbnail();
        let piece = Piece { start: 0, n_bytes: job.n_bytes };
        let taken = self.send_piece(&target, source.content(hash), piece, job).await?;
        let rest = self.caller.rest().await.map_err(|source| UploadError::Call { source })?;
        Uploaded::read(rest, &taken.host, &taken.answer, job.n_bytes)
    }
}

/// What a server calls a file: it becomes part of an address.
pub(super) fn is_id(text: &str) -> bool {
    (1..=MAX_WORD_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// A secret becomes a header of requests.
fn is_secret(text: &str) -> bool {
    text.len() <= MAX_WORD_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The media type that goes with the ending of a name, for the kinds that chats are made of.
fn media_type(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match ending.as_str() {
        "aac" => "audio/aac",
        "amr" => "audio/amr",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "jpeg" | "jpg" => "image/jpeg",
        "m4a" => "audio/mp4",
        "mov" => "video/quicktime",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "ogg" => "audio/ogg",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "txt" => "text/plain",
        "wav" => "audio/wav",
        "webm" => "video/webm",
        "webp" => "image/webp",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

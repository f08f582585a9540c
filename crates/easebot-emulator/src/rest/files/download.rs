//! Downloads. Source of parameters and refusals: Easemob's REST documentation and the official SDK.

use std::{
    io::{self, SeekFrom},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use futures_util::stream::try_unfold;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{
    Response, StatusCode,
    body::Frame,
    header::{
        ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
        HeaderValue, IF_RANGE, LOCATION, RANGE, X_CONTENT_TYPE_OPTIONS,
    },
};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};
use tracing::error;

use super::{Job, no_file};
use crate::{
    files::{Blob, Found, Span, Stored, frame},
    refusal::HttpRefusal,
    rest::{Body, whole},
};

/// How much of a file is in memory at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// What is sent of a file.
enum Content {
    Disk { file: File, n_bytes: u64, of: Arc<Stored> },
    Memory(Bytes),
}

impl Job<'_> {
    /// A file, its thumbnail or its first frame.
    pub(super) async fn download(&self, uuid: &str) -> Result<Response<Body>, HttpRefusal> {
        let stored = self.find(uuid)?;
        if stored.label.is_restricted && self.asked("share-secret") != Some(stored.secret.reveal())
        {
            return Err(no_permission());
        }
        if self.shared.options.redirect_downloads && self.is_asked("em-redirect") {
            return Ok(self.redirect(&stored));
        }
        self.send(stored).await
    }

    /// A file at the address that a download was sent to.
    pub(super) async fn fetch(&self, uuid: &str) -> Result<Response<Body>, HttpRefusal> {
        let stored = self.find(uuid)?;
        if self.call.param("ticket") != Some(stored.ticket.reveal()) {
            return Err(no_permission());
        }
        self.send(stored).await
    }

    fn find(&self, uuid: &str) -> Result<Arc<Stored>, HttpRefusal> {
        match self.shared.files.find(&self.key, uuid) {
            Found::Expired => {
                Err(HttpRefusal::new(404, "file_expired", format!("file {uuid} is expired")))
            }
            Found::Missing => Err(no_file()),
            Found::There(stored) => Ok(stored),
        }
    }

    fn redirect(&self, stored: &Stored) -> Response<Body> {
        let mut location = format!(
            "http://{}/_storage/{}/{}/{}?ticket={}",
            self.call.host,
            self.key.org(),
            self.key.app(),
            stored.uuid,
            stored.ticket.reveal()
        );
        for variant in ["thumbnail", "vframe"] {
            if self.is_asked(variant) {
                location.push_str(&format!("&{variant}=true"));
            }
        }
        let mut response = Response::new(whole(Bytes::new()));
        *response.status_mut() = StatusCode::FOUND;
        if let Ok(location) = HeaderValue::try_from(location) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }

    async fn send(&self, stored: Arc<Stored>) -> Result<Response<Body>, HttpRefusal> {
        let uuid = &stored.uuid;
        if self.is_asked("vframe") {
            let frame = frame();
            let etag = format!("\"{uuid}-frame\"");
            return self.respond(Content::Memory(frame), "image/jpeg", &etag).await;
        }
        let small = if self.is_asked("thumbnail") {
            self.shared.files.thumbnail(&stored).await
        } else {
            None
        };
        let (blob, media_type, etag) = match small {
            Some(small) => (&small.blob, small.media_type, format!("\"{uuid}-small\"")),
            None => (&stored.blob, stored.label.media_type.as_str(), format!("\"{uuid}\"")),
        };
        let content = open(blob, &stored).await.map_err(|error| unreadable(&error))?;
        self.respond(content, media_type, &etag).await
    }

    /// Answers with the part of `content` that is asked for.
    async fn respond(
        &self,
        content: Content,
        media_type: &str,
        etag: &str,
    ) -> Result<Response<Body>, HttpRefusal> {
        let n_bytes = content.n_bytes();
        let text_of = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        let is_same = text_of(IF_RANGE).is_none_or(|known| known == etag);
        let span = match text_of(RANGE) {
            Some(range) if is_same => Span::parse(range, n_bytes),
            _ => Span::Whole,
        };
        let (status, start, n_sent, content_range) = match span {
            Span::Part { start, end } => {
                let range = format!("bytes {start}-{end}/{n_bytes}");
                (StatusCode::PARTIAL_CONTENT, start, end - start + 1, Some(range))
            }
            Span::Unsatisfiable => {
                let range = format!("bytes */{n_bytes}");
                (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0, Some(range))
            }
            Span::Whole => (StatusCode::OK, 0, n_bytes, None),
        };
        let body = content.body(start, n_sent).await.map_err(|error| unreadable(&error))?;
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let kind = HeaderValue::from_str(media_type)
            .unwrap_or(HeaderValue::from_static("application/octet-stream"));
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(n_sent));
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        // Whatever was uploaded as a page does not run as one of this origin.
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(etag) = HeaderValue::from_str(etag) {
            headers.insert(ETAG, etag);
        }
        if let Some(range) = content_range.and_then(|range| HeaderValue::try_from(range).ok()) {
            headers.insert(CONTENT_RANGE, range);
        }
        Ok(response)
    }
}

impl Content {
    fn n_bytes(&self) -> u64 {
        match self {
            Self::Disk { n_bytes, .. } => *n_bytes,
            Self::Memory(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        }
    }

    /// The `n_sent` bytes from `start` on, which exist.
    async fn body(self, start: u64, n_sent: u64) -> io::Result<Body> {
        match self {
            Self::Disk { mut file, of, .. } => {
                file.seek(SeekFrom::Start(start)).await?;
                // The file stays on disk until the last byte is out.
                let rest = (file.take(n_sent), of);
                let chunks = try_unfold(rest, |(mut file, of)| async move {
                    let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
                    let n_read = file.read_buf(&mut chunk).await?;
                    let frame = Frame::data(chunk.freeze());
                    Ok::<_, io::Error>((n_read > 0).then_some((frame, (file, of))))
                });
                Ok(StreamBody::new(chunks).boxed_unsync())
            }
            Self::Memory(bytes) => {
                let place = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
                Ok(whole(bytes.slice(place(start)..place(start.saturating_add(n_sent)))))
            }
        }
    }
}

async fn open(blob: &Blob, of: &Arc<Stored>) -> io::Result<Content> {
    let file = blob.open().await?;
    Ok(Content::Disk { file, n_bytes: blob.n_bytes(), of: Arc::clone(of) })
}

fn unreadable(error: &io::Error) -> HttpRefusal {
    error!(%error, "a file could not be read");
    HttpRefusal::new(500, "internal_server_error", "the file could not be read")
}

fn no_permission() -> HttpRefusal {
    HttpRefusal::new(403, "forbidden_op", "chatfile no permission")
}

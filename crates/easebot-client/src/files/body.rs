//! The body of an upload: a form whose one large field is streamed.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use thiserror::Error;
use tokio::sync::mpsc;

use super::{UploadError, chunks::Chunks};

/// A form (`multipart/form-data`): everything before its file, and everything behind it.
#[derive(Clone, Debug)]
pub(super) struct Form {
    boundary: String,
    head: String,
}

/// The file field of a form.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileField<'a> {
    pub(super) field: &'a str,
    pub(super) name: &'a str,
    pub(super) content_type: &'a str,
}

impl Form {
    /// A form with a boundary that no content has by chance.
    pub(super) fn new() -> Self {
        let boundary = format!("easebot-{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        Self { boundary, head: String::new() }
    }

    /// Adds a field with a short value of ours.
    pub(super) fn text(mut self, field: &str, value: &str) -> Self {
        let Self { boundary, head } = &mut self;
        head.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
        ));
        self
    }

    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// The body with `n_bytes` in its file field, which [`pump`] writes to the other end.
    pub(super) fn with_file(mut self, file: FileField<'_>, n_bytes: u64) -> (FormBody, Sink) {
        let FileField { field, name, content_type } = file;
        let Self { boundary, head } = &mut self;
        head.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{}\"\r\n\
             Content-Type: {}\r\n\r\n",
            quoted(name),
            quoted(content_type),
        ));
        let tail = format!("\r\n--{boundary}--\r\n");
        let (sink, chunks) = mpsc::channel(1);
        let body = FormBody {
            head: Some(Bytes::from(self.head)),
            chunks,
            n_missing: n_bytes,
            tail: Some(Bytes::from(tail)),
        };
        (body, sink)
    }
}

/// As browsers write names in forms: a quote or a line break would end the header.
fn quoted(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '"' => quoted.push_str("%22"),
            '\r' => quoted.push_str("%0D"),
            '\n' => quoted.push_str("%0A"),
            c if c.is_control() => {}
            c => quoted.push(c),
        }
    }
    quoted
}

/// Takes the chunks of the file.
pub(super) type Sink = mpsc::Sender<Bytes>;

/// A body whose length is known and whose file comes chunk by chunk.
#[derive(Debug)]
pub(super) struct FormBody {
    head: Option<Bytes>,
    chunks: mpsc::Receiver<Bytes>,
    n_missing: u64,
    tail: Option<Bytes>,
}

/// The file ended before its length. Why is known at the other end.
#[derive(Debug, Error)]
#[error("the content ended {n_missing} bytes early")]
pub(super) struct Ended {
    n_missing: u64,
}

impl Body for FormBody {
    type Data = Bytes;
    type Error = Ended;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Ended>>> {
        if let Some(head) = self.head.take() {
            return Poll::Ready(Some(Ok(Frame::data(head))));
        }
        if self.n_missing == 0 {
            return Poll::Ready(self.tail.take().map(|tail| Ok(Frame::data(tail))));
        }
        let n_missing = self.n_missing;
        Poll::Ready(Some(match ready!(self.chunks.poll_recv(cx)) {
            Some(chunk) => {
                self.n_missing = n_missing.saturating_sub(chunk.len() as u64);
                Ok(Frame::data(chunk))
            }
            None => Err(Ended { n_missing }),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.tail.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = |part: &Option<Bytes>| part.as_ref().map_or(0, Bytes::len) as u64;
        SizeHint::with_exact(length(&self.head) + self.n_missing + length(&self.tail))
    }
}

/// Moves exactly `n_bytes` from `chunks` to `sink` and shows each chunk to `see`. Ends early, and well, when nobody takes
/// chunks any more: the server has answered.
pub(super) async fn pump(
    chunks: &mut Chunks,
    n_bytes: u64,
    sink: Sink,
    mut see: impl FnMut(&[u8]),
) -> Result<(), UploadError> {
    let mut n_read = 0;
    while n_read < n_bytes {
        let chunk = chunks.next(n_bytes - n_read).await;
        let chunk = chunk.map_err(|source| UploadError::Read { source })?;
        if chunk.is_empty() {
            return Err(UploadError::CutShort { expected_bytes: n_bytes, got_bytes: n_read });
        }
        n_read += chunk.len() as u64;
        see(&chunk);
        if sink.send(chunk).await.is_err() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: FileField<'_> =
        FileField { field: "file", name: "a\"b\r\nX: 1.png", content_type: "image/png" };

    #[tokio::test]
    async fn a_form_has_the_length_that_it_says() {
        let form = Form::new().text("thumbnail-width", "170");
        let boundary = form.boundary.clone();
        let (mut body, sink) = form.with_file(FILE, 5);
        let said = body.size_hint().exact().unwrap();
        let mut chunks = Chunks::Bytes("hello world".into());
        pump(&mut chunks, 5, sink, |_| ()).await.unwrap();
        let mut text = Vec::new();
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
        {
            text.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
        assert_eq!(text.len() as u64, said);
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"thumbnail-width\"\r\n\r\n170\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; \
             filename=\"a%22b%0D%0AX: 1.png\"\r\nContent-Type: image/png\r\n\r\nhello\r\n--{boundary}--\r\n"
        );
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[tokio::test]
    async fn a_content_that_ends_early_ends_the_body_with_an_error() {
        let (mut body, sink) = Form::new().with_file(FILE, 5);
        let mut chunks = Chunks::Bytes("hi".into());
        let error = pump(&mut chunks, 5, sink, |_| ()).await.unwrap_err();
        let is_short = matches!(error, UploadError::CutShort { expected_bytes: 5, got_bytes: 2 });
        assert!(is_short, "{error:?}");
        let mut last = None;
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
        {
            last = Some(frame.map(drop));
            if last.as_ref().is_some_and(Result::is_err) {
                break;
            }
        }
        assert_eq!(last.unwrap().unwrap_err().to_string(), "the content ended 3 bytes early");
    }
}

//! `multipart/form-data`, read part by part in constant memory.

use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::{HeaderMap, body::Body, header::CONTENT_TYPE};
use memchr::memmem;
use thiserror::Error;

/// Largest header block of one part.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Longest boundary. Source: RFC 2046.
const MAX_BOUNDARY_BYTES: usize = 70;

/// Why a form cannot be read.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub(crate) enum FormError {
    /// The connection ended or broke.
    #[error("the request ended in the middle of a form")]
    Incomplete,
    /// The headers of a part are too long or no headers.
    #[error("the headers of a part cannot be read, or have more than {limit_bytes} bytes")]
    PartHead { limit_bytes: usize },
}

/// What a part says about itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct PartHead {
    pub(crate) name: String,
    /// What the client says the content is.
    pub(crate) media_type: Option<String>,
}

/// A form whose parts are read in the order in which they come.
#[derive(Debug)]
pub(crate) struct Form<B> {
    body: B,
    /// Line break, two dashes, boundary.
    delimiter: Vec<u8>,
    /// Read and not used. It begins with a line break of our own, so that the first delimiter is like the others.
    buffer: BytesMut,
    is_in_part: bool,
    is_over: bool,
}

impl<B: Body<Data = Bytes> + Unpin> Form<B> {
    /// A form; `None` when the headers of the request are not those of one.
    pub(crate) fn new(headers: &HeaderMap, body: B) -> Option<Self> {
        let boundary = boundary(headers.get(CONTENT_TYPE)?.to_str().ok()?)?;
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        let buffer = BytesMut::from(&b"\r\n"[..]);
        // What stands before the first delimiter is a part that nobody asks for.
        Some(Self { body, delimiter, buffer, is_in_part: true, is_over: false })
    }

    /// The next part, behind what is left of this one. `None` at the end.
    pub(crate) async fn next_part(&mut self) -> Result<Option<PartHead>, FormError> {
        while self.chunk().await?.is_some() {}
        if self.is_over {
            return Ok(None);
        }
        let limit_bytes = MAX_HEAD_BYTES;
        loop {
            if let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") {
                let head = self.buffer.split_to(end + 4);
                self.is_in_part = true;
                return read_head(&head).map(Some).ok_or(FormError::PartHead { limit_bytes });
            }
            if self.buffer.len() > limit_bytes {
                return Err(FormError::PartHead { limit_bytes });
            }
            self.fill().await?;
        }
    }

    /// The next bytes of this part. `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, FormError> {
        while self.is_in_part {
            let n_delimiter = self.delimiter.len();
            if let Some(start) = memmem::find(&self.buffer, &self.delimiter) {
                if start > 0 {
                    return Ok(Some(self.buffer.split_to(start).freeze()));
                }
                // Two dashes behind the delimiter end the form; a line break begins a part.
                while self.buffer.len() < n_delimiter + 2 {
                    self.fill().await?;
                }
                self.buffer.advance(n_delimiter);
                self.is_in_part = false;
                self.is_over = self.buffer.starts_with(b"--");
                return Ok(None);
            }
            let n_safe = self.buffer.len().saturating_sub(n_delimiter - 1);
            if n_safe > 0 {
                return Ok(Some(self.buffer.split_to(n_safe).freeze()));
            }
            self.fill().await?;
        }
        Ok(None)
    }

    /// Reads more.
    async fn fill(&mut self) -> Result<(), FormError> {
        loop {
            let frame = self.body.frame().await.ok_or(FormError::Incomplete)?;
            if let Ok(data) = frame.map_err(|_| FormError::Incomplete)?.into_data() {
                self.buffer.extend_from_slice(&data);
                return Ok(());
            }
        }
    }
}

/// The boundary that a content type names.
fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len()).then_some(boundary)
}

/// The value of `name=value` or `name="value"` among parameters with semicolons between them.
fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters.split(';').find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let value = value.trim();
        let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        key.trim().eq_ignore_ascii_case(name).then(|| bare.unwrap_or(value))
    })
}

fn read_head(head: &[u8]) -> Option<PartHead> {
    let head = std::str::from_utf8(head).ok()?;
    let mut part = PartHead::default();
    for line in head.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-disposition") {
            parameter(value, "name")?.clone_into(&mut part.name);
        } else if name.eq_ignore_ascii_case("content-type") {
            part.media_type = Some(value.trim().to_owned());
        }
    }
    Some(part)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{StreamExt as _, stream};
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    const FORM: &[u8] = b"--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a;b.png\"\r\n\
        Content-Type: image/png\r\n\r\nbytes\r\n--\r\n--X\r\ncontent-disposition: form-data; name=width\r\n\r\n\r\n--X--\r\n";

    /// Reads a form that comes in pieces of `size` bytes: names, types and contents.
    async fn read(
        bytes: &'static [u8],
        size: usize,
    ) -> Result<Vec<(PartHead, Vec<u8>)>, FormError> {
        let chunks = bytes
            .chunks(size)
            .map(|chunk| Ok::<_, Infallible>(Frame::data(Bytes::from_static(chunk))));
        let mut headers = HeaderMap::new();
        let kind = "multipart/form-data; charset=utf-8; boundary=\"X\"";
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        let body = StreamBody::new(stream::iter(chunks).boxed());
        let mut form = Form::new(&headers, body).unwrap();
        let mut parts = Vec::new();
        while let Some(head) = form.next_part().await? {
            let mut content = Vec::new();
            while let Some(chunk) = form.chunk().await? {
                assert!(!chunk.is_empty());
                content.extend_from_slice(&chunk);
            }
            parts.push((head, content));
        }
        assert_eq!(form.next_part().await, Ok(None), "the end stays the end");
        Ok(parts)
    }

    #[tokio::test]
    async fn a_form_is_the_same_however_it_is_cut() {
        let whole = read(FORM, FORM.len()).await.unwrap();
        let names: Vec<&str> = whole.iter().map(|(head, _)| head.name.as_str()).collect();
        assert_eq!(names, ["file", "width"]);
        assert_eq!(whole[0].0.media_type.as_deref(), Some("image/png"));
        assert_eq!(whole[0].1, b"bytes\r\n--");
        for size in 1..FORM.len() {
            assert_eq!(read(FORM, size).await.unwrap(), whole, "in pieces of {size}");
        }
    }

    #[tokio::test]
    async fn a_form_that_is_cut_off_is_told_from_a_whole_one() {
        for end in [0, 1, 3, 30, 120, FORM.len() - 5] {
            assert_eq!(read(&FORM[..end], 7).await, Err(FormError::Incomplete), "cut at {end}");
        }
    }

    #[tokio::test]
    async fn endless_headers_are_not_collected() {
        static ENDLESS: [u8; 20_000] = [b'x'; 20_000];
        let mut form: Vec<u8> = b"--X\r\n".to_vec();
        form.extend_from_slice(&ENDLESS);
        let limit_bytes = MAX_HEAD_BYTES;
        assert_eq!(read(form.leak(), 999).await, Err(FormError::PartHead { limit_bytes }));
    }

    #[test]
    fn only_a_form_has_a_boundary() {
        assert_eq!(boundary("multipart/form-data; boundary=abc"), Some("abc"));
        assert_eq!(boundary("Multipart/Form-Data; a=b; Boundary=\"a b\""), Some("a b"));
        assert_eq!(boundary("multipart/mixed; boundary=abc"), None);
        assert_eq!(boundary("multipart/form-data; boundary="), None);
        assert_eq!(boundary("multipart/form-data"), None);
        assert_eq!(boundary("application/json"), None);
    }
}

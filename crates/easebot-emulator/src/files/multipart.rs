//! `multipart/form-data`, read part by part in constant memory.

use std::borrow::Cow;

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::FutureExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body;
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
    /// The headers of a part are too long.
    #[error("the headers of a part have more than {limit_bytes} bytes")]
    PartHead { limit_bytes: usize },
}

/// What a part says about itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct PartHead {
    /// Empty if the client gives none.
    pub(crate) name: String,
    /// What the client calls the file, if the part is one.
    pub(crate) file_name: Option<String>,
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
    /// A form; `None` when `content_type`, that of the request, is none of one.
    pub(crate) fn new(content_type: &str, body: B) -> Option<Self> {
        let boundary = boundary(content_type)?;
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
                return Ok(Some(read_head(&head)));
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

/// The name and content of the first file in a form that is in memory.
pub(crate) fn first_file(content_type: &str, body: &Bytes) -> Option<(String, Bytes)> {
    let mut form = Form::new(content_type, Full::new(body.clone()))?;
    // Nothing has to be waited for.
    let find = async {
        loop {
            let head = form.next_part().await.ok()??;
            let Some(name) = head.file_name else { continue };
            let mut content = BytesMut::new();
            while let Some(chunk) = form.chunk().await.ok()? {
                content.extend_from_slice(&chunk);
            }
            return Some((name, content.freeze()));
        }
    };
    find.now_or_never()?
}

/// The boundary that a content type names.
fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len()).then_some(boundary)
}

/// The value of `name=value` or `name="value"` among parameters with semicolons between them. A backslash within quotes
/// keeps a quote from ending the value; before anything else it is a character like others, as browsers write it.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        let (parameter, tail) = split_parameter(rest);
        if let Some((key, value)) = parameter.split_once('=')
            && key.trim().eq_ignore_ascii_case(name)
        {
            let value = value.trim();
            let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            return Some(bare.map_or_else(|| value.to_owned(), |bare| bare.replace("\\\"", "\"")));
        }
        rest = tail?;
    }
}

/// The first parameter, and what is behind the semicolon that ends it.
fn split_parameter(parameters: &str) -> (&str, Option<&str>) {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let end = parameters.find(|letter| {
        let is_bare = !is_escaped;
        is_escaped = is_bare && is_quoted && letter == '\\';
        is_quoted ^= is_bare && letter == '"';
        letter == ';' && !is_quoted
    });
    match end.and_then(|end| parameters.split_at_checked(end)) {
        Some((parameter, tail)) => (parameter, tail.strip_prefix(';')),
        None => (parameters, None),
    }
}

/// What the headers of a part say. Those that say nothing known leave it unnamed.
fn read_head(head: &[u8]) -> PartHead {
    // Only a file name can be other than ASCII.
    let head: Cow<'_, str> = String::from_utf8_lossy(head);
    let mut part = PartHead::default();
    for line in head.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-disposition") {
            part.name = parameter(value, "name").unwrap_or_default();
            part.file_name = parameter(value, "filename");
        } else if name.eq_ignore_ascii_case("content-type") {
            part.media_type = Some(value.trim().to_owned());
        }
    }
    part
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
        let kind = "multipart/form-data; charset=utf-8; boundary=\"X\"";
        let body = StreamBody::new(stream::iter(chunks).boxed());
        let mut form = Form::new(kind, body).unwrap();
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
    fn the_file_of_a_form_is_found_behind_other_fields() {
        let body = Bytes::from_static(
            b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\n\
              Content-Disposition: form-data; name=\"file\"; filename=\"n.txt\"\r\n\
              Content-Type: text/plain\r\n\r\n1\r\n2\r\n--x--\r\n",
        );
        let file = Some(("n.txt".to_owned(), Bytes::from_static(b"1\r\n2")));
        assert_eq!(first_file("multipart/form-data; boundary=x", &body), file);
        assert_eq!(first_file("text/plain", &body), None);
    }

    #[test]
    fn a_form_that_is_cut_off_or_has_no_file_has_none() {
        let kind = "multipart/form-data; boundary=x";
        let whole = b"--x\r\nContent-Disposition: form-data; filename=\"n\"\r\n\r\nabc\r\n--x--";
        assert!(first_file(kind, &Bytes::from_static(whole)).is_some());
        for n_bytes in 0..whole.len() - 2 {
            let cut = Bytes::copy_from_slice(&whole[..n_bytes]);
            assert!(first_file(kind, &cut).is_none(), "{n_bytes}");
        }
        let nameless = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--";
        assert!(first_file(kind, &Bytes::from_static(nameless)).is_none());
    }

    #[test]
    fn a_file_may_be_called_anything() {
        for (head, name, file_name) in [
            (&br#"form-data; filename="f"; name="file""#[..], "file", "f"),
            (br#"form-data; filename="a; name=b"; name="file""#, "file", "a; name=b"),
            (br#"form-data; filename="a\"; name=b\"c"; name="file""#, "file", "a\"; name=b\"c"),
            (br#"form-data; filename="a\\"; name="file""#, "file", "a\\\\"),
            (br#"form-data; name="file"; filename="C:\dir\f""#, "file", "C:\\dir\\f"),
            (b"form-data; name=\"file\"; filename=\"\xff\xc4\"", "file", "\u{fffd}\u{fffd}"),
            (br#"form-data; name="file"; filename="""#, "file", ""),
            (br#"form-data; filename=f"#, "", "f"),
            (br#"form-data; name=file; filename="f"#, "file", "\"f"),
        ] {
            let head = read_head(&[b"Content-Disposition: ", head, b"\r\n\r\n"].concat());
            assert_eq!((head.name.as_str(), head.file_name.as_deref()), (name, Some(file_name)));
        }
        assert_eq!(read_head(b"\r\n\r\n"), PartHead::default());
    }

    #[test]
    fn only_a_form_has_a_boundary() {
        let boundary = |kind| boundary(kind).unwrap_or_default();
        assert_eq!(boundary("multipart/form-data; boundary=abc"), "abc");
        assert_eq!(boundary("Multipart/Form-Data; a=b; Boundary=\"a b\""), "a b");
        assert_eq!(boundary("multipart/mixed; boundary=abc"), "");
        assert_eq!(boundary("multipart/form-data; boundary="), "");
        assert_eq!(boundary("multipart/form-data"), "");
        assert_eq!(boundary("application/json"), "");
    }
}

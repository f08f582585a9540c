//! The side `file-server`: takes files and throws them away, and sends zeros. As little HTTP as both clients need, on blocking
//! sockets, so that it is not what is measured.
//!
//! `file-server BYTES`: the length of what is downloaded, and the least of what is uploaded.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::{Context as _, bail, ensure};

use crate::console::Console;

/// What a file is called.
pub(super) const FILE: &str = "5b2c1f0e-0000-4000-8000-000000000000";
/// Who is told that the server takes no parts.
pub(super) const WHOLE: &str = "whole";

const CHUNK_BYTES: usize = 256 * 1024;
const PART_BYTES: u64 = 5 << 20;
/// Longest head of a request.
const MAX_HEAD_BYTES: u64 = 16 * 1024;

/// The side.
pub(crate) fn run(words: &[String]) -> anyhow::Result<()> {
    let [n_bytes] = words else { bail!("file-server BYTES") };
    let n_bytes: u64 = n_bytes.parse()?;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    Console.say(&format!("listening {}", listener.local_addr()?));
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            if let Err(error) = serve(&stream, n_bytes) {
                Console.progress(&format!("file server: {error:#}"));
            }
        });
    }
    Ok(())
}

/// What of a request matters.
#[derive(Debug, Default, Eq, PartialEq)]
struct Request {
    method: String,
    path: String,
    token: Option<String>,
    n_bytes: u64,
    expects_continue: bool,
}

impl Request {
    /// The next one; none at the end of the connection.
    fn read(from: &mut impl io::BufRead) -> anyhow::Result<Option<Self>> {
        let mut head = from.take(MAX_HEAD_BYTES);
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let (method, path) = (words.next(), words.next());
        let mut request = Self {
            method: method.context("a request without a method")?.to_owned(),
            path: path.context("a request without a path")?.to_owned(),
            ..Self::default()
        };
        loop {
            let mut line = String::new();
            ensure!(head.read_line(&mut line)? > 0, "the head of a request is cut off");
            let Some((name, value)) = line.trim().split_once(':') else { return Ok(Some(request)) };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "authorization" => {
                    request.token = value.strip_prefix("Bearer ").map(str::to_owned);
                }
                "content-length" => request.n_bytes = value.parse()?,
                "expect" => request.expects_continue = true,
                "transfer-encoding" => bail!("a body without a length"),
                _ => {}
            }
        }
    }
}

fn serve(stream: &TcpStream, n_bytes: u64) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BufReader::with_capacity(CHUNK_BYTES, stream);
    while let Some(request) = Request::read(&mut input)? {
        if request.expects_continue {
            (&*stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let body = swallow(&mut input, request.n_bytes)?;
        if request.method == "GET" {
            send_zeros(stream, n_bytes)?;
            continue;
        }
        let (status, json) = answer(&request, &body, n_bytes)?;
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            json.len()
        );
        (&*stream).write_all(&[head.as_bytes(), json.as_bytes()].concat())?;
    }
    Ok(())
}

/// Reads a body; what is long is not kept.
fn swallow(input: &mut impl io::BufRead, n_bytes: u64) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut left = n_bytes;
    while left > 0 {
        let chunk = input.fill_buf()?;
        ensure!(!chunk.is_empty(), "a body ends {left} bytes early");
        let n_taken = chunk.len().min(usize::try_from(left)?);
        if n_bytes < MAX_HEAD_BYTES {
            body.extend_from_slice(chunk.get(..n_taken).unwrap_or_default());
        }
        input.consume(n_taken);
        left -= u64::try_from(n_taken)?;
    }
    Ok(body)
}

fn send_zeros(mut stream: &TcpStream, n_bytes: u64) -> anyhow::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {n_bytes}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let zeros = vec![0; CHUNK_BYTES];
    let mut left = n_bytes;
    while left > 0 {
        let n_now = zeros.len().min(usize::try_from(left)?);
        stream.write_all(zeros.get(..n_now).unwrap_or_default())?;
        left -= u64::try_from(n_now)?;
    }
    Ok(())
}

/// The answer to a request that is no download.
///
/// # Errors
/// If a body is shorter than the file that it has to hold.
fn answer(request: &Request, body: &[u8], n_bytes: u64) -> anyhow::Result<(u16, String)> {
    let path = request.path.split('?').next().unwrap_or_default();
    let below = path.strip_prefix("/easebot/demo/").context("another app")?;
    let file = format!(
        r#"{{"entities":[{{"uuid":"{FILE}","part_lower_limit":{PART_BYTES},"file_upper_limit":{}}}]}}"#,
        4u64 << 30
    );
    let part = format!("sdk/chatfiles/part-upload/{FILE}");
    Ok(match (request.method.as_str(), below) {
        ("POST", "token") => {
            let body: serde_json::Value = serde_json::from_slice(body)?;
            let user = body.get("username").and_then(serde_json::Value::as_str);
            let user = user.context("a login without a name")?;
            (200, format!(r#"{{"access_token":"{user}","expires_in":86400}}"#))
        }
        ("POST", "chatfiles") => {
            ensure!(request.n_bytes > n_bytes, "{} bytes came up", request.n_bytes);
            (200, file)
        }
        ("POST", "sdk/chatfiles/part-upload") if request.token.as_deref() == Some(WHOLE) => {
            (404, r#"{"error":"service_resource_not_found"}"#.to_owned())
        }
        ("POST", "sdk/chatfiles/part-upload") => (200, file),
        ("PUT", below) if below == part => {
            ensure!(request.n_bytes > n_bytes.min(PART_BYTES) / 8, "a part is too short");
            (200, "{}".to_owned())
        }
        ("POST", below) if below == part => (200, file),
        ("DELETE", below) if below == part => (200, "{}".to_owned()),
        (method, below) => bail!("nothing is behind {method} {below}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> anyhow::Result<Option<Request>> {
        Request::read(&mut text.as_bytes())
    }

    #[test]
    fn a_request_is_read_up_to_its_body() {
        let text = "POST /easebot/demo/chatfiles?chat-type=CHAT HTTP/1.1\r\nContent-Length: 5\r\n\
                    authorization: Bearer bot\r\nExpect: 100-continue\r\n\r\nhello";
        let expected = Request {
            method: "POST".to_owned(),
            path: "/easebot/demo/chatfiles?chat-type=CHAT".to_owned(),
            token: Some("bot".to_owned()),
            n_bytes: 5,
            expects_continue: true,
        };
        assert_eq!(request(text).unwrap(), Some(expected));
        assert_eq!(request("").unwrap(), None);
        assert!(request("GET / HTTP/1.1\r\nHost: x\r\n").is_err(), "cut off");
        assert!(request("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }

    #[test]
    fn a_body_is_read_as_far_as_it_goes() {
        let mut input: &[u8] = b"hello world";
        assert_eq!(swallow(&mut input, 5).unwrap(), b"hello");
        assert_eq!(input, b" world");
        assert!(swallow(&mut input, 7).is_err());
    }

    #[test]
    fn an_upload_that_is_too_short_is_no_upload() {
        let upload = |n_bytes| Request {
            method: "POST".to_owned(),
            path: "/easebot/demo/chatfiles".to_owned(),
            n_bytes,
            ..Request::default()
        };
        assert_eq!(answer(&upload(1_001), &[], 1_000).unwrap().0, 200);
        assert!(answer(&upload(1_000), &[], 1_000).is_err());
    }
}

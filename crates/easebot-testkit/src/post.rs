//! What other systems post to the hooks of plugins.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Testbed, parts::patiently, people::ActError};

/// How much of an answer is read.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

impl Testbed {
    /// Posts `body` to the hook at `path`, which has to take it. JSON is said to be JSON.
    pub(crate) async fn post(&self, path: &str, body: String) -> Result<(), ActError> {
        let address = self.http_address().ok_or(ActError::NoPages)?;
        let kind = if body.starts_with(['{', '[']) {
            "application/json"
        } else {
            "text/plain; charset=utf-8"
        };
        let n_bytes = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {n_bytes}\r\n\r\n{body}"
        );
        let asked = async {
            let mut socket = TcpStream::connect(address).await?;
            socket.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            socket.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await?;
            Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        let failed = |source| ActError::Post { source };
        let answer = patiently(asked).await.ok_or(ActError::Late)?.map_err(failed)?;
        let (head, text) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        match status {
            Some(status) if (200..300).contains(&status) => Ok(()),
            Some(status) => Err(ActError::Refused { status, text: text.trim().to_owned() }),
            None => Err(failed(io::Error::other("the answer is no HTTP"))),
        }
    }
}

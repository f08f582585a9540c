//! One request to an app's own server, on a connection of its own.

use std::{io, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response, Uri, body::Incoming, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use thiserror::Error;
use tokio::{net::TcpStream, time::timeout};

/// Longest answer, in bytes. Source: Easemob's documentation (1000 characters, of at most four bytes each).
const MAX_ANSWER_BYTES: usize = 4000;
const DEFAULT_PORT: u16 = 80;

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum PostError {
    #[error("the answer is longer than {MAX_ANSWER_BYTES} bytes, or broke off")]
    Answer,
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    #[error("the connection failed")]
    Http(#[from] hyper::Error),
    #[error("the answer took longer than {} ms", .wait.as_millis())]
    Late { wait: Duration },
    #[error("the answer cannot be read: status {status}, {n_bytes} bytes")]
    Unread { status: u16, n_bytes: usize },
    #[error("the address is none of http")]
    Url(#[from] hyper::http::Error),
}

/// Posts `letter`, and gives status and body of the answer.
pub(super) async fn post(
    url: &Uri,
    letter: &Value,
    wait: Duration,
) -> Result<(u16, Bytes), PostError> {
    let read = async |response: Response<Incoming>| {
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
        Ok((status, body.map_err(|_| PostError::Answer)?.to_bytes()))
    };
    timeout(wait, exchange(url, letter, read)).await.map_err(|_| PostError::Late { wait })?
}

/// As [`post`], for the status alone: the body is not read.
pub(super) async fn post_only(url: &Uri, letter: &Value, wait: Duration) -> Result<u16, PostError> {
    let read = async |response: Response<Incoming>| Ok(response.status().as_u16());
    timeout(wait, exchange(url, letter, read)).await.map_err(|_| PostError::Late { wait })?
}

async fn exchange<T>(
    url: &Uri,
    letter: &Value,
    read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, PostError>,
) -> Result<T, PostError> {
    let host = url.host().unwrap_or_default();
    let address = (host.trim_matches(['[', ']']), url.port_u16().unwrap_or(DEFAULT_PORT));
    let stream = TcpStream::connect(address).await.map_err(PostError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::post(path)
        .header(header::HOST, url.authority().map_or(host, |authority| authority.as_str()))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(letter.to_string())))?;
    let answer = async {
        let response = sender.send_request(request).await?;
        read(response).await
    };
    tokio::pin!(answer, connection);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        ended = &mut connection => {
            ended?;
            // All that came is there.
            answer.await
        }
    }
}

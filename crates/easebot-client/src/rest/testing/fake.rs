//! A server on loopback that answers as a function says, many requests at a time.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use url::Url;

/// Answers each request as its function says and keeps them all. Stops when it is dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    _task: JoinSet<()>,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

/// What a request gets.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// Status, further headers (each with its line break), body.
    Bytes(u16, String, Bytes),
    /// As many bytes of that as are given, then the end of the connection.
    Cut(u16, String, Bytes, usize),
    /// This many zeros in chunks; each is counted before it is written.
    Zeros(u64, Arc<dyn Count>),
    /// Nothing, and the connection stays open.
    Silence,
}

pub(crate) trait Count: Send + Sync + std::fmt::Debug {
    fn count(&self, n_bytes: u64);
}

impl Said {
    #[expect(clippy::needless_pass_by_value, reason = "reads better with `json!`")]
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self::Bytes(status, String::new(), body.to_string().into())
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key == name)?;
        Some(value)
    }

    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let (_, value) = self.query.iter().find(|(key, _)| key == name)?;
        Some(value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// `METHOD /path`.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// How much of a body is kept; the rest is read and dropped.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

impl Fake {
    /// `say` gets the request and the number of requests before it.
    pub(crate) async fn of(say: impl Fn(&Asked, usize) -> Said + Send + Sync + 'static) -> Self {
        Self::counting(say, |_| ()).await
    }

    /// The same; `count` hears how many bytes of a body were read.
    pub(crate) async fn counting(
        say: impl Fn(&Asked, usize) -> Said + Send + Sync + 'static,
        count: impl Fn(u64) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        let both: Arc<(_, _)> = Arc::new((say, count));
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((tcp, _)) = listener.accept().await {
                let (kept, both) = (Arc::clone(&kept), Arc::clone(&both));
                connections.spawn(async move {
                    let mut stream = BufReader::new(tcp);
                    if let Some(asked) = read(&mut stream, &both.1).await {
                        let said = {
                            let mut kept = kept.lock().unwrap();
                            kept.push(asked.clone());
                            (both.0)(&asked, kept.len() - 1)
                        };
                        write(stream.into_inner(), said).await;
                    }
                });
            }
        });
        Self { address, asked, _task: task }
    }

    pub(crate) fn url(&self) -> Url {
        Url::parse(&format!("http://{}", self.address)).unwrap()
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The requests so far, each as `METHOD /path`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(Asked::line).collect()
    }
}

async fn read(stream: &mut BufReader<TcpStream>, count: &impl Fn(u64)) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?);
    let url = Url::parse("http://h").unwrap().join(target).ok()?;
    let headers: Vec<(String, String)> = lines
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(key, value)| (key.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(key, _)| key == "content-length");
    let length: u64 = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = Vec::new();
    let mut rest = stream.take(length);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n_read = rest.read(&mut buffer).await.ok()?;
        if n_read == 0 {
            break;
        }
        count(n_read as u64);
        let n_kept = n_read.min(MAX_KEPT_BYTES - body.len());
        body.extend_from_slice(&buffer[..n_kept]);
    }
    Some(Asked {
        method,
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers,
        body: body.into(),
    })
}

async fn write(mut stream: TcpStream, said: Said) {
    let head = |status: u16, headers: &str, length: u64| {
        format!(
            "HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
        )
    };
    // The client may have seen enough.
    match said {
        Said::Bytes(status, headers, body) => {
            stream.write_all(head(status, &headers, body.len() as u64).as_bytes()).await.ok();
            stream.write_all(&body).await.ok();
        }
        Said::Cut(status, headers, body, at) => {
            stream.write_all(head(status, &headers, body.len() as u64).as_bytes()).await.ok();
            stream.write_all(&body[..at]).await.ok();
        }
        Said::Zeros(n_bytes, counter) => {
            stream.write_all(head(200, "", n_bytes).as_bytes()).await.ok();
            let chunk = vec![0; 64 * 1024];
            let mut left = n_bytes;
            while left > 0 {
                let n_bytes = left.min(chunk.len() as u64);
                counter.count(n_bytes);
                let part = &chunk[..usize::try_from(n_bytes).unwrap()];
                if stream.write_all(part).await.is_err() {
                    return;
                }
                left -= n_bytes;
            }
        }
        Said::Silence => std::future::pending().await,
    }
    stream.shutdown().await.ok();
}

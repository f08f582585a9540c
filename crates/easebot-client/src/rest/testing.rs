//! A server on loopback that gives the answers of a script, for tests.

pub(crate) mod fake;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpSocket},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use url::Url;

/// Gives each connection the next answer of its script and keeps the requests. Stops when it is dropped.
pub(crate) struct Script {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

/// What a connection gets.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Status, further headers, body.
    Http(u16, &'static str, String),
    /// These bytes, then the end of the connection.
    Raw(&'static str),
    /// Nothing, and the connection stays open.
    Silence,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::Http(status, "content-type: application/json\r\n", body.to_owned())
    }
}

impl Script {
    /// One connection for each of `replies`; later ones are closed at once.
    pub(crate) async fn of(replies: Vec<Reply>) -> Self {
        Self::serve(replies, None).await
    }

    /// The same over TLS, with the certificate of `tls/testdata`.
    pub(crate) async fn secure(replies: Vec<Reply>) -> Self {
        Self::serve(replies, Some(acceptor())).await
    }

    async fn serve(replies: Vec<Reply>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut open = Vec::new();
            for reply in replies {
                let (tcp, _) = listener.accept().await.unwrap();
                let Some(tls) = &tls else {
                    open.extend(answer(tcp, reply, &kept).await);
                    continue;
                };
                // A client that does not trust the certificate leaves here.
                if let Ok(stream) = tls.accept(tcp).await {
                    answer(stream, reply, &kept).await;
                }
            }
            while listener.accept().await.is_ok() {}
        });
        Self { address, requests, _task: task }
    }

    pub(crate) fn url(&self) -> Url {
        Url::parse(&format!("http://{}", self.address)).unwrap()
    }

    pub(crate) fn secure_url(&self) -> Url {
        Url::parse(&format!("https://{}", self.address)).unwrap()
    }

    /// The requests so far, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// The address of a server that is not there. Nobody else gets its port while this is kept.
pub(crate) struct Nobody {
    address: SocketAddr,
    _bound_and_not_listening: TcpSocket,
}

impl Nobody {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self { address: socket.local_addr().unwrap(), _bound_and_not_listening: socket }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> Url {
        Url::parse(&format!("http://{}", self.address)).unwrap()
    }
}

/// Speaks TLS as the server of `tls/testdata`.
pub(crate) fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(include_bytes!("../tls/testdata/server.pem"))
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    let key =
        PrivateKeyDer::from_pem_slice(include_bytes!("../tls/testdata/server-key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Answers one request; gives the stream back if it has to stay open.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    reply: Reply,
    requests: &Mutex<Vec<String>>,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    let request = read_request(&mut stream).await?;
    requests.lock().unwrap().push(request);
    let text = match reply {
        Reply::Silence => return Some(stream.into_inner()),
        Reply::Raw(text) => text.to_owned(),
        Reply::Http(status, headers, body) => format!(
            "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ),
    };
    // The client may have seen enough.
    stream.write_all(text.as_bytes()).await.ok();
    stream.shutdown().await.ok();
    None
}

async fn read_request(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if stream.read_line(&mut request).await.ok()? == 0 {
            return None;
        }
    }
    let length = request
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
        })
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    request.push_str(std::str::from_utf8(&body).unwrap());
    Some(request)
}

use std::path::Path;

use futures_util::FutureExt;
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::{Duration, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::*;
use crate::{Tls, rest::testing::acceptor};

/// Room of the pipe in tests in which nothing has to wait.
const WIDE: usize = 1 << 20;

async fn trusting(authority: &str) -> Arc<ClientConfig> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tls/testdata").join(authority);
    Tls::new(Some(file)).client_config().await.unwrap()
}

fn speaking(version: &'static SupportedProtocolVersion) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(include_bytes!("../../tls/testdata/server.pem"));
    let key = include_bytes!("../../tls/testdata/server-key.pem");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            chain.collect::<Result<_, _>>().unwrap(),
            PrivateKeyDer::from_pem_slice(key).unwrap(),
        );
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

fn this_machine() -> ServerName<'static> {
    "127.0.0.1".try_into().unwrap()
}

type Near = Secure<DuplexStream>;
type Far = TlsStream<DuplexStream>;

async fn connect(server: TlsAcceptor, pipe_bytes: usize) -> (Near, Far) {
    let (near, far) = duplex(pipe_bytes);
    let connecting = Secure::connect(trusting("ca.pem").await, this_machine(), near);
    let (near, far) = tokio::join!(connecting, server.accept(far));
    (near.unwrap(), far.unwrap())
}

fn holds_nothing(near: &Near) -> bool {
    near.incoming.capacity() == 0 && near.unread.is_empty() && near.outgoing.is_empty()
}

/// Bytes of which none is like its neighbours.
fn noise(n_bytes: usize) -> Vec<u8> {
    (0..n_bytes).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

/// Sends `n_bytes` there and back, through a pipe of `pipe_bytes`.
async fn echo(server: TlsAcceptor, pipe_bytes: usize, n_bytes: usize) {
    let (near, far) = duplex(pipe_bytes);
    let sent = noise(n_bytes);
    let answering = async {
        let mut far = server.accept(far).await.unwrap();
        let mut heard = vec![0; n_bytes];
        far.read_exact(&mut heard).await.unwrap();
        far.write_all(&heard).await.unwrap();
        far.shutdown().await.unwrap();
    };
    let asking = async {
        let near = Secure::connect(trusting("ca.pem").await, this_machine(), near).await.unwrap();
        let (mut read, mut write) = tokio::io::split(near);
        let saying = async {
            write.write_all(&sent).await.unwrap();
            write.flush().await.unwrap();
        };
        let mut heard = Vec::new();
        tokio::join!(saying, read.read_to_end(&mut heard)).1.unwrap();
        assert!(heard == sent, "{} of {n_bytes} bytes came", heard.len());
        assert!(holds_nothing(&read.unsplit(write)));
    };
    let both = async { tokio::join!(answering, asking) };
    timeout(Duration::from_secs(60), both).await.expect("nothing moves any more");
}

#[tokio::test]
async fn bytes_come_as_they_were_sent_however_they_are_cut() {
    for version in [&TLS12, &TLS13] {
        for pipe_bytes in [1, 7, 64, 5_000, WIDE] {
            echo(speaking(version), pipe_bytes, 3_000).await;
        }
        for pipe_bytes in [5_000, WIDE] {
            echo(speaking(version), pipe_bytes, 200_000).await;
        }
    }
}

#[tokio::test]
async fn a_connection_on_which_nothing_moves_holds_nothing() {
    let (mut near, mut far) = connect(acceptor(), WIDE).await;
    // With the tickets that the server gives after the handshake.
    far.write_all(b"one").await.unwrap();
    let mut heard = [0; 3];
    near.read_exact(&mut heard).await.unwrap();
    near.write_all(b"two").await.unwrap();
    far.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"two");
    assert!(near.read_u8().now_or_never().is_none(), "nothing more came");
    assert!(holds_nothing(&near));
}

#[tokio::test]
async fn a_small_reader_gets_a_large_record_piece_by_piece() {
    let (mut near, mut far) = connect(acceptor(), WIDE).await;
    far.write_all(&noise(16_384)).await.unwrap();
    let mut heard = Vec::new();
    while heard.len() < 16_384 {
        let mut piece = [0; 1_000];
        let n = near.read(&mut piece).await.unwrap();
        heard.extend_from_slice(&piece[..n]);
    }
    assert!(heard == noise(16_384));
    assert!(holds_nothing(&near));
}

#[tokio::test]
async fn an_end_counts_only_if_the_peer_says_so() {
    let (mut near, mut far) = connect(acceptor(), WIDE).await;
    far.shutdown().await.unwrap();
    assert_eq!(near.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(near.read(&mut [0; 8]).await.unwrap(), 0, "and it stays so");

    let (mut near, far) = connect(acceptor(), WIDE).await;
    drop(far);
    let error = near.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn our_own_end_is_said_once_and_nothing_goes_out_behind_it() {
    let (mut near, mut far) = connect(acceptor(), WIDE).await;
    near.write_all(b"bye").await.unwrap();
    near.shutdown().await.unwrap();
    let mut heard = Vec::new();
    far.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"bye");
    let error = near.write(b"more").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    far.write_all(b"and you").await.unwrap();
    let mut heard = [0; 7];
    near.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"and you", "who is still heard");
}

#[tokio::test]
async fn what_was_changed_on_its_way_is_refused_and_the_peer_is_told() {
    let (mut near, mut far) = connect(acceptor(), WIDE).await;
    // A record of this connection's form, but sealed by nobody.
    let mut forged = vec![23, 3, 3, 0, 32];
    forged.extend(noise(32));
    far.get_mut().0.write_all(&forged).await.unwrap();
    // Behind the tickets, which are read first.
    let error = near.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let told = far.read(&mut [0; 8]).await.unwrap_err().to_string();
    assert!(told.contains("BadRecordMac"), "{told}");
    let again = near.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::BrokenPipe, "nothing of it counts any more");
    assert!(near.write(b"x").await.is_err());
}

#[tokio::test]
async fn who_is_not_trusted_is_told_so() {
    let (near, far) = duplex(WIDE);
    let connecting = Secure::connect(trusting("server.pem").await, this_machine(), near);
    let (near, far) = tokio::join!(connecting, acceptor().accept(far));
    let error = near.err().unwrap();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    let told = far.err().unwrap().to_string();
    assert!(told.contains("UnknownCA"), "{told}");
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls_is_no_peer() {
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b""] {
        let (near, mut far) = duplex(WIDE);
        far.write_all(answer).await.unwrap();
        far.shutdown().await.unwrap();
        assert!(Secure::connect(trusting("ca.pem").await, this_machine(), near).await.is_err());
    }
}

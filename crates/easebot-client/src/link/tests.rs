use std::path::Path;

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncWriteExt, DuplexStream, duplex},
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_tungstenite::{
    accept_async, accept_hdr_async,
    tungstenite::handshake::server::{ErrorResponse, Request, Response},
};

use super::*;
use crate::{
    Retry,
    rest::testing::{Nobody, Reply, Script, acceptor},
};

type Server<S = DuplexStream> = WebSocketStream<S>;

/// Room of the pipe between link and server in tests that fill it.
const NARROW: usize = 256;
const WIDE: usize = 1 << 20;

fn url() -> Url {
    Url::parse("ws://im.example.org/websocket").unwrap()
}

/// A link and its server, in memory.
async fn pair(pipe_bytes: usize) -> (Link, Server) {
    let (near, far) = duplex(pipe_bytes);
    let opening = Link::over(near, &url(), LinkOptions::default());
    let (link, server) = tokio::join!(opening, accept_async(far));
    (link.unwrap(), server.unwrap())
}

/// Fails instead of hanging: paused time jumps to the end when nothing moves.
async fn soon<T>(step: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(1), step).await.expect("nothing moves any more")
}

fn binary(bytes: &'static [u8]) -> Message {
    Message::Binary(Bytes::from_static(bytes))
}

async fn next(link: &mut Link) -> Bytes {
    link.next().await.unwrap().unwrap()
}

#[tokio::test]
async fn the_handshake_is_that_of_the_official_sdk() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("ws://{}/a/b?c=d", listener.local_addr().unwrap()).parse().unwrap();
    let mut seen = None;
    let accept = async {
        let (tcp, _) = listener.accept().await.unwrap();
        #[expect(clippy::result_large_err, reason = "the library's own type")]
        let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            seen = Some((request.uri().to_string(), request.headers().clone()));
            Ok(response)
        };
        accept_hdr_async(tcp, look).await.unwrap()
    };
    let opening = Link::open(&url, &Tls::default(), LinkOptions::default());
    let (link, mut server) = tokio::join!(opening, accept);
    let mut link = link.unwrap();
    let (path, headers) = seen.unwrap();
    assert_eq!(path, "/a/b?c=d");
    assert_eq!(headers["content-type"], "application/json");
    assert!(!headers.contains_key("sec-websocket-protocol"));

    server.send(binary(b"down")).await.unwrap();
    assert_eq!(next(&mut link).await, "down");
    link.feed(Bytes::from_static(b"up")).await.unwrap();
    link.flush().await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), binary(b"up"));
}

#[tokio::test]
async fn frames_that_were_fed_leave_with_the_flush() {
    let (mut link, mut server) = pair(WIDE).await;
    for _ in 0..3 {
        link.feed(Bytes::from_static(b"x")).await.unwrap();
    }
    assert!(server.next().now_or_never().is_none(), "nothing before the flush");
    link.flush().await.unwrap();
    for _ in 0..3 {
        assert_eq!(server.next().now_or_never().unwrap().unwrap().unwrap(), binary(b"x"));
    }
}

#[tokio::test]
async fn what_is_ready_can_be_drained_without_waiting() {
    let (mut link, mut server) = pair(WIDE).await;
    assert!(link.try_next().is_none());
    for bytes in [b"1", b"2", b"3"] {
        server.send(binary(bytes)).await.unwrap();
    }
    assert_eq!(next(&mut link).await, "1");
    assert_eq!(link.try_next().unwrap().unwrap(), "2");
    assert_eq!(link.try_next().unwrap().unwrap(), "3");
    assert!(link.try_next().is_none());
    server.send(binary(b"4")).await.unwrap();
    assert_eq!(next(&mut link).await, "4", "a probe that found nothing breaks nothing");
}

#[tokio::test]
async fn a_frame_survives_a_reader_that_is_dropped_half_way() {
    let (mut link, server) = pair(WIDE).await;
    let mut raw = server.into_inner();
    raw.write_all(b"\x82\x04he").await.unwrap();
    assert!(link.next().now_or_never().is_none());
    raw.write_all(b"yo").await.unwrap();
    assert_eq!(next(&mut link).await, "heyo");
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_while_the_link_waits() {
    let (mut link, mut server) = pair(WIDE).await;
    server.send(Message::Ping(Bytes::from_static(b"?"))).await.unwrap();
    let pong = async {
        let pong = server.next().await.unwrap().unwrap();
        server.send(binary(b"thanks")).await.unwrap();
        pong
    };
    let (frame, pong) = soon(async { tokio::join!(link.next(), pong) }).await;
    assert_eq!(pong, Message::Pong(Bytes::from_static(b"?")));
    assert_eq!(frame.unwrap().unwrap(), "thanks");
}

#[tokio::test]
async fn a_text_frame_is_an_error_that_the_link_survives() {
    let (mut link, mut server) = pair(WIDE).await;
    server.send(Message::text("hello")).await.unwrap();
    server.send(binary(b"x")).await.unwrap();
    let error = link.next().await.unwrap().unwrap_err();
    assert!(matches!(error, LinkError::TextFrame { length_bytes: 5 }), "{error:?}");
    assert!(!error.ends_link());
    assert_eq!(next(&mut link).await, "x");
}

#[tokio::test]
async fn a_goodbye_of_the_server_is_the_end_for_ever() {
    let (mut link, mut server) = pair(WIDE).await;
    server.send(binary(b"last")).await.unwrap();
    server.close(None).await.unwrap();
    assert_eq!(next(&mut link).await, "last");
    assert!(link.next().await.is_none());
    assert!(link.next().await.is_none());
    let error = link.feed(Bytes::new()).await.unwrap_err();
    assert!(matches!(error, LinkError::Closed), "{error:?}");
    let error = link.flush().await.unwrap_err();
    assert!(matches!(error, LinkError::Closed), "{error:?}");
    let read = async {
        let reply = server.next().await;
        drop(server);
        reply
    };
    let ((), reply) = tokio::join!(link.close(), read);
    assert!(matches!(reply, Some(Ok(Message::Close(_)))), "the goodbye is answered: {reply:?}");
}

#[tokio::test]
async fn an_end_without_goodbye_is_named() {
    let (mut link, server) = pair(WIDE).await;
    drop(server);
    let error = link.next().await.unwrap().unwrap_err();
    assert!(matches!(error, LinkError::CutOff), "{error:?}");
    assert!(error.ends_link());
    assert!(link.next().await.is_none());
}

#[tokio::test]
async fn what_has_come_is_read_when_nothing_can_be_written_any_more() {
    for flush in ["flush", "next"] {
        let (mut link, mut server) = pair(WIDE).await;
        server.send(binary(b"1")).await.unwrap();
        server.send(binary(b"2")).await.unwrap();
        drop(server);
        assert_eq!(link.try_feed(Bytes::from_static(b"x")).unwrap(), None);
        let error = match flush {
            "flush" => link.flush().await.unwrap_err(),
            _ => {
                link.flush = Flush::Begun;
                link.next().await.unwrap().unwrap_err()
            }
        };
        assert!(error.ends_link(), "{error:?}");
        let error = link.feed(Bytes::new()).await.unwrap_err();
        assert!(matches!(error, LinkError::Closed), "{error:?}");
        assert_eq!(next(&mut link).await, "1");
        assert_eq!(next(&mut link).await, "2");
        assert!(!matches!(link.next().await, Some(Ok(_))));
        assert!(link.next().await.is_none());
    }
}

#[tokio::test]
async fn a_page_of_many_long_messages_is_read() {
    let (mut link, mut server) = pair(WIDE).await;
    let page = Bytes::from(vec![7; LinkOptions::default().max_received_bytes]);
    let (sent, got) = tokio::join!(server.send(Message::Binary(page.clone())), link.next());
    sent.unwrap();
    assert!(got.unwrap().unwrap() == page);
}

#[tokio::test]
async fn a_frame_that_claims_too_much_ends_the_link_before_it_is_read() {
    let (mut link, server) = pair(WIDE).await;
    let mut raw = server.into_inner();
    raw.write_all(b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff").await.unwrap();
    let error = link.next().await.unwrap().unwrap_err();
    assert!(matches!(error, LinkError::TooLarge { limit_bytes: 10_485_760, .. }), "{error:?}");
    assert!(link.next().await.is_none());
    let error = link.feed(Bytes::new()).await.unwrap_err();
    assert!(matches!(error, LinkError::Closed), "nothing is sent into it either: {error:?}");
}

#[tokio::test]
async fn bytes_that_are_no_frame_end_the_link() {
    for raw_frame in [&b"\xf2\x00"[..], b"\x83\x00", b"\x82\x80\0\0\0\0", b"\x81\x01\xff"] {
        let (mut link, server) = pair(WIDE).await;
        server.into_inner().write_all(raw_frame).await.unwrap();
        let error = link.next().await.unwrap().unwrap_err();
        assert!(matches!(error, LinkError::Protocol { .. }), "{raw_frame:x?}: {error:?}");
        assert!(link.next().await.is_none());
    }
}

#[tokio::test]
async fn a_frame_of_ours_that_is_too_large_is_refused_and_the_link_goes_on() {
    let (mut link, mut server) = pair(4 * WIDE).await;
    let limit = LinkOptions::default().max_sent_bytes;
    let error = link.feed(vec![0; limit + 1].into()).await.unwrap_err();
    assert_eq!(error.to_string(), "an outgoing frame has 1048577 bytes, the limit is 1048576");
    assert!(!error.ends_link());
    link.feed(Bytes::from_static(b"small")).await.unwrap();
    link.feed(vec![0; limit].into()).await.unwrap();
    link.flush().await.unwrap();
    assert_eq!(
        link.try_feed(vec![0; limit + 1].into()).unwrap_err().to_string(),
        error.to_string()
    );
    assert_eq!(link.try_feed(Bytes::from_static(b"more")).unwrap(), None, "it is taken");
    link.flush().await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), binary(b"small"));
    assert_eq!(server.next().await.unwrap().unwrap().len(), limit);
    assert_eq!(server.next().await.unwrap().unwrap(), binary(b"more"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_makes_the_writer_wait() {
    let (mut link, mut server) = pair(NARROW).await;
    let frame = Bytes::from(vec![7; 20 * 1024]);
    link.feed(frame.clone()).await.unwrap();
    assert!(link.feed(frame.clone()).now_or_never().is_none(), "no room for a second one");
    assert_eq!(link.try_feed(frame.clone()).unwrap(), Some(frame.clone()), "it is given back");
    let write = async {
        link.feed(frame.clone()).await.unwrap();
        link.flush().await.unwrap();
    };
    let read = async {
        for _ in 0..2 {
            assert_eq!(server.next().await.unwrap().unwrap(), Message::Binary(frame.clone()));
        }
    };
    soon(async { tokio::join!(write, read) }).await;
    assert!(server.next().now_or_never().is_none(), "the frame that was dropped did not leave");
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_was_dropped_is_carried_on_by_the_reader() {
    let (mut link, mut server) = pair(NARROW).await;
    link.feed(vec![7; 4 * NARROW].into()).await.unwrap();
    assert!(link.flush().now_or_never().is_none());
    let answer = async {
        assert_eq!(server.next().await.unwrap().unwrap().len(), 4 * NARROW);
        server.send(binary(b"got it")).await.unwrap();
    };
    let (frame, ()) = soon(async { tokio::join!(link.next(), answer) }).await;
    assert_eq!(frame.unwrap().unwrap(), "got it");
}

#[tokio::test(start_paused = true)]
async fn closing_writes_what_was_fed_and_waits_for_the_answer() {
    let (mut link, mut server) = pair(WIDE).await;
    link.feed(Bytes::from_static(b"logout")).await.unwrap();
    let start = Instant::now();
    let read = async {
        let mut seen = Vec::new();
        while let Some(Ok(message)) = server.next().await {
            seen.push(message);
        }
        drop(server);
        seen
    };
    let ((), seen) = tokio::join!(link.close(), read);
    assert_eq!(seen, [binary(b"logout"), Message::Close(None)]);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn closing_takes_two_seconds_at_most() {
    for pipe_bytes in [NARROW, WIDE] {
        let (mut link, _server) = pair(pipe_bytes).await;
        link.feed(vec![7; 4 * NARROW].into()).await.unwrap();
        let start = Instant::now();
        link.close().await;
        let took = start.elapsed();
        assert!(took >= Link::CLOSE_TIMEOUT && took < 2 * Link::CLOSE_TIMEOUT, "{took:?}");
    }
}

async fn open_error(mut url: Url) -> OpenLinkError {
    url.set_scheme("ws").unwrap();
    Link::open(&url, &Tls::default(), LinkOptions::default()).await.unwrap_err()
}

#[tokio::test]
async fn a_refused_handshake_is_named_and_tried_again() {
    let refused = |after| Retry::Later { after };
    let table = [
        (401, "", refused(None)),
        (403, "", refused(None)),
        (404, "", refused(None)),
        (200, "", refused(None)),
        (503, "retry-after: 9\r\n", refused(Some(Duration::from_secs(9)))),
    ];
    for (status, headers, retry) in table {
        let server = Script::of(vec![Reply::Http(status, headers, String::new())]).await;
        let error = open_error(server.url()).await;
        assert_eq!(
            error.to_string(),
            format!("127.0.0.1 refused the WebSocket with status {status}")
        );
        assert_eq!(error.retry(), retry);
    }
}

#[tokio::test]
async fn what_is_no_websocket_server_is_named() {
    for raw in ["", "SSH-2.0-OpenSSH_9.9\r\n\r\n", "HTTP/1.1 101 X\r\n\r\n"] {
        let server = Script::of(vec![Reply::Raw(raw)]).await;
        let error = open_error(server.url()).await;
        assert!(matches!(error, OpenLinkError::Handshake { .. }), "{raw:?}: {error:?}");
    }
}

#[tokio::test]
async fn nobody_there_is_named() {
    let gone = Nobody::new();
    let expected = format!("cannot connect to 127.0.0.1, port {}", gone.address().port());
    assert_eq!(open_error(gone.url()).await.to_string(), expected);
}

#[tokio::test]
async fn a_name_that_cannot_be_looked_up_is_named() {
    // A label of more than 63 letters is no name, so that no server is asked.
    let host = "a".repeat(64);
    let error = open_error(Url::parse(&format!("http://{host}/")).unwrap()).await;
    assert!(matches!(error, OpenLinkError::Lookup { .. }), "{error:?}");
    assert_eq!(error.retry(), Retry::LATER);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up_after_ten_seconds() {
    let (near, _far) = duplex(WIDE);
    let start = Instant::now();
    let error = Link::over(near, &url(), LinkOptions::default()).await.unwrap_err();
    assert!(start.elapsed() >= Duration::from_secs(10));
    assert_eq!(
        error.to_string(),
        "im.example.org took longer than 10 s, stopped at the WebSocket handshake"
    );
}

async fn secure_link(tls: &Tls) -> Result<Link, OpenLinkError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("wss://{}/websocket", listener.local_addr().unwrap()).parse().unwrap();
    let echo = async {
        let (tcp, _): (TcpStream, _) = listener.accept().await.unwrap();
        // A client that does not trust the certificate leaves here.
        let stream = acceptor().accept(tcp).await.ok()?;
        let mut server: Server<_> = accept_async(stream).await.ok()?;
        let message = server.next().await?.ok()?;
        server.send(message).await.ok()
    };
    let client = async {
        let mut link = Link::open(&url, tls, LinkOptions::default()).await?;
        link.feed(Bytes::from_static(b"psst")).await.unwrap();
        link.flush().await.unwrap();
        assert_eq!(next(&mut link).await, "psst");
        Ok(link)
    };
    tokio::join!(client, echo).0
}

#[tokio::test]
async fn a_secure_link_carries_frames_if_the_authority_is_trusted() {
    let ca = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tls/testdata/ca.pem");
    secure_link(&Tls::new(Some(ca))).await.unwrap();
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let another = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tls/testdata/server.pem");
    let error = secure_link(&Tls::new(Some(another))).await.unwrap_err();
    assert!(matches!(error, OpenLinkError::Tls { .. }), "{error:?}");
    assert_eq!(error.to_string(), "no secure connection to 127.0.0.1");
}

#[test]
fn a_link_is_a_pointer_and_a_few_words() {
    assert!(size_of::<Link>() <= 4 * size_of::<usize>());
}

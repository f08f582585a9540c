use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    task::Context,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex},
    sync::mpsc,
    time::Instant,
};

use super::*;

/// Counts how often it is written to.
struct Counting {
    inner: DuplexStream,
    n_writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.n_writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn all_that_is_to_be_said_leaves_with_one_write() {
    let n_writes = Arc::new(AtomicUsize::new(0));
    let (caller, mut calls) = mpsc::channel(1);
    let mut account = Server::new().account("concierge");
    let counter = Arc::clone(&n_writes);
    account.network = account.network.with_dialler(move |url, options| {
        let (near, far) = duplex(1 << 20);
        caller.try_send((url.clone(), far)).unwrap();
        Link::over(Counting { inner: near, n_writes: Arc::clone(&counter) }, url, options)
    });
    let mut side = Side::with(account);
    let mut peer = side
        .during(async {
            let (url, far) = calls.recv().await.unwrap();
            let mut peer = Peer::over(far, url).await;
            peer.log_in().await;
            peer
        })
        .await;
    side.connected().await;

    let before = n_writes.load(Ordering::Relaxed);
    for id in 1..=50 {
        side.say(id, "hello");
    }
    side.during(async {
        for id in 1..=50 {
            assert_eq!(peer.said().await.id, id);
        }
    })
    .await;
    assert_eq!(n_writes.load(Ordering::Relaxed) - before, 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_reads_nothing_for_15_seconds_is_left() {
    let mut server = Server::with_pipe(256);
    let (mut side, peer) = Side::online(&mut server).await;
    // Nothing here waits for an answer, so only the writing itself can tell.
    let start = Instant::now();
    for _ in 0..200 {
        side.client.session.log_out(3_600 * SECOND, now());
    }
    // The owner does other things as well, every second.
    let wait = loop {
        match tokio::time::timeout(SECOND, side.client.next()).await {
            Ok(ClientEvent::Waiting { cause, .. }) => break cause,
            Ok(other) => panic!("{other:?}"),
            Err(_) => assert!(start.elapsed() < 60 * SECOND, "it is never left"),
        }
    };
    assert_eq!(wait, "nothing could be written for 15 s");
    assert_eq!(start.elapsed(), WRITE_TIMEOUT);
    drop(peer);
    side.log_in(&mut server).await;
}

#[tokio::test(start_paused = true)]
async fn frames_are_read_while_the_link_is_full() {
    let mut server = Server::with_pipe(256);
    let (mut side, mut peer) = Side::online(&mut server).await;
    for id in 1..=20 {
        side.say(id, &"x".repeat(2_000));
    }
    let start = Instant::now();
    // The server reads nothing before it has said all it has to say.
    side.during(async {
        for id in 1..=20 {
            peer.text("bob", id, &"y".repeat(2_000)).await;
        }
        for id in 1..=20 {
            assert_eq!(peer.said().await.id, id);
        }
    })
    .await;
    assert_eq!(start.elapsed(), Duration::ZERO, "nothing waits for a timer");
    assert!(side.client.is_online());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_dropped_at_any_point_loses_and_doubles_nothing() {
    const N: u64 = 40;
    let mut server = Server::with_pipe(61);
    let (mut side, mut peer) = Side::online(&mut server).await;
    for (n, id) in (1..).zip(1..=N) {
        side.say(id, &"x".repeat(50 * n));
    }
    let mut script = pin!(async {
        for (n, id) in (1..).zip(1..=N) {
            peer.text("bob", id, &"y".repeat(70 * n)).await;
        }
        let mut said = Vec::new();
        for _ in 1..=N {
            said.push(peer.said().await.id);
        }
        said
    });
    let mut arrived = Vec::new();
    let said = loop {
        // Each wait is polled once and dropped.
        if let Some(event) = side.client.next().now_or_never() {
            match event {
                ClientEvent::Batch(batch) => arrived.extend(ids(&batch)),
                other => panic!("{other:?}"),
            }
        }
        if let Some(said) = script.as_mut().now_or_never() {
            break said;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(said, (1..=N).collect::<Vec<_>>());
    assert_eq!(arrived, (1..=N).collect::<Vec<_>>());
}

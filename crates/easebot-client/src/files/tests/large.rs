//! 256 MiB in each direction, and how far one end runs ahead of the other: what lies between them is in memory, in ours or
//! in the system's.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::*;

const N_BYTES: u64 = 256 * 1024 * 1024;

/// What the sockets of a loopback connection may hold, and some chunks.
const MAX_LEAD: u64 = 24 * 1024 * 1024;

/// Zeros that are counted when they are read.
struct Zeros(Arc<Lead>);

impl AsyncRead for Zeros {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let n_bytes = buf.remaining();
        buf.initialize_unfilled();
        buf.advance(n_bytes);
        self.0.count(n_bytes as u64);
        Poll::Ready(Ok(()))
    }
}

/// Counts what is written.
struct Drain(Arc<Lead>);

impl AsyncWrite for Drain {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.used(bytes.len() as u64);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn an_upload_holds_a_few_chunks() {
    let lead = Arc::new(Lead::default());
    let used = Arc::clone(&lead);
    let fake = Fake::counting(
        |asked, _| {
            if asked.path.ends_with("part-upload") {
                Said::json(404, json!({}))
            } else {
                taken("u")
            }
        },
        move |n_bytes| used.used(n_bytes),
    )
    .await;
    let source = Source::reader(Zeros(Arc::clone(&lead)), N_BYTES);
    let options = UploadOptions { reuses: false, ..UploadOptions::default() };
    let uploaded = files_at(&fake.url()).upload(source, &to_amy(), &options).await.unwrap();
    assert_eq!(uploaded.length_bytes, N_BYTES);
    assert_eq!(lead.made.load(Ordering::SeqCst), N_BYTES);
    let largest = lead.largest.load(Ordering::SeqCst);
    assert!(largest < MAX_LEAD, "{largest} bytes were read and not yet at the server");
}

#[tokio::test]
async fn a_download_holds_a_few_chunks() {
    let lead = Arc::new(Lead::default());
    let made = Arc::clone(&lead);
    let fake =
        Fake::of(move |_, _| Said::Zeros(N_BYTES, Arc::clone(&made) as Arc<dyn Count>)).await;
    let attachment =
        Attachment { url: "https://x/org/app/chatfiles/u".to_owned(), ..Attachment::default() };
    let mut drain = Drain(Arc::clone(&lead));
    let options = DownloadOptions::default();
    let downloaded =
        files_at(&fake.url()).download_into(&attachment, &mut drain, &options).await.unwrap();
    assert_eq!(downloaded.length_bytes, N_BYTES);
    assert_eq!(lead.used.load(Ordering::SeqCst), N_BYTES);
    let largest = lead.largest.load(Ordering::SeqCst);
    assert!(largest < MAX_LEAD, "{largest} bytes were sent and not yet written");
}

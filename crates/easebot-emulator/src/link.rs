//! One WebSocket connection: frames in, posts out.
//!
//! What is ready is taken as one batch, answered, and flushed once.

mod codec;

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{Role, WebSocketConfig},
    },
};
use tracing::{debug, warn};

use self::codec::Codec;
use crate::{
    callbacks,
    shared::{LinkEnd, Shared},
    world::Post,
};

/// Largest message of a client. Combined messages travel as files, so real ones are far below.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Largest answer that waits inside the WebSocket layer.
const MAX_WRITE_BYTES: usize = 16 << 20;
/// How many frames are taken before what they caused is written.
const MAX_BATCH: usize = 256;
/// How long a client may take to answer our goodbye before the socket is dropped.
const GOODBYE: Duration = Duration::from_secs(2);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What a link does after a step.
enum Next {
    /// Say goodbye.
    Close,
    /// The socket is of no more use.
    Drop,
    Go,
}

/// Serves one connection until either side ends it.
pub(crate) async fn serve(upgraded: Upgraded, shared: &Arc<Shared>) {
    let mut end = shared.open();
    let cut = Arc::clone(&end.cut);
    let config = WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
        .max_write_buffer_size(MAX_WRITE_BYTES);
    let io = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    debug!(link = end.id.0, "link opened");
    tokio::select! {
        () = cut.notified() => {}
        () = talk(socket, &mut end, shared) => {}
    }
    debug!(link = end.id.0, "link closed");
}

async fn talk(mut socket: Socket, end: &mut LinkEnd, shared: &Shared) {
    let deadline = Instant::now() + shared.options.provision_timeout;
    let mut is_fresh = true;
    let mut codec = Codec::default();
    loop {
        let next = tokio::select! {
            post = end.next() => match post {
                Some(post) => write(&mut socket, end, &mut codec, post).await,
                None => Next::Drop,
            },
            message = socket.next() => {
                read(&mut socket, end, shared, &mut codec, message, &mut is_fresh).await
            }
            () = sleep_until(deadline), if is_fresh => {
                debug!(link = end.id.0, "no login in time");
                Next::Close
            }
        };
        match next {
            Next::Close => return goodbye(socket).await,
            Next::Drop => return,
            Next::Go => {}
        }
    }
}

/// Takes `first` and what else is ready. What the app's own server is asked about is waited for, so that all stays in order.
async fn read(
    socket: &mut Socket,
    end: &LinkEnd,
    shared: &Shared,
    codec: &mut Codec,
    first: Option<Result<Message, Error>>,
    is_fresh: &mut bool,
) -> Next {
    let mut message = first;
    let mut n_taken = 0;
    loop {
        n_taken += 1;
        match message {
            Some(Ok(Message::Binary(bytes))) => {
                let n_bytes = bytes.len();
                let bytes = match codec.decode(bytes) {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        let n_garbage = shared.count_garbage();
                        warn!(link = end.id.0, n_bytes, n_garbage, %error, "closed");
                        return Next::Close;
                    }
                };
                let taken = match shared.question(end.id, &bytes) {
                    None => shared.receive(end.id, bytes),
                    Some(question) => {
                        let verdict = callbacks::ask(&shared.options, &question).await;
                        shared.receive_judged(end.id, bytes, verdict)
                    }
                };
                match taken {
                    Ok(still_fresh) => *is_fresh = still_fresh,
                    Err(violation) => {
                        let n_garbage = shared.count_garbage();
                        warn!(link = end.id.0, n_bytes, n_garbage, %violation, "closed");
                        return Next::Close;
                    }
                }
            }
            Some(Ok(Message::Text(_))) => {
                let n_garbage = shared.count_garbage();
                warn!(link = end.id.0, n_garbage, "a text frame: closed");
                return Next::Close;
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(_))) => return Next::Close,
            Some(Err(_)) | None => return Next::Drop,
        }
        if n_taken == MAX_BATCH {
            return Next::Go;
        }
        message = match socket.next().now_or_never() {
            Some(next) => next,
            None => return Next::Go,
        };
    }
}

/// Writes `first` and what else is ready, with one flush.
async fn write(socket: &mut Socket, end: &mut LinkEnd, codec: &mut Codec, first: Post) -> Next {
    let mut next = Some(first);
    let mut n_posts = 0;
    let mut is_over = false;
    while let Some(post) = next {
        n_posts += 1;
        match post {
            Post::Close => {
                is_over = true;
                break;
            }
            Post::Compress(lz4) => codec.start(lz4),
            Post::Cut => return Next::Drop,
            Post::Frame(bytes) => {
                let Ok(bytes) = codec.encode(bytes) else {
                    warn!(link = end.id.0, "a frame is too long to be compressed: cut");
                    return Next::Drop;
                };
                if socket.feed(Message::Binary(bytes)).await.is_err() {
                    return Next::Drop;
                }
            }
        }
        next = end.try_next();
    }
    if socket.flush().await.is_err() {
        return Next::Drop;
    }
    end.written(n_posts);
    if is_over { Next::Close } else { Next::Go }
}

/// Closes, and waits for the client to have read it: a socket dropped with unread input would take our last words along.
async fn goodbye(mut socket: Socket) {
    let farewell = async {
        if socket.close(None).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    if timeout(GOODBYE, farewell).await.is_err() {
        debug!("a client did not answer the goodbye");
    }
}

//! One WebSocket connection: frames in, posts out.
//!
//! What is ready is taken as one batch, answered, and flushed once.

mod asking;
mod codec;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
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

use self::{asking::Asking, codec::Codec};
use crate::{
    shared::{LinkEnd, Shared},
    world::{Post, ViolationError},
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

async fn talk(mut socket: Socket, end: &mut LinkEnd, shared: &Arc<Shared>) {
    let deadline = Instant::now() + shared.options.provision_timeout;
    let mut is_fresh = true;
    let mut codec = Codec::default();
    let mut asking = Asking::default();
    loop {
        let next = tokio::select! {
            post = end.next() => match post {
                Some(post) => write(&mut socket, end, &mut codec, post).await,
                None => Next::Drop,
            },
            message = socket.next(), if !asking.is_full() => {
                let mut reader = Reader {
                    socket: &mut socket,
                    end,
                    shared,
                    codec: &mut codec,
                    asking: &mut asking,
                    is_fresh: &mut is_fresh,
                };
                reader.read(message).await
            }
            verdict = asking.verdict() => match asking.judged(end.id, shared, verdict) {
                Ok(()) => Next::Go,
                Err(violation) => violated(end, shared, &violation),
            },
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

/// What reading a batch takes.
struct Reader<'a> {
    socket: &'a mut Socket,
    end: &'a LinkEnd,
    shared: &'a Arc<Shared>,
    codec: &'a mut Codec,
    asking: &'a mut Asking,
    is_fresh: &'a mut bool,
}

impl Reader<'_> {
    /// Takes `first` and what else is ready.
    async fn read(&mut self, first: Option<Result<Message, Error>>) -> Next {
        let mut message = first;
        for n in 1.. {
            match message {
                Some(Ok(Message::Binary(bytes))) => {
                    if let Err(next) = self.take(bytes) {
                        return next;
                    }
                }
                Some(Ok(Message::Text(_))) => {
                    let n_garbage = self.shared.count_garbage();
                    warn!(link = self.end.id.0, n_garbage, "a text frame: closed");
                    return Next::Close;
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) => return self.leave(Next::Close).await,
                Some(Err(_)) | None => return self.leave(Next::Drop).await,
            }
            // Looked at before the next one is taken off the socket: nobody else would have it.
            if n == MAX_BATCH || self.asking.is_full() {
                break;
            }
            message = match self.socket.next().now_or_never() {
                Some(next) => next,
                None => break,
            };
        }
        Next::Go
    }

    /// Takes a frame, or says how the link goes on without it.
    fn take(&mut self, bytes: Bytes) -> Result<(), Next> {
        let n_bytes = bytes.len();
        let bytes = self.codec.decode(bytes).map_err(|error| {
            let n_garbage = self.shared.count_garbage();
            warn!(link = self.end.id.0, n_bytes, n_garbage, %error, "closed");
            Next::Close
        })?;
        match self.asking.take(self.end.id, self.shared, bytes) {
            Ok(still_fresh) => {
                *self.is_fresh = still_fresh;
                Ok(())
            }
            Err(violation) => Err(violated(self.end, self.shared, &violation)),
        }
    }

    /// The client has gone: what it said before is taken all the same.
    async fn leave(&mut self, next: Next) -> Next {
        match self.asking.finish(self.end.id, self.shared).await {
            Ok(()) => next,
            Err(violation) => violated(self.end, self.shared, &violation),
        }
    }
}

/// The client has said what it must not say.
fn violated(end: &LinkEnd, shared: &Shared, violation: &ViolationError) -> Next {
    let n_garbage = shared.count_garbage();
    warn!(link = end.id.0, n_garbage, %violation, "closed");
    Next::Close
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

//! Attachments over HTTP: upload in one piece or in parts, and download.
//!
//! They stream, so they are answered beside the other paths, which read a whole body first.

mod download;
mod lifetime;
mod upload;

use easebot_model::AppKey;
use futures_util::TryStreamExt as _;
use http_body_util::BodyStream;
use hyper::{HeaderMap, Response, body::Incoming};
use tracing::{debug, error};

use super::{Body, call::Call, reply::Reply, screen, unknown, with_app};
use crate::{
    control::Endpoint, files::WriteError, refusal::HttpRefusal, shared::Shared, world::TokenOwner,
};

pub(super) use self::lifetime::set_lives;

/// Most bytes of a refused upload that are read and thrown away, so that the client gets to read why.
const MAX_DRAIN_BYTES: u64 = 1 << 30;

/// What is to be done with which file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Errand {
    /// Give an upload in parts up.
    Abort {
        id: String,
    },
    /// Begin an upload in parts.
    Begin,
    /// Put the parts together.
    Complete {
        id: String,
    },
    Download {
        uuid: String,
    },
    /// A download that was sent to another address.
    Fetch {
        uuid: String,
    },
    Part {
        id: String,
    },
    Upload,
}

impl Errand {
    /// What `call` is about; `None` when it is not about files.
    pub(super) fn of(call: &Call) -> Option<Self> {
        let of = |text: &str| text.to_owned();
        match (call.method.as_str(), call.path().as_slice()) {
            ("GET" | "HEAD", ["_storage", _, _, uuid]) => Some(Self::Fetch { uuid: of(uuid) }),
            ("GET" | "HEAD", [_, _, "chatfiles", uuid]) => Some(Self::Download { uuid: of(uuid) }),
            ("POST", [_, _, "chatfiles"]) => Some(Self::Upload),
            (method, [_, _, "sdk", "chatfiles", "part-upload", id @ ..]) => match (method, id) {
                ("POST", []) => Some(Self::Begin),
                ("DELETE", [id]) => Some(Self::Abort { id: of(id) }),
                ("POST", [id]) => Some(Self::Complete { id: of(id) }),
                ("PUT", [id]) => Some(Self::Part { id: of(id) }),
                _ => None,
            },
            _ => None,
        }
    }

    const fn endpoint(&self) -> Endpoint {
        match self {
            Self::Download { .. } | Self::Fetch { .. } => Endpoint::Download,
            Self::Abort { .. }
            | Self::Begin
            | Self::Complete { .. }
            | Self::Part { .. }
            | Self::Upload => Endpoint::Upload,
        }
    }
}

/// Does one errand.
pub(super) async fn answer(
    shared: &Shared,
    call: &Call,
    errand: &Errand,
    headers: &HeaderMap,
    mut body: Incoming,
    arrived_ms: u64,
) -> Response<Body> {
    let done = run(shared, call, errand, headers, &mut body).await;
    let response = match done {
        Ok(Done::File(response)) => response,
        Ok(Done::Reply(reply)) => {
            reply.complete(call, arrived_ms, shared.clock().now_ms()).into_response()
        }
        Err(refusal) => {
            drain(body).await;
            let reply = Reply::refused(refusal);
            reply.complete(call, arrived_ms, shared.clock().now_ms()).into_response()
        }
    };
    let status = response.status().as_u16();
    debug!(method = call.method, path = call.path.join("/"), status, "request about a file");
    response
}

/// What came of an errand.
enum Done {
    File(Response<Body>),
    Reply(Reply),
}

async fn run(
    shared: &Shared,
    call: &Call,
    errand: &Errand,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<Done, HttpRefusal> {
    let path = call.path();
    let (org, app, path) = match path.as_slice() {
        ["_storage", org, app, path @ ..] | [org, app, path @ ..] => (*org, *app, path),
        _ => return Err(unknown(call)),
    };
    let (key, caller) = with_app(shared, org, app, |app, cx| {
        screen(call, errand.endpoint(), path, app, cx)?;
        // A download needs no token; one that is there has to be good.
        let may_be_nobody = errand.endpoint() == Endpoint::Download && call.bearer().is_none();
        let caller = if may_be_nobody { None } else { Some(call.caller(app, cx)?) };
        Ok((app.key.clone(), caller))
    })?;
    let job = Job { shared, call, headers, key };
    match (errand, caller) {
        (Errand::Download { uuid }, _) => job.download(uuid).await.map(Done::File),
        (Errand::Fetch { uuid }, _) => job.fetch(uuid).await.map(Done::File),
        (Errand::Upload, _) => job.upload(body).await.map(Done::Reply),
        (_, Some(owner)) if shared.options.part_upload => {
            job.in_parts(errand, &owner, body).await.map(Done::Reply)
        }
        _ => Err(unknown(call)),
    }
}

/// One request that passed.
struct Job<'a> {
    shared: &'a Shared,
    call: &'a Call,
    headers: &'a HeaderMap,
    key: AppKey,
}

impl Job<'_> {
    /// A header, or the parameter of the same name.
    fn asked(&self, name: &str) -> Option<&str> {
        let header = self.headers.get(name).and_then(|value| value.to_str().ok());
        header.filter(|value| !value.is_empty()).or_else(|| self.call.param(name))
    }

    fn is_asked(&self, name: &str) -> bool {
        self.asked(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    async fn in_parts(
        &self,
        errand: &Errand,
        owner: &TokenOwner,
        body: &mut Incoming,
    ) -> Result<Reply, HttpRefusal> {
        match errand {
            Errand::Abort { id } => self.abort(id, owner),
            Errand::Begin => Ok(self.begin(owner)),
            Errand::Complete { id } => self.complete(id, owner).await,
            Errand::Part { id } => self.part(id, owner, body).await,
            Errand::Download { .. } | Errand::Fetch { .. } | Errand::Upload => {
                Err(unknown(self.call))
            }
        }
    }
}

/// Reads what a client still sends. Errors mean that it stopped.
async fn drain(body: Incoming) {
    let mut frames = BodyStream::new(body);
    let mut n_bytes = 0;
    while let Ok(Some(frame)) = frames.try_next().await {
        let n = frame.data_ref().map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
        n_bytes += n;
        if n_bytes > MAX_DRAIN_BYTES {
            return;
        }
    }
}

/// Why a file was not kept. Source of the words for "too large": Easemob's REST documentation.
fn not_written(error: &WriteError) -> HttpRefusal {
    match error {
        WriteError::Full { .. } => {
            HttpRefusal::new(507, "insufficient_storage", "the store of the emulator is full")
        }
        WriteError::Io(source) => {
            error!(error = %source, "a file could not be written");
            HttpRefusal::new(500, "internal_server_error", "the file could not be written")
        }
        WriteError::TooLarge { .. } => HttpRefusal::new(
            413,
            "file exceeding maximum limit",
            "the file size exceeds the maximum limit.",
        ),
    }
}

fn no_file() -> HttpRefusal {
    HttpRefusal::new(404, "entity_not_found", "file may not exists")
}

//! The HTTP side: REST of the apps, discovery, orders, and the door to the WebSocket.
//!
//! Requests are matched by hand on (method, path), because clients write methods in mixed case and paths carry the app.

mod call;
mod contacts;
mod conversations;
mod files;
mod groups;
mod history;
mod messages;
mod metadata;
mod misc;
mod orders;
mod places;
mod presence;
mod reactions;
mod reply;
mod rooms;
mod silent;
mod threads;
mod token;
mod users;
mod verbs;

use std::{io, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body as _, Incoming},
    header::{self, HeaderValue},
    upgrade::OnUpgrade,
};
use serde_json::json;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tracing::debug;

pub(crate) use self::messages::content::content as content_of;
use self::{call::Call, reply::Reply};
use crate::{
    control::Endpoint,
    refusal::HttpRefusal,
    shared::Shared,
    world::{App, Cx},
};

/// The body of an answer: in memory, or a file as it is read.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Largest body of a request.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Answers one request. The second part is the connection to talk on after an accepted upgrade.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    mut request: Request<Incoming>,
) -> (Response<Body>, Option<OnUpgrade>) {
    if request.uri().path() == "/websocket" {
        return match create_response_with_body(&request, || whole(Bytes::new())) {
            Ok(response) => (response, Some(hyper::upgrade::on(&mut request))),
            Err(error) => {
                debug!(%error, "no WebSocket handshake");
                let refusal =
                    HttpRefusal::new(426, "upgrade_required", "this path speaks WebSocket");
                (Reply::refused(refusal).into_response(), None)
            }
        };
    }
    let method = request.method().as_str().to_ascii_uppercase();
    let mut response = if method == Method::OPTIONS.as_str() {
        Response::new(whole(Bytes::new()))
    } else {
        rest(shared, method, request).await
    };
    allow_browsers(&mut response);
    (response, None)
}

async fn rest(shared: &Arc<Shared>, method: String, request: Request<Incoming>) -> Response<Body> {
    let arrived = shared.clock().now_ms();
    let (head, body) = request.into_parts();
    let call = Call::new(method, &head, &Bytes::new());
    if let Some(errand) = files::Errand::of(&call) {
        return files::answer(shared, &call, &errand, &head.headers, body, arrived).await;
    }
    // What it claims; what comes is counted as well.
    let is_too_large = body.size_hint().lower() > MAX_BODY_BYTES as u64;
    let body = if is_too_large {
        Err(too_large())
    } else {
        Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                return too_large();
            }
            HttpRefusal::new(
                400,
                "invalid_request_body",
                "the body of the request is cut off or malformed",
            )
        })
    };
    let (call, reply) = match body {
        Ok(body) => {
            let call = Call::new(call.method, &head, &body.to_bytes());
            let reply = route(shared, &call).unwrap_or_else(Reply::refused);
            (call, reply)
        }
        Err(refusal) => (call, Reply::refused(refusal)),
    };
    debug!(method = call.method, path = call.path.join("/"), status = reply.status(), "request");
    reply.complete(&call, arrived, shared.clock().now_ms()).into_response()
}

fn too_large() -> HttpRefusal {
    let text = format!("a request has at most {MAX_BODY_BYTES} bytes");
    HttpRefusal::new(413, "request_too_large", text)
}

/// A body that is in memory.
fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

fn route(shared: &Arc<Shared>, call: &Call) -> Result<Reply, HttpRefusal> {
    match call.path().as_slice() {
        ["easemob", "server.json"] => Ok(discovery(shared, call)),
        ["_emulator", order] => orders::route(shared, call, order),
        [org, app, "users", user, "chatfiles", "lifetime"] if call.method == "PUT" => {
            files::set_lives(shared, call, org, app, user)
        }
        [org, app, path @ ..] => with_app(shared, org, app, |app, cx| {
            screen(call, Endpoint::Any, path, app, cx)?;
            call.require_json(path)?;
            app_route(call, path, app, cx)
        }),
        _ => Err(unknown(call)),
    }
}

/// What `f` makes of the app that a path names.
fn with_app<T>(
    shared: &Shared,
    org: &str,
    app: &str,
    f: impl FnOnce(&mut App, &mut Cx<'_>) -> Result<T, HttpRefusal>,
) -> Result<T, HttpRefusal> {
    let not_found = || {
        let text = format!("Could not find application for {org}/{app} from URI");
        HttpRefusal::new(404, "organization_application_not_found", text)
    };
    let key = format!("{org}#{app}").parse().map_err(|_| not_found())?;
    shared.with_app(&key, f).ok_or_else(not_found)?
}

/// Refuses a request if that was ordered.
fn screen(
    call: &Call,
    endpoint: Endpoint,
    path: &[&str],
    app: &App,
    cx: &mut Cx<'_>,
) -> Result<(), HttpRefusal> {
    let user = call.user(app, cx);
    if let Some(refusal) = cx.faults.request_of(endpoint, user.as_ref(), &path.join("/")) {
        return Err(refusal);
    }
    if !cx.faults.request_rates.allow(cx.now, user.as_ref()) {
        let text = "This request has reached api limit";
        return Err(HttpRefusal::new(429, "reach_limit", text));
    }
    Ok(())
}

/// Everything below `/{org}/{app}/`.
fn app_route(
    call: &Call,
    path: &[&str],
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let method = call.method.as_str();
    match path {
        ["token"] => token::route(method, call, app, cx),
        ["sdk", "users", user, "token", "expires"] => token::expires(call, app, cx, user),
        ["sdk", "users", _, "client", "logs"] => Ok(Reply::bare(json!({ "status": "ok" }))),
        ["users", _, "joined_chatgroups"]
        | ["chatgroups" | "publicchatgroups", ..]
        | ["sdk", "chatgroups", ..] => groups::route(method, path, call, app, cx),
        ["users", _, "joined_chatrooms"] | ["chatrooms", ..] | ["sdk", "chatrooms", ..] => {
            rooms::route(method, path, call, app, cx)
        }
        ["users" | "user", _, "contacts" | "blocks", ..] | ["sdk", "user", _, "blocks"] => {
            contacts::route(method, path, call, app, cx)
        }
        ["users", _, "messageroaming"] | ["sdk" | "rest", "message", ..] => {
            history::route(method, path, call, app, cx)
        }
        ["users" | "user", _, "user_channel" | "user_channels" | "user_channels_list", ..]
        | ["sdk", "user", _, "user_channel" | "user_channels", ..] => {
            conversations::route(method, path, call, app, cx)
        }
        ["users", _, "presence", ..] | ["presence", ..] => {
            presence::route(method, path, call, app, cx)
        }
        ["reaction", ..] => reactions::route(method, path, call, app, cx),
        ["thread" | "threads", ..] => threads::route(method, path, call, app, cx),
        ["metadata", ..] | ["sdk", "metadata", ..] => metadata::route(method, path, call, app, cx),
        ["users", _, "notification", ..] => silent::route(method, path, call, app, cx),
        ["translate" | "mutes", ..]
        | ["users", _, "translate", ..]
        | ["user" | "users", _, "moderation", ..] => misc::route(method, path, call, app, cx),
        ["users", ..] => users::route(method, path, call, app, cx),
        ["messages" | "stream_message", ..] => messages::route(method, path, call, app, cx),
        _ => Err(unknown(call)),
    }
}

/// "There is no such path", or none for this verb, for a handler that ran out of patterns too.
fn unknown(call: &Call) -> HttpRefusal {
    if verbs::is_wrong(call) {
        let text = format!("{} is not allowed here", call.method);
        return HttpRefusal::new(405, "method_not_allowed", text);
    }
    let text = format!("Service resource not found: {} /{}", call.method, call.path.join("/"));
    HttpRefusal::new(404, "service_resource_not_found", text)
}

/// The file that tells an SDK where everything is: here, whatever app it asks for.
fn discovery(shared: &Shared, call: &Call) -> Reply {
    let (domain, port) = call.host.rsplit_once(':').unwrap_or((call.host.as_str(), "80"));
    let host = json!({
        "protocol": "http", "domain": domain, "ip": "", "port": port, "channel": 1, "priority": "1",
    });
    let hosts = json!({ "hosts": [host] });
    let asked = call.param("app_key").filter(|key| key.contains('#'));
    let first = shared.with(|world, _| world.first_app().to_string());
    Reply::bare(json!({
        "file_version": "1",
        "deploy_name": "emulator",
        "app_key": asked.map_or(first, ToOwned::to_owned),
        "rest": hosts,
        "msync-wx": hosts,
        "msync-ws": hosts,
        "enableReportLogs": "false",
        "enableDataReport": "false",
        "uploadinparts_enable": shared.options.part_upload.to_string(),
    }))
}

/// Lets pages of any origin read the answer.
fn allow_browsers(response: &mut Response<Body>) {
    const ALLOWED: [(header::HeaderName, HeaderValue); 5] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS"),
        ),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(
                "authorization, content-type, accept, if-range, range, restrict-access, share-secret, \
                 thumbnail, thumbnail-height, thumbnail-width, x-requested-with",
            ),
        ),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("accept-ranges, content-length, content-range, etag"),
        ),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
    ];
    response.headers_mut().extend(ALLOWED);
}

/// The status of `code`, which is one of ours.
fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

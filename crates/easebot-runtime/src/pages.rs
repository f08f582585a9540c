//! The HTTP side of a runtime as a service, for a server of its own or of somebody else.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Router,
    extract::ConnectInfo,
    http::{Extensions, Request, Response},
};
use bytes::Bytes;
use easebot_plugin::BoxError;
use http_body::{Body, Frame, SizeHint};
use tower_service::Service;

/// The HTTP side of a runtime as a `tower` service: `/healthz`, `/readyz`, `/metrics` if there is
/// [something to show](crate::RuntimeOptions::metrics), and the hooks of plugins at their paths. What is not there is 404.
///
/// A service that has a server of its own mounts it, and leaves [`RuntimeOptions::http`](crate::RuntimeOptions::http) out:
///
/// ```no_run
/// # fn mount(handle: &easebot_runtime::Handle) -> axum::Router {
/// axum::Router::new()
///     .route("/", axum::routing::get(|| async { "the shop" }))
///     .nest_service("/bots", handle.pages()) // a hook at `/hooks/x` is now at `/bots/hooks/x`
/// # }
/// ```
///
/// It is always ready and never fails. All pages of a runtime, those at `RuntimeOptions::http` among them, take 256 requests for
/// plugins at the same time together, and answer 503 to what comes more. A request has 30 s to come in whole, and its plugin
/// 30 s to answer it. How many connections there may be, and how long the head of a request may take, is the server's affair.
///
/// Whom a request comes from is what the server has put into its extensions: an `axum::extract::ConnectInfo<SocketAddr>`, or a
/// `SocketAddr` as it is; without both it is `0.0.0.0:0`. Pages may be read by whoever can reach them, so mount them where
/// strangers do not come, or behind a layer that asks who it is; hooks have secrets of their own.
///
/// Once the runtime has ended, hooks are gone and `/readyz` answers 503.
#[derive(Clone)]
pub struct Pages {
    router: Router,
}

/// The body of an answer.
pub struct PageBody(axum::body::Body);

/// Where a request comes from that does not say so.
const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

impl Pages {
    pub(crate) const fn new(router: Router) -> Self {
        Self { router }
    }
}

/// The last hop of a request with these extensions.
pub(crate) fn caller(extensions: &Extensions) -> SocketAddr {
    let connection = extensions.get::<ConnectInfo<SocketAddr>>().map(|connection| connection.0);
    connection.or_else(|| extensions.get().copied()).unwrap_or(NOBODY)
}

impl<B> Service<Request<B>> for Pages
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<PageBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = self.router.call(request);
        Box::pin(async { answer.await.map(|answer| answer.map(PageBody)) })
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

impl Body for PageBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.0).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for PageBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageBody").field("size", &self.0.size_hint()).finish()
    }
}

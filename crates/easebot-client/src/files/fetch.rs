//! One download on its way.

use std::{error::Error, time::Duration};

use easebot_model::{Attachment, Secret};
use easebot_rest::{Answer, Class};
use reqwest::{Response, header};
use tokio::time::timeout;
use tracing::debug;
use url::Url;

use super::{
    ClaimedLength, DownloadError, DownloadOptions, Variant,
    place::{Place, is_http},
    range::{Range, range_of},
    sink::Sink,
};
use crate::{ApiError, Caller, HttpError, Meaning, Retry, caller::with_token, rest::retry_after};

/// How long a server has to begin its answer, and how long nothing may come before a download counts as broken off.
const PATIENCE: Duration = Duration::from_secs(60);

/// [`PATIENCE`] is what limits a download; as a whole it may take a day.
const TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// What one request has to bring so that earlier failures are forgotten.
const PROGRESS_BYTES: u64 = 1024 * 1024;

/// Most redirects in a row.
const MAX_REDIRECTS: u32 = 5;

/// How much is read of an answer that stands where a file should be.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// One download on its way.
pub(super) struct Fetch<'a> {
    pub(super) caller: &'a Caller,
    pub(super) attachment: &'a Attachment,
    pub(super) options: &'a DownloadOptions,
    pub(super) sink: Sink<'a>,
    /// What an earlier call had left, as far as it is still there.
    pub(super) resumed_bytes: u64,
    /// What the server calls this very content.
    pub(super) tag: Option<header::HeaderValue>,
    pub(super) total_bytes: Option<u64>,
    pub(super) content_type: Option<String>,
}

/// What became of one request.
enum Round {
    /// There is more to come.
    Again,
    /// All of it is there.
    Done,
}

impl Fetch<'_> {
    pub(super) async fn run(&mut self) -> Result<(), DownloadError> {
        let failed = |source| DownloadError::Call { source };
        let mut tries = self.caller.tries();
        loop {
            let rest = self.caller.rest().await.map_err(failed)?;
            let host = rest.host();
            let app_key = self.caller.app_key();
            let place = Place::of(self.attachment, self.options.variant, app_key, rest)?;
            let token = match place.own {
                Some(_) => Some(self.caller.token(rest).await.map_err(failed)?),
                None if self.options.other_hosts => None,
                None => {
                    let host = place.url.host_str().unwrap_or_default().to_owned();
                    return Err(DownloadError::OtherHost { host });
                }
            };
            self.caller.turn(Class::Files).await.map_err(failed)?;
            let n_before = self.sink.n_bytes();
            let result = self.round(&place, token.as_ref()).await;
            let is_progress = self.sink.n_bytes() >= n_before.saturating_add(PROGRESS_BYTES);
            if is_progress {
                tries.forget();
            }
            match (result, token) {
                (Ok(Round::Done), _) => return self.sink.flush().await,
                (Ok(Round::Again), _) if is_progress => {}
                (Ok(Round::Again), _) => {
                    let Some(after) = tries.delay(Retry::LATER) else { return Err(self.endless()) };
                    tokio::time::sleep(after).await;
                }
                (Err(DownloadError::Call { source }), Some(token)) => {
                    self.caller.learn(Class::Files, rest, &host, &source);
                    let mended = self.caller.mend(&mut tries, rest, &token, source, true).await;
                    mended.map_err(failed)?;
                }
                (Err(error), token) if error.is_passing() => {
                    if token.is_some() {
                        rest.failed_at(&host);
                    }
                    let Some(after) = tries.delay(error.retry()) else { return Err(error) };
                    debug!(error = &error as &dyn Error, ?after, "a download goes on");
                    tokio::time::sleep(after).await;
                }
                (Err(error), _) => return Err(error),
            }
        }
    }

    async fn round(
        &mut self,
        place: &Place,
        token: Option<&Secret>,
    ) -> Result<Round, DownloadError> {
        // The files of the service never change; under any other address may be another content by now.
        if place.own.is_none() && self.tag.is_none() {
            self.restart().await?;
        }
        let from = self.sink.n_bytes();
        let (mut response, url) = self.open(place, token, from).await?;
        let range = range_of(response.status().as_u16(), response.headers(), from);
        let mut n_skipped = 0;
        match range {
            Range::Nothing => return self.end().map(|()| Round::Done),
            Range::Other if from > 0 => {
                self.restart().await?;
                return Ok(Round::Again);
            }
            Range::Other => {
                return Err(DownloadError::Refused { status: response.status().as_u16() });
            }
            Range::Rest { total_bytes } if self.is_changed(&response, total_bytes) => {
                self.restart().await?;
                return Ok(Round::Again);
            }
            Range::Rest { total_bytes } => self.learn(&response, total_bytes)?,
            Range::Whole { total_bytes } => {
                let may_skip = place.own.is_some() && !self.is_changed(&response, total_bytes);
                if may_skip && matches!(self.sink, Sink::Writer { .. }) {
                    n_skipped = from;
                } else if from > 0 {
                    self.restart().await?;
                }
                self.learn(&response, total_bytes)?;
            }
        }
        let broken = |n_bytes, source| {
            let host = Box::new(origin_of(&url));
            DownloadError::Unreachable { host, n_bytes, source }
        };
        loop {
            let n_bytes = self.sink.n_bytes();
            let chunk = match timeout(PATIENCE, response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => break,
                Ok(Err(source)) => {
                    return Err(broken(n_bytes, HttpError::from_reqwest(source, TIMEOUT)));
                }
                Err(_) => return Err(broken(n_bytes, HttpError::TimedOut { limit: PATIENCE })),
            };
            let n_skip = usize::try_from(n_skipped).unwrap_or(usize::MAX).min(chunk.len());
            n_skipped -= n_skip as u64;
            self.write(chunk.get(n_skip..).unwrap_or_default()).await?;
        }
        // A server may give less than was asked for; then the rest is asked for.
        let is_cut = self.total_bytes.is_some_and(|total| self.sink.n_bytes() < total);
        if is_cut && self.sink.n_bytes() > from {
            return Ok(Round::Again);
        }
        self.end().map(|()| Round::Done)
    }

    /// Asks for everything from byte `from` on and follows redirects; says who answered. Takes `&mut self`, so that a writer
    /// need not be `Sync`.
    async fn open(
        &mut self,
        place: &Place,
        token: Option<&Secret>,
        from: u64,
    ) -> Result<(Response, Url), DownloadError> {
        let mut url = place.url.clone();
        let mut n_redirects = 0;
        loop {
            let unreachable = |source| {
                let host = Box::new(origin_of(&url));
                DownloadError::Unreachable { host, n_bytes: from, source }
            };
            let client = self.caller.http().client(&url).await.map_err(unreachable)?;
            let mut request = client
                .get(url.clone())
                .timeout(TIMEOUT)
                .header(header::ACCEPT, "*/*")
                .header(header::ACCEPT_ENCODING, "identity");
            let own = place.own.as_ref().filter(|_| n_redirects == 0);
            if let (Some(secret), Some(token)) = (own, token) {
                request = with_token(request, token);
                if let Some(secret) = secret {
                    request = request.header("share-secret", secret.reveal());
                }
            }
            if from > 0 {
                request = request.header(header::RANGE, format!("bytes={from}-"));
                if let Some(tag) = &self.tag {
                    request = request.header(header::IF_RANGE, tag);
                }
            }
            let response = match timeout(PATIENCE, request.send()).await {
                Ok(Ok(response)) => response,
                Ok(Err(source)) => {
                    return Err(unreachable(HttpError::from_reqwest(source, PATIENCE)));
                }
                Err(_) => return Err(unreachable(HttpError::TimedOut { limit: PATIENCE })),
            };
            match response.status().as_u16() {
                200..=299 | 416 => return Ok((response, url)),
                301..=303 | 307 | 308 => {
                    n_redirects += 1;
                    let target = location(&url, &response).filter(is_http);
                    let target = target.filter(|_| n_redirects <= MAX_REDIRECTS);
                    url = target.ok_or(DownloadError::Redirects { n_redirects })?;
                }
                _ => return Err(refusal(response, own.is_some()).await),
            }
        }
    }

    /// Learns from the head of an answer, and checks its length before anything is written.
    fn learn(
        &mut self,
        response: &Response,
        total_bytes: Option<u64>,
    ) -> Result<(), DownloadError> {
        self.tag = tag_of(response);
        let content_type = response.headers().get(header::CONTENT_TYPE);
        self.content_type =
            content_type.and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
        if total_bytes.is_some() {
            self.total_bytes = total_bytes;
        }
        let Some(total_bytes) = total_bytes else { return Ok(()) };
        self.check_at_most(total_bytes)?;
        match self.claimed() {
            (ClaimedLength::Exact, claimed) => check_equal(claimed, total_bytes),
            _ => Ok(()),
        }
    }

    /// Whether an answer is about another content than what is there already.
    fn is_changed(&self, response: &Response, total_bytes: Option<u64>) -> bool {
        let differs =
            |old: Option<u64>| total_bytes.is_some_and(|new| old.is_some_and(|old| old != new));
        let tag = tag_of(response);
        differs(self.total_bytes)
            || (self.tag.is_some() && tag.is_some() && tag != self.tag)
            || total_bytes.is_some_and(|total| total < self.sink.n_bytes())
    }

    async fn write(&mut self, chunk: &[u8]) -> Result<(), DownloadError> {
        if chunk.is_empty() {
            return Ok(());
        }
        let n_bytes = self.sink.n_bytes().saturating_add(chunk.len() as u64);
        self.check_at_most(n_bytes)?;
        if let Some(expected_bytes) = self.total_bytes.filter(|total| n_bytes > *total) {
            return Err(DownloadError::LengthMismatch { expected_bytes, got_bytes: n_bytes });
        }
        self.sink.write(chunk).await?;
        self.options.on_progress.say(n_bytes, self.total_bytes);
        Ok(())
    }

    async fn restart(&mut self) -> Result<(), DownloadError> {
        self.sink.restart().await?;
        (self.resumed_bytes, self.tag, self.total_bytes) = (0, None, None);
        Ok(())
    }

    /// What is wrong with a server that never comes to an end.
    const fn endless(&self) -> DownloadError {
        match self.total_bytes {
            Some(expected_bytes) => {
                DownloadError::LengthMismatch { expected_bytes, got_bytes: self.sink.n_bytes() }
            }
            None => DownloadError::Changed,
        }
    }

    /// Whether what is there is as long as it has to be.
    fn end(&self) -> Result<(), DownloadError> {
        let got_bytes = self.sink.n_bytes();
        self.check_at_most(got_bytes)?;
        if let Some(total_bytes) = self.total_bytes {
            check_equal(total_bytes, got_bytes)?;
        }
        match self.claimed() {
            (ClaimedLength::Exact, claimed) => check_equal(claimed, got_bytes),
            _ => Ok(()),
        }
    }

    fn check_at_most(&self, n_bytes: u64) -> Result<(), DownloadError> {
        let limit_bytes = self.options.limit_bytes;
        if n_bytes > limit_bytes {
            return Err(DownloadError::TooLarge { limit_bytes, n_bytes });
        }
        match self.claimed() {
            (ClaimedLength::Exact | ClaimedLength::Limit, claimed) if n_bytes > claimed => {
                Err(DownloadError::LengthMismatch { expected_bytes: claimed, got_bytes: n_bytes })
            }
            _ => Ok(()),
        }
    }

    /// What the length in the message is worth, and the length. It says nothing about what the server makes of a file.
    const fn claimed(&self) -> (ClaimedLength, u64) {
        match (self.options.variant, self.attachment.length_bytes) {
            (Variant::Original, Some(claimed)) => (self.options.claimed, claimed),
            _ => (ClaimedLength::Ignored, 0),
        }
    }
}

const fn check_equal(expected_bytes: u64, got_bytes: u64) -> Result<(), DownloadError> {
    if expected_bytes == got_bytes {
        Ok(())
    } else {
        Err(DownloadError::LengthMismatch { expected_bytes, got_bytes })
    }
}

/// A tag that stands for the very bytes; weak ones do not.
fn tag_of(response: &Response) -> Option<header::HeaderValue> {
    let tag = response.headers().get(header::ETAG)?;
    tag.as_bytes().starts_with(b"\"").then(|| tag.clone())
}

fn location(base: &Url, response: &Response) -> Option<Url> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    base.join(location).ok()
}

/// The server in `url`, without what may be secret.
fn origin_of(url: &Url) -> Url {
    Url::parse(&url.origin().ascii_serialization()).unwrap_or_else(|_| {
        let mut url = url.clone();
        url.set_query(None);
        url
    })
}

/// What an answer says that is no file.
async fn refusal(mut response: Response, is_own: bool) -> DownloadError {
    let status = response.status().as_u16();
    let after = retry_after(response.headers());
    let mut body = Vec::new();
    // What cannot be read says nothing; the status does.
    while let Ok(Ok(Some(chunk))) = timeout(PATIENCE, response.chunk()).await {
        if body.len() + chunk.len() > MAX_REFUSAL_BYTES {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    let error = ApiError::refused(&Answer { status, retry_after: after, body: body.into() });
    match (status, error.meaning()) {
        (_, Some(Meaning::Expired)) | (410, _) => DownloadError::Expired,
        (
            _,
            Some(
                Meaning::Conflict
                | Meaning::RateLimited
                | Meaning::ServerTrouble
                | Meaning::TokenRefused,
            ),
        ) if is_own => DownloadError::Call { source: error },
        (_, Some(Meaning::RateLimited | Meaning::ServerTrouble)) => {
            DownloadError::Server { status, after }
        }
        (401 | 403, _) => DownloadError::Forbidden,
        (404, _) => DownloadError::NotFound,
        _ => DownloadError::Refused { status },
    }
}

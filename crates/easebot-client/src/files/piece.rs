//! One request of an upload: a piece of the content in a form.

use std::{pin::pin, time::Duration};

use aws_lc_rs::digest::Context;
use easebot_model::Secret;
use easebot_rest::{Answer, Class};
use reqwest::{Body, Method, header};
use tokio::time::Instant;
use url::Url;

use super::{
    Shared, UploadError,
    body::{FileField, Form, pump},
    chunks::Chunks,
    source::Content,
    upload::{Job, MAX_ANSWER_BYTES, TIMEOUT},
};
use crate::{
    ApiError, Rest,
    caller::{no_answer, with_token},
    rest,
};

/// Where one piece goes.
#[derive(Debug)]
pub(super) struct Target<'a> {
    method: Method,
    /// Below `/{org}/{app}`.
    path: &'a [&'a str],
    pub(super) query: Vec<(&'static str, String)>,
    /// Short fields of the form.
    pub(super) fields: Vec<(&'static str, String)>,
    file: FileField<'a>,
}

impl<'a> Target<'a> {
    pub(super) fn new(
        method: Method,
        field: &'static str,
        path: &'a [&'a str],
        job: &Job<'a>,
    ) -> Self {
        let file = FileField { field, name: job.name, content_type: job.content_type };
        Self { method, path, query: Vec::new(), fields: Vec::new(), file }
    }
}

/// A part of the content, or all of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) start: u64,
    pub(super) n_bytes: u64,
}

/// A piece that is up.
pub(super) struct Taken {
    pub(super) answer: Answer,
    /// The server that has it.
    pub(super) host: Url,
    /// How long the request took that brought it up.
    pub(super) within: Duration,
}

/// At which server, as whom.
struct At<'a> {
    rest: &'a Rest,
    host: Url,
    token: &'a Secret,
}

impl Shared {
    /// Sends one piece until it is taken or there is no point in going on.
    pub(super) async fn send_piece(
        &self,
        target: &Target<'_>,
        mut content: Content<'_>,
        piece: Piece,
        job: &Job<'_>,
    ) -> Result<Taken, UploadError> {
        let failed = |error| UploadError::of(error, job.n_bytes);
        let mut tries = self.caller.tries();
        loop {
            let rest = self.caller.rest().await.map_err(failed)?;
            let token = self.caller.token(rest).await.map_err(failed)?;
            self.caller.turn(Class::Files).await.map_err(failed)?;
            let at = At { rest, host: rest.host(), token: &token };
            let begun = Instant::now();
            let result = match &mut content {
                Content::Again(source) => {
                    let mut chunks = source.open(piece.start).await?;
                    self.try_piece(target, &at, &mut chunks, &mut None, piece, job).await
                }
                Content::Once { chunks, hash } => {
                    self.try_piece(target, &at, chunks, hash, piece, job).await
                }
            };
            let error = match result {
                Ok(answer) => {
                    return Ok(Taken { answer, host: at.host, within: begun.elapsed() });
                }
                Err(UploadError::Call { source }) => source,
                Err(error) => return Err(error),
            };
            self.caller.learn(Class::Files, rest, &at.host, &error);
            if let Content::Once { .. } = content {
                return Err(failed(error));
            }
            self.caller.mend(&mut tries, rest, &token, error, true).await.map_err(failed)?;
        }
    }

    async fn try_piece(
        &self,
        target: &Target<'_>,
        at: &At<'_>,
        chunks: &mut Chunks,
        hash: &mut Option<Context>,
        piece: Piece,
        job: &Job<'_>,
    ) -> Result<Answer, UploadError> {
        let mut n_read = 0;
        let mut see = |chunk: &[u8]| {
            if let Some(hash) = hash {
                hash.update(chunk);
            }
            n_read += chunk.len() as u64;
            job.sent(chunk.len() as u64);
        };
        let result = self.post(target, at, chunks, piece.n_bytes, &mut see).await;
        if result.is_err() {
            job.unsent(n_read);
        }
        result
    }

    /// One request. The content is read as fast as the connection takes it, and no further once the server has answered.
    async fn post(
        &self,
        target: &Target<'_>,
        at: &At<'_>,
        chunks: &mut Chunks,
        n_bytes: u64,
        see: &mut (impl FnMut(&[u8]) + Send),
    ) -> Result<Answer, UploadError> {
        let host = &at.host;
        let unreachable = |source| UploadError::Call { source: no_answer(host, source) };
        let mut url = at.rest.url_at(host, target.path.iter().copied());
        if !target.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&target.query);
        }
        let client = self.caller.http().client(&url).await.map_err(unreachable)?;
        let form =
            target.fields.iter().fold(Form::new(), |form, (field, value)| form.text(field, value));
        let content_type = form.content_type();
        let (body, sink) = form.with_file(target.file, n_bytes);
        let request = with_token(client.request(target.method.clone(), url), at.token)
            .header("restrict-access", "true")
            .header(header::ACCEPT, "*/*")
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::wrap(body));
        let mut answer = pin!(rest::answer_within(request, MAX_ANSWER_BYTES, TIMEOUT));
        let mut pump = pin!(pump(chunks, n_bytes, sink, see));
        let mut is_read = false;
        let answer = loop {
            tokio::select! {
                answer = &mut answer => break answer.map_err(unreachable)?,
                result = &mut pump, if !is_read => {
                    result?;
                    is_read = true;
                }
            }
        };
        match answer.status {
            200..=299 => Ok(answer),
            _ => Err(UploadError::Call { source: ApiError::refused(&answer) }),
        }
    }
}

//! A process that asks nobody, because it tries out what others wrote.

use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::{CallError, Request};

/// What stands in for a server's answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StandIn {
    /// Its status; one that is none becomes 500.
    pub status: u16,
    /// Its headers. One whose name or value cannot stand in an answer is left out.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

type Answers = Box<dyn Fn(&Request) -> Option<StandIn> + Send + Sync>;

// tidy: global because a process that must stay inside must not have a way round it
static ANSWERS: RwLock<Option<Answers>> = RwLock::new(None);

/// From now on no call of this process leaves it: `answer` stands in for all servers, and what it does not answer is
/// [`CallError::Inside`]. Called again, it is the new one that stands in.
pub fn stay_inside(answer: impl Fn(&Request) -> Option<StandIn> + Send + Sync + 'static) {
    *ANSWERS.write().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(answer));
}

/// What stands in for the answer to `request`; none in a process that asks.
pub(crate) fn answer(
    request: &Request,
    limit_bytes: usize,
) -> Option<Result<Response<Bytes>, CallError>> {
    let answers = ANSWERS.read().unwrap_or_else(PoisonError::into_inner);
    let Some(StandIn { status, headers, body }) = answers.as_ref()?(request) else {
        return Some(Err(CallError::Inside));
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if body.len() > limit_bytes {
        return Some(Err(CallError::TooLong { limit_bytes, status }));
    }
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    Some(Ok(response))
}

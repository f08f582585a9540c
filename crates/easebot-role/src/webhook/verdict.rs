//! What the answer of an endpoint means.

use std::time::Duration;

use bytes::Bytes;
use easebot_http::CallError;
use easebot_model::{Timestamp, chain};
use easebot_plugin::PluginError;
use http::{Response, StatusCode};

use super::{Answer, pace::retry_after};

/// How a try went.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The endpoint took it, and may have said something.
    Taken { answer: Answer },
    /// A further try has a point. An endpoint that `is_down` is left alone for a while.
    Failed { status: Option<u16>, reason: String, asked: Option<Duration>, is_down: bool },
    /// The endpoint will never take it.
    Refused { status: Option<u16>, reason: String },
    /// The endpoint takes nothing any more.
    Gone,
}

impl Verdict {
    /// Source: the Standard Webhooks specification, "status codes".
    pub(crate) fn of(result: Result<Answer, CallError>, now: Timestamp) -> Self {
        let response = match result {
            Ok(response) => response,
            // The endpoint has taken it, and what it says is not read: another try would be answered in the same way.
            Err(error @ CallError::TooLong { status, .. }) if status.is_success() => {
                let reason = format!("the answer cannot be read: {error}");
                return Self::Refused { status: Some(status.as_u16()), reason };
            }
            // A long page about its failure is a failure like any other.
            Err(CallError::TooLong { status, .. }) => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = status;
                response
            }
            Err(error) => {
                let reason = chain(&error);
                return Self::Failed { status: None, reason, asked: None, is_down: true };
            }
        };
        let status = response.status();
        let reason = format!("the endpoint answered {status}");
        let number = Some(status.as_u16());
        let is_down = matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        ) || status.is_server_error();
        if status.is_success() {
            Self::Taken { answer: response }
        } else if status == StatusCode::GONE {
            Self::Gone
        } else if status.is_client_error() && !is_down {
            Self::Refused { status: number, reason }
        } else {
            let asked = retry_after(response.headers(), now);
            let reason = match status.is_redirection() {
                true => format!("{reason}; redirections are not followed"),
                false => reason,
            };
            Self::Failed { status: number, reason, asked, is_down }
        }
    }

    /// The plugin itself could not do its part, before the request or, if there is a `status`, after the answer.
    pub(crate) fn of_plugin(error: &PluginError, status: Option<StatusCode>) -> Self {
        let (status, reason) = (status.map(|status| status.as_u16()), error.chain());
        if error.is_permanent() {
            Self::Refused { status, reason }
        } else {
            Self::Failed { status, reason, asked: None, is_down: false }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::RETRY_AFTER};

    use super::*;

    fn verdict(status: u16) -> Verdict {
        let mut response = Response::new(Bytes::from_static(b"{}"));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("7"));
        Verdict::of(Ok(response), Timestamp(0))
    }

    #[test]
    fn each_status_means_what_the_standard_says() {
        let name = |status| match verdict(status) {
            Verdict::Taken { .. } => "taken",
            Verdict::Failed { is_down: true, asked, .. } => {
                assert_eq!(asked, Some(Duration::from_secs(7)));
                "down"
            }
            Verdict::Failed { .. } => "failed",
            Verdict::Refused { .. } => "refused",
            Verdict::Gone => "gone",
        };
        for (statuses, expected) in [
            ([200, 201, 202, 204], "taken"),
            ([301, 302, 307, 304], "failed"),
            ([400, 401, 404, 422], "refused"),
            ([408, 425, 429, 429], "down"),
            ([500, 502, 503, 504], "down"),
            ([410; 4], "gone"),
        ] {
            for status in statuses {
                assert_eq!(name(status), expected, "{status}");
            }
        }
    }

    #[test]
    fn whoever_gave_an_address_that_has_moved_is_told_so() {
        let Verdict::Failed { reason, .. } = verdict(301) else { panic!("it is tried again") };
        let expected = "the endpoint answered 301 Moved Permanently; redirections are not followed";
        assert_eq!(reason, expected);
    }

    #[test]
    fn a_server_that_is_not_there_is_down_and_an_answer_that_is_too_long_is_not_asked_for_again() {
        let down = Verdict::of(Err(CallError::NotPublic), Timestamp(0));
        assert!(matches!(down, Verdict::Failed { is_down: true, status: None, .. }));
        let long = |status| {
            let error = CallError::TooLong { limit_bytes: 5, status };
            Verdict::of(Err(error), Timestamp(0))
        };
        let taken = long(StatusCode::OK);
        let Verdict::Refused { reason, .. } = taken else { panic!("{taken:?}") };
        assert_eq!(reason, "the answer cannot be read: it has more than 5 bytes");
        let failed = long(StatusCode::BAD_GATEWAY);
        assert!(matches!(failed, Verdict::Failed { status: Some(502), is_down: true, .. }));
        assert!(matches!(long(StatusCode::GONE), Verdict::Gone));
    }

    #[test]
    fn what_the_plugin_itself_cannot_do_says_nothing_of_the_endpoint() {
        let error = PluginError::new("no token");
        let Verdict::Failed { reason, is_down: false, status: None, .. } =
            Verdict::of_plugin(&error, None)
        else {
            panic!("it is tried again")
        };
        assert_eq!(reason, "no token");
        let error = PluginError::permanent("the answer says 40003");
        let refused = Verdict::of_plugin(&error, Some(StatusCode::OK));
        assert!(matches!(refused, Verdict::Refused { status: Some(200), .. }));
    }
}

//! Who calls.

use easebot_model::{Secret, Timestamp};
use easebot_plugin::HookRequest;

use super::{Guard, Refused, UnusableSecret};

/// Whether `request` has `secret`, as a [`Guard::token`] looks for it. How long this takes tells nothing of the secret.
///
/// # Errors
/// [`Refused`] with 401 if it has not, and with 503 if the secret is empty.
pub fn token(request: &HookRequest, secret: &Secret) -> Result<(), Refused> {
    let guard = Guard::token(secret);
    let guard = guard.map_err(|error: UnusableSecret| Refused::json(503, error.to_string()))?;
    // A token does not age.
    Ok(guard.check(request, Timestamp(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_in_a_header_or_behind_the_path() {
        let secret = Secret::new("open sesame");
        let post = || HookRequest::post("/h", "");
        let bearer = |value: &str| post().with_header("authorization", value);
        let mut tail = post();
        tail.tail = Some("open sesame".to_owned());
        for request in [bearer("Bearer open sesame"), bearer("bearer  open sesame"), tail] {
            assert!(token(&request, &secret).is_ok(), "{request:?}");
        }
        let mut other = post();
        other.tail = Some("open".to_owned());
        for request in [post(), bearer("Basic open sesame"), bearer("Bearer open"), other] {
            let refused = token(&request, &secret).unwrap_err();
            assert_eq!(refused.reply.status.as_u16(), 401, "{request:?}");
            assert!(!refused.reason.contains("sesame"), "{refused:?}");
        }
        assert_eq!(token(&post(), &Secret::new("")).unwrap_err().reply.status.as_u16(), 503);
    }
}

//! Who calls.

use easebot_model::Secret;
use easebot_plugin::HookRequest;
use sha2::{Digest, Sha256};

use super::Refused;

/// Whether `request` has `secret`: as `Authorization: Bearer SECRET`, or as the last part of its path, if the hook takes
/// [one](easebot_plugin::Hook::with_tail). How long this takes tells nothing of the secret.
///
/// # Errors
/// [`Refused`] with 401 if it has not.
pub fn token(request: &HookRequest, secret: &Secret) -> Result<(), Refused> {
    let bearer = request.header("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
    });
    let given = bearer.or(request.tail.as_deref());
    let hash = |text: &str| Sha256::digest(text.as_bytes());
    if given.is_some_and(|given| hash(given) == hash(secret.reveal())) {
        return Ok(());
    }
    let refused = Refused::json(401, "the request does not prove who sent it");
    Err(refused.with_header("www-authenticate", "Bearer"))
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
    }
}

//! Whether a request knows a secret. Every comparison takes the same time wherever the first difference is.

use std::fmt;

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use easebot_model::{Secret, Timestamp};
use easebot_plugin::HookRequest;
use md5::{Digest as _, Md5};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use thiserror::Error;

use super::{Refused, UnusableSecret};

/// Why a request is not believed. It holds nothing of the request, and becomes a [`Refused`] with 401.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum NotProven {
    /// It brings no proof.
    #[error("there is no {proof}")]
    Missing {
        /// What it should bring, such as a header.
        proof: &'static str,
    },
    /// It was signed too long ago, or for a time to come: it may be a repetition by somebody who has seen it.
    #[error("its time is more than {limit_secs} s away from now")]
    Stale {
        /// How far away it may be.
        limit_secs: u64,
    },
    /// Its proof is of another secret or of other bytes.
    #[error("the {proof} does not fit")]
    Wrong {
        /// What does not fit, such as a header.
        proof: &'static str,
    },
}

impl From<NotProven> for Refused {
    fn from(error: NotProven) -> Self {
        Self::json(401, error.to_string()).with_header("www-authenticate", "Bearer")
    }
}

/// What the requests of a hook have to know, for [`WebhookRelay::verify`](super::WebhookRelay::verify).
///
/// ```
/// use easebot_model::{Secret, Timestamp};
/// use easebot_plugin::HookRequest;
/// use easebot_role::webhook::Guard;
///
/// // As GitHub signs.
/// let guard = Guard::hmac("X-Hub-Signature-256", "sha256=", &Secret::new("It's a Secret to Everybody"))?;
/// let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
/// let request = HookRequest::post("/hooks/code", "Hello, World!").with_header("x-hub-signature-256", signature);
/// assert_eq!(guard.check(&request, Timestamp(0)), Ok(()));
/// # Ok::<(), easebot_role::webhook::UnusableSecret>(())
/// ```
pub struct Guard {
    scheme: Scheme,
    key: Vec<u8>,
}

#[derive(Debug)]
enum Scheme {
    Easemob,
    /// The secret itself in this header.
    Header(&'static str),
    /// The HMAC of the body in hex, in the first of these headers that is there, behind its prefix.
    Hmac(Vec<(&'static str, &'static str)>),
    Standard,
    Token,
}

/// How far the time of a signature may be away. Source: the Standard Webhooks reference libraries.
const TOLERANCE_SECS: u64 = 5 * 60;

/// How old a callback of Easemob's may be: those that were not taken are kept for so long, and sent again when they are asked for.
/// Source: Easemob's documentation, "callbacks".
const CALLBACK_SECS: u64 = 3 * 24 * 60 * 60;

/// What is signed of a callback.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Callback {
    call_id: String,
    security: Option<String>,
    timestamp: Time,
}

/// A number, or its digits as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Time {
    Number(u64),
    Text(String),
}

impl Guard {
    /// The secret itself: as the last part of the path, if the hook [takes one](easebot_plugin::Hook::with_tail) and it is there, else
    /// as `Authorization: Bearer SECRET` or as the password of `Authorization: Basic …`.
    ///
    /// # Errors
    /// [`UnusableSecret::Empty`].
    pub fn token(secret: &Secret) -> Result<Self, UnusableSecret> {
        Self::of_text(Scheme::Token, secret)
    }

    /// The secret itself, in a header such as GitLab's `X-Gitlab-Token`.
    ///
    /// # Errors
    /// [`UnusableSecret::Empty`].
    pub fn header(header: &'static str, secret: &Secret) -> Result<Self, UnusableSecret> {
        Self::of_text(Scheme::Header(header), secret)
    }

    /// The HMAC-SHA256 of the body under the secret, in hex behind `prefix` in `header`, such as `sha256=` in GitHub's
    /// `X-Hub-Signature-256`.
    ///
    /// # Errors
    /// [`UnusableSecret::Empty`].
    pub fn hmac(
        header: &'static str,
        prefix: &'static str,
        secret: &Secret,
    ) -> Result<Self, UnusableSecret> {
        Self::of_text(Scheme::Hmac(vec![(header, prefix)]), secret)
    }

    /// The same, but the signature may also stand in another header, if it is not in the first. For [`hmac`](Self::hmac) alone: others
    /// stay as they are.
    #[must_use]
    pub fn or_in(mut self, header: &'static str, prefix: &'static str) -> Self {
        if let Scheme::Hmac(places) = &mut self.scheme {
            places.push((header, prefix));
        }
        self
    }

    /// A signature of [Standard Webhooks](https://www.standardwebhooks.com), at most 5 minutes old. The secret is base64, with or
    /// without `whsec_` in front.
    ///
    /// # Errors
    /// [`UnusableSecret::NotBase64`] and [`UnusableSecret::Empty`].
    pub fn standard(secret: &Secret) -> Result<Self, UnusableSecret> {
        let secret = secret.reveal();
        let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
        let key = STANDARD.decode(encoded).map_err(|_| UnusableSecret::NotBase64)?;
        Self::of(Scheme::Standard, key)
    }

    /// The signature of Easemob's callbacks, at most 3 days old: `security` of the body is the MD5 of `callId`, the secret and
    /// `timestamp`. It says nothing of the rest of the body, so the address has to be one that nobody else can write to, `https` behind a
    /// reverse proxy for instance.
    ///
    /// # Errors
    /// [`UnusableSecret::Empty`].
    pub fn easemob(secret: &Secret) -> Result<Self, UnusableSecret> {
        Self::of_text(Scheme::Easemob, secret)
    }

    fn of_text(scheme: Scheme, secret: &Secret) -> Result<Self, UnusableSecret> {
        Self::of(scheme, secret.reveal().as_bytes().to_vec())
    }

    /// With an empty secret, who brings none would know it.
    fn of(scheme: Scheme, key: Vec<u8>) -> Result<Self, UnusableSecret> {
        if key.is_empty() { Err(UnusableSecret::Empty) } else { Ok(Self { scheme, key }) }
    }

    /// Whether `request`, which came at `now`, knows the secret.
    ///
    /// # Errors
    /// [`NotProven`].
    pub fn check(&self, request: &HookRequest, now: Timestamp) -> Result<(), NotProven> {
        match &self.scheme {
            Scheme::Easemob => self.callback_signed(request, now),
            Scheme::Header(proof) => {
                let token = request.header(proof).ok_or(NotProven::Missing { proof })?;
                self.same(proof, token.as_bytes())
            }
            Scheme::Hmac(places) => self.signed(places, request),
            Scheme::Standard => self.standard_signed(request, now),
            Scheme::Token => self.has_token(request),
        }
    }

    /// A token in the header or in the path.
    fn has_token(&self, request: &HookRequest) -> Result<(), NotProven> {
        let proof = "token";
        if let Some(tail) = &request.tail {
            return self.same(proof, &percent_decode_str(tail).collect::<Vec<u8>>());
        }
        let header = request.header("authorization").ok_or(NotProven::Missing { proof })?;
        let (scheme, value) = header.split_once(' ').ok_or(NotProven::Missing { proof })?;
        let value = value.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.same(proof, value.as_bytes());
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(NotProven::Missing { proof });
        }
        let pair = STANDARD.decode(value).map_err(|_| NotProven::Wrong { proof })?;
        let colon = pair.iter().position(|byte| *byte == b':');
        let password = colon.and_then(|colon| pair.get(colon + 1..));
        self.same(proof, password.unwrap_or_default())
    }

    fn signed(
        &self,
        places: &[(&'static str, &'static str)],
        request: &HookRequest,
    ) -> Result<(), NotProven> {
        let proof = places.first().map_or("signature", |(header, _)| header);
        let there =
            places.iter().find_map(|(header, prefix)| Some((request.header(header)?, prefix)));
        let (signature, prefix) = there.ok_or(NotProven::Missing { proof })?;
        let tag = signature.strip_prefix(prefix).and_then(from_hex);
        let tag = tag.ok_or(NotProven::Wrong { proof })?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        hmac::verify(&key, &request.body, &tag).map_err(|_| NotProven::Wrong { proof })
    }

    fn standard_signed(&self, request: &HookRequest, now: Timestamp) -> Result<(), NotProven> {
        let header =
            |proof: &'static str| request.header(proof).ok_or(NotProven::Missing { proof });
        let (id, time) = (header("webhook-id")?, header("webhook-timestamp")?);
        let signatures = header("webhook-signature")?;
        let mut signed = format!("{id}.{time}.").into_bytes();
        signed.extend_from_slice(&request.body);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        // Several of them, while a key is being changed; those of other versions are not ours to read.
        let fits = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,")).any(
            |signature| {
                let signature = STANDARD.decode(signature).unwrap_or_default();
                hmac::verify(&key, &signed, &signature).is_ok()
            },
        );
        if !fits {
            return Err(NotProven::Wrong { proof: "webhook-signature" });
        }
        let time: u64 =
            time.parse().map_err(|_| NotProven::Wrong { proof: "webhook-timestamp" })?;
        if time.abs_diff(now.0 / 1000) > TOLERANCE_SECS {
            return Err(NotProven::Stale { limit_secs: TOLERANCE_SECS });
        }
        Ok(())
    }

    fn callback_signed(&self, request: &HookRequest, now: Timestamp) -> Result<(), NotProven> {
        let proof = "security";
        let missing = NotProven::Missing { proof };
        let callback = serde_json::from_slice::<Callback>(&request.body);
        let Ok(Callback { call_id, security: Some(security), timestamp }) = callback else {
            return Err(missing);
        };
        let time = match timestamp {
            Time::Number(number) => number.to_string(),
            Time::Text(text) => text,
        };
        let digest =
            Md5::new().chain_update(call_id).chain_update(&self.key).chain_update(&time).finalize();
        let given = from_hex(&security).unwrap_or_default();
        verify_slices_are_equal(&digest, &given).map_err(|_| NotProven::Wrong { proof })?;
        let timestamp: u64 = time.parse().map_err(|_| NotProven::Wrong { proof: "timestamp" })?;
        let is_old = now.0.saturating_sub(timestamp) > CALLBACK_SECS * 1_000;
        let is_early = timestamp.saturating_sub(now.0) > TOLERANCE_SECS * 1_000;
        if is_old || is_early {
            let limit_secs = if is_old { CALLBACK_SECS } else { TOLERANCE_SECS };
            return Err(NotProven::Stale { limit_secs });
        }
        Ok(())
    }

    fn same(&self, proof: &'static str, given: &[u8]) -> Result<(), NotProven> {
        verify_slices_are_equal(&self.key, given).map_err(|_| NotProven::Wrong { proof })
    }
}

/// Without the secret.
impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests;

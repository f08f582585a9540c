//! Whether a request knows the secret of its hook. Every comparison takes the same time wherever the first difference is.

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use easebot_model::{Secret, Timestamp};
use easebot_plugin::HookRequest;
use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::keys::Format;

/// Why a request is not believed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum NotProven {
    #[error("there is no {proof}")]
    Missing { proof: &'static str },
    #[error("the webhook-timestamp is more than {limit_secs} s away from now")]
    Stale { limit_secs: u64 },
    #[error("the {proof} does not fit")]
    Wrong { proof: &'static str },
}

/// Why a secret cannot be the secret of a hook.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum UnusableSecret {
    #[error("the secret of a standard-webhooks hook is `whsec_` and base64")]
    NotBase64,
}

/// What the requests of one hook have to know.
pub(crate) struct Guard {
    format: Format,
    key: Vec<u8>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("format", &self.format).finish_non_exhaustive()
    }
}

/// How far the time of a signature may be away. Source: the Standard Webhooks reference libraries.
const TOLERANCE_SECS: u64 = 5 * 60;

impl Guard {
    pub(crate) fn new(format: Format, secret: &Secret) -> Result<Self, UnusableSecret> {
        let secret = secret.reveal();
        let key = match format {
            Format::StandardWebhooks => {
                let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
                let key = STANDARD.decode(encoded).map_err(|_| UnusableSecret::NotBase64)?;
                if key.is_empty() {
                    return Err(UnusableSecret::NotBase64);
                }
                key
            }
            _ => secret.as_bytes().to_vec(),
        };
        Ok(Self { format, key })
    }

    pub(crate) fn check(&self, request: &HookRequest, now: Timestamp) -> Result<(), NotProven> {
        match self.format {
            Format::Alertmanager | Format::Cloudevents | Format::Generic | Format::Slack => {
                self.token(request)
            }
            Format::Gitea => match request.header("x-gitea-signature") {
                Some(signature) => self.hex("X-Gitea-Signature", signature, &request.body),
                None => self.hub(request, "X-Gitea-Signature"),
            },
            Format::Github => self.hub(request, "X-Hub-Signature-256"),
            Format::Gitlab => {
                let proof = "X-Gitlab-Token";
                let token = request.header(proof).ok_or(NotProven::Missing { proof })?;
                self.same(proof, token.as_bytes())
            }
            Format::StandardWebhooks => self.standard(request, now),
        }
    }

    /// A token in the header or in the path.
    fn token(&self, request: &HookRequest) -> Result<(), NotProven> {
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

    /// `sha256=` and the HMAC of the raw body in hex.
    fn hub(&self, request: &HookRequest, proof: &'static str) -> Result<(), NotProven> {
        let header = request.header("x-hub-signature-256").ok_or(NotProven::Missing { proof })?;
        let signature = header.strip_prefix("sha256=").ok_or(NotProven::Wrong { proof })?;
        self.hex(proof, signature, &request.body)
    }

    fn hex(&self, proof: &'static str, signature: &str, body: &[u8]) -> Result<(), NotProven> {
        let signature = from_hex(signature).ok_or(NotProven::Wrong { proof })?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        hmac::verify(&key, body, &signature).map_err(|_| NotProven::Wrong { proof })
    }

    fn standard(&self, request: &HookRequest, now: Timestamp) -> Result<(), NotProven> {
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

    fn same(&self, proof: &'static str, given: &[u8]) -> Result<(), NotProven> {
        verify_slices_are_equal(&self.key, given).map_err(|_| NotProven::Wrong { proof })
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

//! Signatures. Source: <https://www.standardwebhooks.com>, the specification, "signature scheme"; GitHub, "Validating webhook
//! deliveries".

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use easebot_model::Secret;
use http::{HeaderName, HeaderValue};
use thiserror::Error;

/// Why a secret cannot sign.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum UnusableSecret {
    /// It is empty.
    #[error("the secret is empty")]
    Empty,
    /// The key in a secret of Standard Webhooks is too short or too long.
    #[error("the key of a secret of webhooks has 24 to 64 bytes, this one has {n_bytes}")]
    Length {
        /// How long it is.
        n_bytes: usize,
    },
    /// What should be the name of the header is none.
    #[error("a signature cannot stand in a header of this name")]
    NoHeader,
    /// It is no secret of Standard Webhooks.
    #[error("a secret of webhooks is `whsec_` and base64")]
    NotBase64,
}

/// What requests are signed with; by default with nothing.
#[derive(Default)]
pub struct Signer(Vec<Scheme>);

enum Scheme {
    /// The HMAC of the body in hex behind `prefix`, in `header`.
    Hmac { header: HeaderName, prefix: String, key: Box<hmac::Key> },
    /// The keys of one endpoint: the one of today and those of before.
    Standard(Vec<hmac::Key>),
}

impl Signer {
    /// Signs as [Standard Webhooks](https://www.standardwebhooks.com) has it, with each of `secrets`, which are `whsec_` and the base64
    /// of 24 to 64 bytes: with that of today, and with that of before while receivers change over. With none it signs nothing.
    ///
    /// # Errors
    /// [`UnusableSecret::NotBase64`] and [`UnusableSecret::Length`].
    pub fn standard<'s>(
        secrets: impl IntoIterator<Item = &'s Secret>,
    ) -> Result<Self, UnusableSecret> {
        let keys = secrets.into_iter().map(key).collect::<Result<Vec<_>, _>>()?;
        Ok(Self(if keys.is_empty() { Vec::new() } else { vec![Scheme::Standard(keys)] }))
    }

    /// Signs with the HMAC-SHA256 of the body under `secret`, in hex behind `prefix` in `header`: as GitHub does with
    /// `X-Hub-Signature-256` and `sha256=`.
    ///
    /// # Errors
    /// [`UnusableSecret::Empty`] and [`UnusableSecret::NoHeader`].
    pub fn hmac(header: &str, prefix: &str, secret: &Secret) -> Result<Self, UnusableSecret> {
        let header = HeaderName::try_from(header).map_err(|_| UnusableSecret::NoHeader)?;
        if HeaderValue::try_from(prefix).is_err() {
            return Err(UnusableSecret::NoHeader);
        }
        let bytes = secret.reveal().as_bytes();
        if bytes.is_empty() {
            return Err(UnusableSecret::Empty);
        }
        let key = Box::new(hmac::Key::new(hmac::HMAC_SHA256, bytes));
        Ok(Self(vec![Scheme::Hmac { header, prefix: prefix.to_owned(), key }]))
    }

    /// Signs as both do.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The headers that sign `body`, which is posted under `id` at this time.
    pub(crate) fn sign<'s>(
        &'s self,
        id: &str,
        timestamp_secs: u64,
        body: &[u8],
    ) -> Vec<(&'s str, String)> {
        self.0.iter().map(|scheme| scheme.sign(id, timestamp_secs, body)).collect()
    }
}

impl Scheme {
    fn sign(&self, id: &str, timestamp_secs: u64, body: &[u8]) -> (&str, String) {
        match self {
            Self::Hmac { header, prefix, key } => {
                let tag = hmac::sign(key, body);
                let hex = tag.as_ref().iter().map(|byte| format!("{byte:02x}"));
                (header.as_str(), format!("{prefix}{}", hex.collect::<String>()))
            }
            Self::Standard(keys) => {
                let mut signed = format!("{id}.{timestamp_secs}.").into_bytes();
                signed.extend_from_slice(body);
                let one = |key| format!("v1,{}", STANDARD.encode(hmac::sign(key, &signed)));
                ("webhook-signature", keys.iter().map(one).collect::<Vec<_>>().join(" "))
            }
        }
    }
}

fn key(secret: &Secret) -> Result<hmac::Key, UnusableSecret> {
    let encoded = secret.reveal().strip_prefix("whsec_").ok_or(UnusableSecret::NotBase64)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| UnusableSecret::NotBase64)?;
    let n_bytes = bytes.len();
    if !(24..=64).contains(&n_bytes) {
        return Err(UnusableSecret::Length { n_bytes });
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("n_schemes", &self.0.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn signer(secrets: &[&str]) -> Result<Signer, UnusableSecret> {
        let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        Signer::standard(&secrets)
    }

    fn signature(secrets: &[&str]) -> String {
        let signer = signer(secrets).unwrap();
        let [(name, value)] = signer.sign("evt_1", 1, b"{}").try_into().unwrap();
        assert_eq!(name, "webhook-signature");
        value
    }

    /// The vector of the reference libraries of the standard.
    #[test]
    fn the_vector_of_the_standard_is_signed_as_it_says() {
        let signer = signer(&[SECRET]).unwrap();
        let signed =
            signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signed, [("webhook-signature", signature.to_owned())]);
    }

    /// The vector of GitHub's documentation, "Validating webhook deliveries".
    #[test]
    fn a_body_is_signed_as_github_does_it() {
        let secret = Secret::new("It's a Secret to Everybody");
        let signer = Signer::hmac("X-Hub-Signature-256", "sha256=", &secret).unwrap();
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let signed = ("x-hub-signature-256", signature.to_owned());
        assert_eq!(signer.sign("evt_1", 1, b"Hello, World!"), [signed]);
        let both = self::signer(&[SECRET]).unwrap().and(signer);
        let names: Vec<_> =
            both.sign("evt_1", 1, b"{}").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["webhook-signature", "x-hub-signature-256"]);
    }

    #[test]
    fn each_key_signs_and_without_a_key_nothing_is_signed() {
        let other = format!("whsec_{}", STANDARD.encode([7; 64]));
        let both = signature(&[SECRET, &other]);
        assert_eq!(both, format!("{} {}", signature(&[SECRET]), signature(&[&other])));
        assert_eq!(signer(&[]).unwrap().sign("evt_1", 1, b"{}"), []);
    }

    #[test]
    fn a_secret_that_is_of_no_use_is_refused_without_being_shown() {
        let error = |secret: &str| signer(&[secret]).unwrap_err();
        assert_eq!(error("hunter2"), UnusableSecret::NotBase64);
        assert_eq!(error("whsec_hunter?"), UnusableSecret::NotBase64);
        assert_eq!(error("whsec_"), UnusableSecret::Length { n_bytes: 0 });
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        assert_eq!(error(&short), UnusableSecret::Length { n_bytes: 23 });
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        assert_eq!(error(&long), UnusableSecret::Length { n_bytes: 65 });
        let hmac = |header: &str, prefix: &str, secret: &str| {
            Signer::hmac(header, prefix, &Secret::new(secret)).unwrap_err()
        };
        assert_eq!(hmac("x-signature", "", ""), UnusableSecret::Empty);
        assert_eq!(hmac("x signature", "", "key"), UnusableSecret::NoHeader);
        assert_eq!(hmac("x-signature", "\n", "key"), UnusableSecret::NoHeader);
        assert_eq!(format!("{:?}", signer(&[SECRET]).unwrap()), "Signer { n_schemes: 1, .. }");
    }
}

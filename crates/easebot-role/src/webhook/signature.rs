//! Signatures of Standard Webhooks. Source: <https://www.standardwebhooks.com>, the specification, "signature scheme".

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use easebot_model::Secret;
use thiserror::Error;

/// Why a secret cannot sign.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum UnusableSecret {
    #[error("a secret of webhooks is `whsec_` and base64")]
    NotBase64,
    #[error("the key of a secret of webhooks has 24 to 64 bytes, this one has {n_bytes}")]
    Length { n_bytes: usize },
}

/// The keys of one endpoint: the one of today and those of before.
#[derive(Default)]
pub struct Signer(Vec<hmac::Key>);

impl Signer {
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Result<Self, UnusableSecret> {
        secrets.into_iter().map(key).collect::<Result<_, _>>().map(Self)
    }

    /// The value of `webhook-signature`, one signature for each key. None without a key.
    pub fn sign(&self, id: &str, timestamp_secs: u64, body: &[u8]) -> Option<String> {
        let mut signed = format!("{id}.{timestamp_secs}.").into_bytes();
        signed.extend_from_slice(body);
        let signatures: Vec<String> = self
            .0
            .iter()
            .map(|key| format!("v1,{}", STANDARD.encode(hmac::sign(key, &signed))))
            .collect();
        (!signatures.is_empty()).then(|| signatures.join(" "))
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
        f.debug_struct("Signer").field("n_keys", &self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn signer(secrets: &[&str]) -> Result<Signer, UnusableSecret> {
        let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        Signer::new(&secrets)
    }

    /// The vector of the reference libraries of the standard.
    #[test]
    fn the_vector_of_the_standard_is_signed_as_it_says() {
        let signature = signer(&[SECRET]).unwrap().sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_key_signs_and_without_a_key_nothing_is_signed() {
        let other = format!("whsec_{}", STANDARD.encode([7; 64]));
        let both = signer(&[SECRET, &other]).unwrap().sign("evt_1", 1, b"{}").unwrap();
        let alone = |secret: &str| signer(&[secret]).unwrap().sign("evt_1", 1, b"{}").unwrap();
        assert_eq!(both, format!("{} {}", alone(SECRET), alone(&other)));
        assert_eq!(signer(&[]).unwrap().sign("evt_1", 1, b"{}"), None);
    }

    #[test]
    fn a_secret_that_is_none_of_the_standard_is_refused_without_being_shown() {
        let error = |secret: &str| signer(&[secret]).unwrap_err();
        assert_eq!(error("hunter2"), UnusableSecret::NotBase64);
        assert_eq!(error("whsec_hunter?"), UnusableSecret::NotBase64);
        assert_eq!(error("whsec_"), UnusableSecret::Length { n_bytes: 0 });
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        assert_eq!(error(&short), UnusableSecret::Length { n_bytes: 23 });
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        assert_eq!(error(&long), UnusableSecret::Length { n_bytes: 65 });
        assert_eq!(format!("{:?}", signer(&[SECRET]).unwrap()), "Signer { n_keys: 1 }");
    }
}

//! Dynamic tokens: an app's own server makes them without asking, signed with the app's secret.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use easebot_model::{AppKey, Secret, UserId};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What a token begins with, inside or outside of its base64.
const PREFIX: &str = "dt-";

/// Base64 as tokens are written, with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A token whose signature is right.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct DynamicToken {
    pub(super) user: UserId,
    pub(super) issued_ms: u64,
    /// `None` never ends.
    pub(super) expires_ms: Option<u64>,
}

/// Source: Easemob's documentation, "dynamic user tokens".
#[derive(Deserialize)]
struct Claims {
    signature: String,
    appkey: String,
    #[serde(rename = "userId")]
    user: String,
    #[serde(rename = "curTime")]
    issued_secs: Value,
    #[serde(rename = "ttl")]
    ttl_secs: Value,
}

impl DynamicToken {
    /// Reads `text`; `None` when it is no such token, of another app, or not signed with its id and secret.
    pub(super) fn read(
        text: &str,
        key: &AppKey,
        client_id: &str,
        client_secret: &Secret,
    ) -> Option<Self> {
        let json = match text.strip_prefix(PREFIX) {
            Some(encoded) => BASE64.decode(encoded).ok()?,
            None => BASE64.decode(text).ok()?.strip_prefix(PREFIX.as_bytes())?.to_vec(),
        };
        let Claims { signature, appkey, user, issued_secs, ttl_secs } =
            serde_json::from_slice(&json).ok()?;
        let (issued, ttl) = (digits(&issued_secs)?, digits(&ttl_secs)?);
        let parts = [client_id, &appkey, &user, &issued, &ttl, client_secret.reveal()];
        if appkey != key.as_str() || signature != sign(parts) {
            return None;
        }
        let issued_ms = issued.parse::<u64>().ok()?.checked_mul(1000)?;
        let ttl_ms = ttl.parse::<u64>().ok()?.checked_mul(1000)?;
        let expires_ms = (ttl_ms > 0).then(|| issued_ms.saturating_add(ttl_ms));
        Some(Self { user: UserId::new(user), issued_ms, expires_ms })
    }
}

/// A number as it was written, also as a text.
fn digits(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// The SHA-256 of all parts behind each other, in small hexadecimal digits.
fn sign(parts: [&str; 6]) -> String {
    Sha256::digest(parts.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};

    use super::*;

    const CLAIMS: &str = r#"{"signature":"4f1fd6b4c84f7fbca53394436eccab2f1f69e5d23f705bd61a3a9ebacdf3383f","appkey":"easebot#demo","userId":"bob","curTime":1785000000,"ttl":600}"#;

    fn read(token: &str) -> Option<DynamicToken> {
        let secret = Secret::new("easebot-secret");
        DynamicToken::read(token, &"easebot#demo".parse().unwrap(), "easebot-client", &secret)
    }

    #[test]
    fn a_signed_token_is_read_in_all_its_spellings() {
        let claims = format!("dt-{CLAIMS}");
        let expected = Some(DynamicToken {
            user: "bob".into(),
            issued_ms: 1_785_000_000_000,
            expires_ms: Some(1_785_000_600_000),
        });
        assert_eq!(read(&URL_SAFE.encode(&claims)), expected);
        assert_eq!(read(&URL_SAFE_NO_PAD.encode(&claims)), expected);
        assert_eq!(read(&format!("dt-{}", URL_SAFE.encode(CLAIMS))), expected);
    }

    #[test]
    fn what_is_changed_or_garbage_is_no_token() {
        let longer = CLAIMS.replace(":600", ":6000");
        let other = CLAIMS.replace("\"bob\"", "\"eve\"");
        for claims in [longer.as_str(), other.as_str(), "{}", "x"] {
            assert_eq!(read(&URL_SAFE.encode(format!("dt-{claims}"))), None, "{claims}");
        }
        assert_eq!(read(&URL_SAFE.encode(CLAIMS)), None, "without the prefix");
        assert_eq!(read("YWMtsome-ordinary-token"), None);
    }
}

//! What the requests of each format have to know.

use easebot_model::Secret;
use easebot_role::webhook::{self, Guard};
use thiserror::Error;

use crate::keys::Format;

/// Why a secret cannot be the secret of a hook.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum UnusableSecret {
    #[error("the secret of a standard-webhooks hook is `whsec_` and base64")]
    NotBase64,
    #[error(transparent)]
    Other(webhook::UnusableSecret),
}

/// What a hook of this format is guarded with.
pub(crate) fn guard(format: Format, secret: &Secret) -> Result<Guard, UnusableSecret> {
    let guard = match format {
        Format::Alertmanager | Format::Cloudevents | Format::Generic | Format::Slack => {
            Guard::token(secret)
        }
        Format::Easemob => Guard::easemob(secret),
        Format::Gitea => Guard::hmac("X-Gitea-Signature", "", secret)
            .map(|guard| guard.or_in("X-Hub-Signature-256", "sha256=")),
        Format::Github => Guard::hmac("X-Hub-Signature-256", "sha256=", secret),
        Format::Gitlab => Guard::header("X-Gitlab-Token", secret),
        Format::StandardWebhooks => {
            return Guard::standard(secret).map_err(|_| UnusableSecret::NotBase64);
        }
    };
    guard.map_err(UnusableSecret::Other)
}

#[cfg(test)]
mod tests {
    use easebot_model::Timestamp;
    use easebot_plugin::HookRequest;

    use super::*;

    fn fits(format: Format, header: &str, value: &str) -> bool {
        let guard = guard(format, &Secret::new("It's a Secret to Everybody")).unwrap();
        let request = HookRequest::post("/h", "Hello, World!").with_header(header, value);
        guard.check(&request, Timestamp(0)).is_ok()
    }

    #[test]
    fn each_format_proves_itself_as_its_senders_do() {
        let hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let hub = format!("sha256={hex}");
        assert!(fits(Format::Github, "X-Hub-Signature-256", &hub));
        assert!(!fits(Format::Github, "X-Gitea-Signature", hex));
        assert!(fits(Format::Gitea, "X-Gitea-Signature", hex));
        assert!(fits(Format::Gitea, "X-Hub-Signature-256", &hub));
        assert!(fits(Format::Gitlab, "X-Gitlab-Token", "It's a Secret to Everybody"));
        let bearer = "Bearer It's a Secret to Everybody";
        for format in [Format::Alertmanager, Format::Cloudevents, Format::Generic, Format::Slack] {
            assert!(fits(format, "authorization", bearer), "{format:?}");
            assert!(!fits(format, "X-Hub-Signature-256", &hub), "{format:?}");
        }
    }

    #[test]
    fn a_standard_secret_is_base64() {
        for secret in ["whsec_", "whsec_?", "a secret"] {
            let error = guard(Format::StandardWebhooks, &Secret::new(secret)).unwrap_err();
            assert_eq!(error, UnusableSecret::NotBase64);
            assert!(!error.to_string().contains(secret) || secret == "whsec_");
        }
    }
}

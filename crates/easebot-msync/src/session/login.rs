//! PROVISION and LOGOUT.

use easebot_model::{Resource, Secret, Timestamp};
use serde::Deserialize;

use super::{Bytes, Now, Phase, Session, SessionConfig, SessionEvent, TokenLife};
use crate::{
    frame,
    refusal::LoginReply,
    schema::{
        Jid, Logout, Provision,
        provision::{CompressType, OsType},
    },
};

/// The protocol version that we speak, which is that of the SDK that it was read from.
const VERSION: &str = "4.21.1";

/// Feature gate: from 5.1 on the server merges joins and leaves of members into lists. Source: the official Go client.
const ACTION_VERSION: &str = "v5.2";

/// How the token is marked in the login. Source: frames of the official SDK.
const TOKEN_PREFIX: &str = "$t$";

pub(super) fn provision(
    config: &SessionConfig,
    token: &Secret,
    session_id: &str,
    compression: Vec<i32>,
    trace_id: u64,
) -> Bytes {
    let auth = format!("{TOKEN_PREFIX}{}", token.reveal());
    let provision = Provision {
        os_type: Some(OsType::OsOther.into()),
        version: Some(VERSION.to_owned()),
        compress_type: vec![CompressType::CompressNone.into()],
        encrypt_type: vec![0],
        device_uuid: Some(config.device.uuid.clone()),
        device_name: Some(config.device.name.clone()),
        resource: Some(config.device.resource.as_str().to_owned()),
        action_version: Some(ACTION_VERSION.to_owned()),
        auth_token: Some(serde_json::json!({ "token": auth }).to_string()),
        session_id: Some(session_id.to_owned()),
        protocol_compress_type: compression,
        ..Provision::default()
    };
    frame::provision_up(guid(config, &config.device.resource), auth, &provision, trace_id)
}

pub(super) fn logout(
    config: &SessionConfig,
    resource: &Resource,
    token: &Secret,
    session_id: &str,
    trace_id: u64,
) -> Bytes {
    let logout = Logout {
        session_id: Some(session_id.to_owned()),
        reason: Some("inner:logout".to_owned()),
        ..Logout::default()
    };
    let auth = format!("{TOKEN_PREFIX}{}", token.reveal());
    frame::logout_up(guid(config, resource), auth, &logout, trace_id)
}

fn guid(config: &SessionConfig, resource: &Resource) -> Jid {
    Jid {
        app_key: Some(config.app_key.as_str().to_owned()),
        name: Some(config.user.as_str().to_owned()),
        domain: Some("easemob.com".to_owned()),
        client_resource: Some(resource.as_str().to_owned()),
    }
}

impl Session {
    pub(super) fn handle_provision(&mut self, provision: &Provision, now: Now) {
        match LoginReply::from_status(provision.status.as_ref()) {
            LoginReply::Accepted => {}
            LoginReply::Redirected { hosts } => {
                return self.finish(SessionEvent::Redirected { hosts });
            }
            LoginReply::Refused(error) => return self.finish(SessionEvent::LoginRefused(error)),
        }
        if let Some(resource) =
            provision.resource.as_deref().filter(|resource| !resource.is_empty())
        {
            self.me.resource = Resource::new(resource);
        }
        let token_expires =
            provision.auth_token.as_deref().and_then(|json| token_expiry(json, now.unix));
        self.token_life = TokenLife::new(now.unix, token_expires);
        self.codec.agree(provision);
        self.phase = Phase::Online;
        let resource = self.me.resource.clone();
        self.tell(SessionEvent::Online { resource, token_expires });
        self.ask_unread(now);
        self.take_early(now);
        self.pull(now);
    }
}

/// When the token ends by the `authToken` of a login answer.
///
/// The field is named `expires_in`, but the official SDK reads it as a point in time in milliseconds; native clients accept
/// seconds since 1970 and a number of seconds from now, too. The three are told apart by their size.
fn token_expiry(json: &str, now: Timestamp) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct AuthToken {
        expires_in: Option<serde_json::Number>,
    }
    /// Seconds since 1970 are above this from the year 2001 on; no token lives that long.
    const FIRST_EPOCH_SECS: u64 = 1_000_000_000;
    /// Milliseconds since 1970 are above this from the year 1973 on; seconds reach it in the year 5138.
    const FIRST_EPOCH_MS: u64 = 100_000_000_000;

    let expires = serde_json::from_str::<AuthToken>(json).ok()?.expires_in?.as_u64()?;
    match expires {
        0 => None,
        FIRST_EPOCH_MS.. => Some(Timestamp(expires)),
        FIRST_EPOCH_SECS.. => Some(Timestamp(expires * 1_000)),
        _ => Some(Timestamp(now.0 + expires * 1_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_token_is_read_in_its_three_spellings() {
        let now = Timestamp(1_700_000_000_000);
        assert_eq!(
            token_expiry(r#"{"expires_in":1700000600000}"#, now),
            Some(Timestamp(1_700_000_600_000))
        );
        assert_eq!(
            token_expiry(r#"{"expires_in":1700000600}"#, now),
            Some(Timestamp(1_700_000_600_000))
        );
        assert_eq!(token_expiry(r#"{"expires_in":600}"#, now), Some(Timestamp(1_700_000_600_000)));
        for unknown in
            ["", "[]", "{}", r#"{"expires_in":0}"#, r#"{"expires_in":-1}"#, r#"{"expires_in":"x"}"#]
        {
            assert_eq!(token_expiry(unknown, now), None, "{unknown}");
        }
    }
}

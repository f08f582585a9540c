//! Logging in on a link.

use easebot_model::{AppKey, Resource, UserId};
use easebot_msync::schema::{
    Jid, MSync, Provision,
    m_sync::Command,
    provision::{CompressDirection, CompressType},
    status::ErrorCode,
};
use prost::Message;
use serde::Deserialize;
use tracing::debug;

use super::{
    LinkId, Phase, Post, Session, TokenOwner, ViolationError, World,
    accounts::{TokenState, random_text},
    wire::{self, Refusal},
};
use crate::{callbacks::LoginChange, options::Lz4};

/// How a token is marked in `MSync.auth`, and by some clients in `authToken`.
const TOKEN_PREFIX: &str = "$t$";

/// `Provision.authToken` as a client sends it.
#[derive(Deserialize)]
struct AuthToken {
    token: String,
}

/// A login that passed.
struct Admitted {
    app: AppKey,
    session: Session,
    expires_ms: Option<u64>,
}

impl World {
    /// Logs a link in, or says why not and closes it.
    pub(super) fn provision(
        &mut self,
        link: LinkId,
        frame: &MSync,
        now: u64,
    ) -> Result<(), ViolationError> {
        let payload = frame.payload.clone().unwrap_or_default();
        let asked = Provision::decode(payload).map_err(|_| ViolationError::Garbage)?;
        let guid = frame.guid.clone().unwrap_or_default();
        match self.admit(link, frame.auth.as_deref(), &guid, &asked, now) {
            Ok(admitted) => self.welcome(admitted, asked, now),
            Err(refusal) => {
                debug!(
                    link = link.0,
                    code = refusal.code,
                    reason = refusal.reason,
                    "login refused"
                );
                self.links.insert(link, Phase::Over);
                let answer = Provision {
                    status: Some(refusal.status()),
                    resource: asked.resource,
                    ..Provision::default()
                };
                self.posts.push((link, Post::Frame(wire::frame(Command::Provision, &answer))));
                self.posts.push((link, Post::Close));
            }
        }
        Ok(())
    }

    /// Makes a link the one of its device, in the place of an earlier one, and says so.
    fn welcome(&mut self, admitted: Admitted, asked: Provision, now: u64) {
        let Admitted { app: key, session, expires_ms } = admitted;
        let Some((app, mut cx)) = self.app(&key, now) else { return };
        let offers_lz4 =
            asked.protocol_compress_type().any(|kind| kind == CompressType::CompressLz4);
        let direction = direction(cx.options.lz4).filter(|_| offers_lz4);
        let twin = app
            .user(&session.user)
            .and_then(|user| user.devices.get(&session.resource))
            .and_then(|device| device.link);
        if let Some(twin) = twin {
            cx.close(twin);
        }
        let device = app.go_online(&mut cx, &session);
        if let Some(device) = device {
            device.os_type = asked.os_type.unwrap_or_default();
            device.uuid = asked.device_uuid.unwrap_or_default();
            device.name = asked.device_name.unwrap_or_default();
            device.expires_ms = expires_ms;
            device.is_old = session.is_old;
        }
        let answer = Provision {
            status: Some(wire::ok()),
            resource: Some(session.resource.to_string()),
            session_id: Some(format!("{}:{}", session.link.0, random_text(12))),
            auth_token: expires_ms.map(|end| format!("{{\"expires_in\":{end}}}")),
            protocol_compress_type: direction
                .iter()
                .map(|_| CompressType::CompressLz4.into())
                .collect(),
            protocol_compress_direction: direction.map(Into::into),
            ..Provision::default()
        };
        cx.post(session.link, wire::frame(Command::Provision, &answer));
        if direction.is_some() {
            cx.compress(session.link, cx.options.lz4);
        }
        app.presence_changed(&mut cx, &session.user);
        app.tell_of_presence(&mut cx, &session, LoginChange::LoggedIn);
        self.links.insert(session.link, Phase::Online { app: key, session });
    }

    /// Checks a login. The reasons are compared word by word by clients.
    fn admit(
        &mut self,
        link: LinkId,
        auth: Option<&str>,
        guid: &Jid,
        asked: &Provision,
        now: u64,
    ) -> Result<Admitted, Refusal> {
        let wrong_app = || Refusal::new(ErrorCode::WrongParameter, "Sorry, app key does not exist");
        let key: AppKey =
            guid.app_key.as_deref().unwrap_or_default().parse().map_err(|_| wrong_app())?;
        let (app, cx) = self.app(&key, now).ok_or_else(wrong_app)?;
        let name = UserId::new(guid.name.as_deref().unwrap_or_default());
        if let Some(refusal) = cx.faults.login_of(&name) {
            return Err(refusal);
        }
        let user = app.user(&name).ok_or_else(|| Refusal::fail("Sorry, user not found"))?;
        let mismatch = || Refusal::fail("Sorry, token or password does not match login info");
        let token = token_of(auth, asked).ok_or_else(mismatch)?;
        let owner = TokenOwner::User(name.clone());
        let expires_ms = match app.token(now, &token) {
            TokenState::Valid { owner: found, expires_ms } if found == owner => expires_ms,
            TokenState::Expired(found) if found == owner => {
                return Err(Refusal::fail("Sorry, token expired"));
            }
            TokenState::Expired(_) | TokenState::Unknown | TokenState::Valid { .. } => {
                return Err(mismatch());
            }
        };
        if !user.activated {
            return Err(Refusal::new(ErrorCode::ImForbidden, "Sorry, user is deactivated"));
        }
        let resource = [&asked.resource, &guid.client_resource]
            .into_iter()
            .flatten()
            .find(|resource| !resource.is_empty())
            .map_or_else(|| Resource::new(format!("emulator_{}", link.0)), Resource::new);
        let n_others = user
            .devices
            .iter()
            .filter(|(other, device)| {
                **other != resource
                    && device.link.is_some()
                    && device.os_type == asked.os_type.unwrap_or_default()
            })
            .count();
        if cx.options.devices_per_platform.is_some_and(|limit| n_others >= limit) {
            return Err(Refusal::new(ErrorCode::TooManyDevices, "Sorry, too many devices"));
        }
        let is_old = is_old(asked.action_version.as_deref().unwrap_or_default());
        let session = Session { link, user: name, resource, is_old };
        Ok(Admitted { app: key, session, expires_ms })
    }
}

/// Whether a client names a version of what it can do below 3, such as `v2.0`: those of the official SDK up to 4.1 hang on an
/// answer that holds metas. Observed with npm `easemob-websdk` 4.1.6.
fn is_old(action_version: &str) -> bool {
    let major = action_version.trim_start_matches('v').split('.').next().unwrap_or_default();
    major.parse::<u32>().is_ok_and(|major| major < 3)
}

/// Which directions to compress, in the words of the wire. It is always said: left out, the official SDK takes it for "up".
const fn direction(lz4: Lz4) -> Option<CompressDirection> {
    match lz4 {
        Lz4::Both => Some(CompressDirection::Bi),
        Lz4::Down => Some(CompressDirection::OnlyDown),
        Lz4::Off => None,
        Lz4::Up => Some(CompressDirection::OnlyUp),
    }
}

/// The token of a login: `authToken` if it is there, else `Provision.auth`, else `MSync.auth`; the prefix may be missing.
fn token_of(auth: Option<&str>, asked: &Provision) -> Option<String> {
    let in_json = asked
        .auth_token
        .as_deref()
        .filter(|text| !text.is_empty())
        .and_then(|text| serde_json::from_str::<AuthToken>(text).ok())
        .map(|auth| auth.token);
    let token = in_json
        .or_else(|| asked.auth.clone())
        .or_else(|| auth.map(ToOwned::to_owned))
        .filter(|token| !token.is_empty())?;
    Some(token.strip_prefix(TOKEN_PREFIX).unwrap_or(&token).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_wherever_a_client_puts_it() {
        let json =
            |text: &str| Provision { auth_token: Some(text.to_owned()), ..Provision::default() };
        assert_eq!(token_of(None, &json("{\"token\":\"$t$A\"}")).as_deref(), Some("A"));
        assert_eq!(token_of(Some("$t$B"), &json("{\"token\":\"A\"}")).as_deref(), Some("A"));
        assert_eq!(token_of(Some("$t$B"), &json("")).as_deref(), Some("B"));
        let old = Provision { auth: Some("$t$C".to_owned()), ..Provision::default() };
        assert_eq!(token_of(None, &old).as_deref(), Some("C"));
        assert_eq!(token_of(None, &Provision::default()), None);
    }
}

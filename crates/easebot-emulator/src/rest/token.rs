//! Tokens: the three grants, and when one ends.

use std::time::Duration;

use easebot_model::{Secret, UserId};
use serde_json::{Value, json};

use super::{call::Call, reply::Reply, unknown, users::entity};
use crate::{
    refusal::HttpRefusal,
    world::{App, Cx, TokenOwner, TokenState, random_text},
};

/// What "never" is called in an answer that needs a time: the year 2100, in milliseconds since 1970.
const NEVER_MS: u64 = 4_102_444_800_000;

pub(super) fn route(
    method: &str,
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    if method != "POST" {
        return Err(unknown(call));
    }
    let ttl = match call.body.get("ttl") {
        None | Some(Value::Null) => cx.options.token_ttl,
        Some(_) => {
            let secs = call.number(&["ttl"]);
            Duration::from_secs(secs.ok_or_else(|| HttpRefusal::bad("wrong parameter value"))?)
        }
    };
    match call.required("grant_type")? {
        "client_credentials" => {
            let id = call.required("client_id")?;
            let secret = call.required("client_secret")?;
            if id != cx.options.client_id {
                return Err(invalid_grant(400, "client_id does not match"));
            }
            if secret != cx.options.client_secret.reveal() {
                return Err(invalid_grant(400, "client_secret does not match"));
            }
            let token = app.issue_token(cx.now, TokenOwner::App, ttl);
            Ok(Reply::bare(json!({
                "access_token": token,
                "expires_in": ttl.as_secs(),
                "application": app.uuid,
            })))
        }
        "password" => {
            let name = UserId::new(call.required("username")?);
            let password = call.required("password")?;
            let user = app.user(&name).ok_or_else(|| invalid_grant(404, "user not found"))?;
            if user.password.reveal() != password {
                return Err(invalid_grant(400, "invalid password"));
            }
            issue(app, cx, &name, ttl)
        }
        "inherit" => {
            call.require_admin(app, cx)?;
            let name = UserId::new(call.required("username")?);
            if app.user(&name).is_none() {
                if call.flag(&["autoCreateUser"]) != Some(true) {
                    let text = format!("user {name} not found");
                    return Err(HttpRefusal::new(404, "entity_not_found", text));
                }
                if !name.is_legal() {
                    return Err(HttpRefusal::bad(format!("username [{name}] is not legal")));
                }
                app.register(cx.now, &name, Secret::new(random_text(32)), None);
            }
            issue(app, cx, &name, ttl)
        }
        other => Err(HttpRefusal::bad(format!("grant_type {other} is not supported"))),
    }
}

/// When the token of the request ends.
pub(super) fn expires(
    call: &Call,
    app: &App,
    cx: &Cx<'_>,
    user: &str,
) -> Result<Reply, HttpRefusal> {
    call.require(app, cx, &UserId::new(user))?;
    let token = call.bearer().map(Secret::reveal).unwrap_or_default();
    let expires_ms = match app.token(cx.now, token) {
        TokenState::Valid { expires_ms, .. } => expires_ms,
        TokenState::Expired(_) | TokenState::Unknown => None,
    };
    Ok(Reply::bare(json!({ "expire_timestamp": expires_ms.unwrap_or(NEVER_MS) })))
}

fn issue(app: &mut App, cx: &Cx<'_>, name: &UserId, ttl: Duration) -> Result<Reply, HttpRefusal> {
    let user: Value = match app.user(name) {
        Some(user) if !user.activated => return Err(invalid_grant(400, "user not activated")),
        Some(user) => entity(name, user),
        None => return Err(invalid_grant(404, "user not found")),
    };
    let token = app.issue_token(cx.now, TokenOwner::User(name.clone()), ttl);
    Ok(Reply::bare(json!({ "access_token": token, "expires_in": ttl.as_secs(), "user": user })))
}

fn invalid_grant(status: u16, description: &str) -> HttpRefusal {
    HttpRefusal::new(status, "invalid_grant", description)
}

//! Users: registering, changing, banning, and who is online.

use easebot_model::{Resource, Secret, UserId};
use easebot_msync::schema::statistics_body::Operation;
use serde_json::{Map, Value, json};

use super::{
    call::{Call, no_right},
    reply::Reply,
    unknown,
};
use crate::{
    refusal::HttpRefusal,
    world::{App, Cx, TokenOwner, User},
};

/// Largest number of users in one registration. Source: Easemob's REST documentation, "user system".
const MAX_BATCH: usize = 60;
/// What a user's push settings are called. Source: Easemob's REST documentation, "push".
const PUSH_FIELDS: [&str; 4] =
    ["device_id", "device_token", "notification_display_style", "notifier_name"];
/// Largest password and nickname in characters. Sources: Easemob's REST documentation, "user system" and "push".
const MAX_PASSWORD: usize = 64;
const MAX_NICKNAME: usize = 100;
/// Largest number of users who are asked about at once. Source: Easemob's REST documentation, "user system".
const MAX_ASKED: usize = 100;

pub(super) fn route(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    match (method, path) {
        ("POST", ["users"]) => register(call, app, cx),
        ("GET", ["users"]) => {
            call.require_admin(app, cx)?;
            let all = app.users().map(|(name, user)| entity(name, user)).collect();
            let (page, cursor) = call.page::<Value>(all);
            let n_entities = page.len();
            Ok(Reply::entities(page).with("count", n_entities).with_some("cursor", cursor))
        }
        ("DELETE", ["users"]) => {
            call.require_admin(app, cx)?;
            let oldest: Vec<UserId> = app.users().map(|(name, _)| name.clone()).collect();
            let limit = call.param("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
            let mut entities = Vec::new();
            for name in oldest.into_iter().take(limit) {
                entities.extend(delete(app, cx, &name)?);
            }
            let n_entities = entities.len();
            Ok(Reply::entities(entities).with("count", n_entities))
        }
        ("POST", ["users", "batch", "status"]) => {
            call.require_admin(app, cx)?;
            let names = call.names("usernames");
            if names.is_empty() || names.len() > MAX_ASKED {
                let text = format!("usernames must hold 1 to {MAX_ASKED} names");
                return Err(HttpRefusal::bad(text));
            }
            let statuses = names.into_iter().map(|name| {
                Value::Object(Map::from_iter([(name.to_string(), online_word(app, &name))]))
            });
            Ok(Reply::data(statuses.collect::<Vec<_>>()))
        }
        (_, ["users", name, rest @ ..]) => {
            let name = UserId::new(name);
            one(method, &name, rest, call, app, cx)
        }
        _ => Err(unknown(call)),
    }
}

/// Everything below `users/{name}`.
fn one(
    method: &str,
    name: &UserId,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    match (method, path) {
        ("GET" | "PUT", []) | ("GET", ["resources"]) => call.require(app, cx, name)?,
        (
            _,
            []
            | [
                "activate" | "deactivate" | "disconnect" | "offline_msg_count" | "password"
                | "resources" | "status",
            ]
            | ["disconnect" | "offline_msg_status", _],
        ) => call.require_admin(app, cx)?,
        _ => return Err(unknown(call)),
    }
    let user = app.user_mut(name).ok_or_else(|| HttpRefusal::no_user(name.as_str()))?;
    let keyed = |value: Value| Reply::data(Map::from_iter([(name.to_string(), value)]));
    match (method, path) {
        ("GET", []) => Ok(Reply::entities(vec![entity(name, user)])),
        ("PUT", []) => {
            if let Some(nickname) = call.typed_text(&["nickname"])? {
                at_most(nickname, MAX_NICKNAME, "nickname")?;
                user.nickname = Some(nickname.to_owned());
            }
            for (key, value) in call.body.as_object().into_iter().flatten() {
                if PUSH_FIELDS.contains(&key.as_str()) {
                    user.push.insert(key.clone(), value.clone());
                }
            }
            user.modified_ms = cx.now;
            Ok(Reply::entities(vec![entity(name, user)]))
        }
        ("DELETE", []) => Ok(Reply::entities(delete(app, cx, name)?.into_iter().collect())),
        ("PUT", ["password"]) => {
            let password = call.required("newpassword")?;
            at_most(password, MAX_PASSWORD, "password")?;
            user.password = Secret::new(password);
            user.modified_ms = cx.now;
            app.revoke_tokens(cx.now, name);
            app.kick(cx, name, None, Operation::UserKickedByChangePassword, None);
            Ok(Reply::empty().with("action", "set user password"))
        }
        ("POST", ["deactivate"]) => {
            user.activated = false;
            let entities = vec![entity(name, user)];
            app.revoke_tokens(cx.now, name);
            app.kick(cx, name, None, Operation::UserKickedByOtherDevice, None);
            Ok(Reply::entities(entities).with("action", "Deactivate user"))
        }
        ("POST", ["activate"]) => {
            user.activated = true;
            Ok(Reply::entities(vec![entity(name, user)]).with("action", "activate user"))
        }
        ("GET", ["disconnect"]) => {
            app.kick(cx, name, None, Operation::UserKickedByOtherDevice, None);
            Ok(Reply::data(json!({ "result": true })))
        }
        ("DELETE", ["disconnect", device]) => {
            let device = Resource::new(device);
            let operation = Operation::UserKickedByOtherDevice;
            let n_devices = app.kick(cx, name, Some(&device), operation, None);
            Ok(Reply::data(json!({ "result": n_devices > 0 })))
        }
        ("GET", ["status"]) => Ok(keyed(online_word(app, name))),
        ("GET", ["resources"]) => Ok(Reply::data(devices(user))),
        ("GET", ["offline_msg_status", id]) => {
            let waits = id.parse().is_ok_and(|number| user.mailbox.holds(number));
            let status = if waits { "undelivered" } else { "delivered" };
            Ok(Reply::data(Map::from_iter([((*id).to_owned(), json!(status))])))
        }
        ("GET", ["offline_msg_count"]) => Ok(keyed(json!(user.mailbox.n_waiting()))),
        _ => Err(unknown(call)),
    }
}

/// Removes a user with all that is theirs, and returns what they were.
fn delete(app: &mut App, cx: &mut Cx<'_>, name: &UserId) -> Result<Option<Value>, HttpRefusal> {
    app.kick(cx, name, None, Operation::UserRemoved, None);
    app.uproot(cx, name)?;
    Ok(app.remove_user(cx.now, name).map(|user| entity(name, &user)))
}

/// Registers one user openly, or one or many for the administrator.
fn register(call: &Call, app: &mut App, cx: &Cx<'_>) -> Result<Reply, HttpRefusal> {
    let body = &call.body;
    if call.bearer().is_some() {
        if call.caller(app, cx)? != TokenOwner::App {
            return Err(no_right());
        }
    } else if !cx.options.open_registration {
        return Err(HttpRefusal::new(
            401,
            "unauthorized",
            "Open registration doesn't allow, so register user need token",
        ));
    } else if body.is_array() {
        return Err(no_right());
    }
    let Some(list) = body.as_array() else {
        let name = register_one(body, app, cx)?;
        let user = app.user(&name).map(|user| entity(&name, user));
        return Ok(Reply::entities(user.into_iter().collect()));
    };
    if list.len() > MAX_BATCH {
        return Err(HttpRefusal::bad(format!("at most {MAX_BATCH} users in one request")));
    }
    let (mut entities, mut failures) = (Vec::new(), Vec::new());
    for item in list {
        match register_one(item, app, cx) {
            Ok(name) => entities.extend(app.user(&name).map(|user| entity(&name, user))),
            Err(refusal) => failures.push(json!({
                "username": item.get("username"),
                "registerUserFailReason": refusal.description,
            })),
        }
    }
    Ok(Reply::entities(entities).with("data", failures))
}

fn register_one(item: &Value, app: &mut App, cx: &Cx<'_>) -> Result<UserId, HttpRefusal> {
    let text = |key: &str| item.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = UserId::new(text("username").unwrap_or_default());
    if !name.is_legal() {
        return Err(HttpRefusal::bad(format!("username [{name}] is not legal")));
    }
    let password =
        text("password").ok_or_else(|| HttpRefusal::bad("password or pin must provided"))?;
    at_most(password, MAX_PASSWORD, "password")?;
    let nickname = text("nickname").map(ToOwned::to_owned);
    at_most(nickname.as_deref().unwrap_or_default(), MAX_NICKNAME, "nickname")?;
    if app.register(cx.now, &name, Secret::new(password), nickname) {
        return Ok(name);
    }
    Err(HttpRefusal::new(
        400,
        "duplicate_unique_property_exists",
        format!(
            "Application {} Entity user requires that property named username be unique, value of {name} exists",
            app.uuid
        ),
    ))
}

fn at_most(text: &str, limit: usize, what: &str) -> Result<(), HttpRefusal> {
    if text.chars().count() > limit {
        return Err(HttpRefusal::bad(format!("{what} has more than {limit} characters")));
    }
    Ok(())
}

/// A user as REST shows it.
pub(super) fn entity(name: &UserId, user: &User) -> Value {
    let mut entity = json!({
        "uuid": user.uuid,
        "type": "user",
        "created": user.created_ms,
        "modified": user.modified_ms,
        "username": name.as_str(),
        "activated": user.activated,
    });
    if let Some(fields) = entity.as_object_mut() {
        fields.extend(user.nickname.iter().map(|name| ("nickname".to_owned(), json!(name))));
        fields.extend(user.push.clone());
    }
    entity
}

fn devices(user: &User) -> Vec<Value> {
    let online = user.devices.iter().filter(|(_, device)| device.link.is_some());
    online
        .map(|(resource, device)| {
            json!({
                "res": resource.as_str(),
                "device_uuid": device.uuid,
                "device_name": device.name,
            })
        })
        .collect()
}

fn online_word(app: &App, name: &UserId) -> Value {
    let is_online = app.user(name).is_some_and(User::is_online);
    json!(if is_online { "online" } else { "offline" })
}

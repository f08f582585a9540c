//! What groups and chat rooms have alike over REST: admins, mutes, block lists, allow lists, announcements, shared files.

mod files;

use easebot_model::{Resource, UserId};
use serde_json::{Map, Value, json};

use super::{call::Call, reply::Reply, unknown};
use crate::{
    refusal::HttpRefusal,
    world::{Actor, App, Cx, FOR_EVER_MS, Place, Role, TokenOwner},
};

/// Longest announcement in characters. Source: Easemob's REST documentation, "group announcements".
const MAX_ANNOUNCEMENT: usize = 512;
/// Largest number of users in one request. Source: Easemob's REST documentation, "group members".
pub(super) const MAX_NAMES: usize = 60;

/// Who asks for something in a place. The administrator of the app counts as the owner.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub(super) me: UserId,
    pub(super) role: Role,
    pub(super) is_app: bool,
    device: Option<Resource>,
}

impl Visitor {
    pub(super) fn of(
        call: &Call,
        app: &App,
        cx: &Cx<'_>,
        place: &Place,
        owner: &UserId,
    ) -> Result<Self, HttpRefusal> {
        let device = call.acting();
        Ok(match call.caller(app, cx)? {
            TokenOwner::App => {
                Self { me: owner.clone(), role: Role::Owner, is_app: true, device: None }
            }
            TokenOwner::User(me) => {
                let role = app.role_in(place, &me);
                Self { me, role, is_app: false, device }
            }
        })
    }

    pub(super) const fn actor(&self) -> Actor<'_> {
        Actor { user: &self.me, device: self.device.as_ref() }
    }

    /// Passes who is at least `role`.
    pub(super) fn require(&self, role: Role, place: &Place) -> Result<(), HttpRefusal> {
        if self.role >= role {
            return Ok(());
        }
        let (me, id) = (&self.me, place.id());
        Err(HttpRefusal::forbidden(match role {
            Role::Admin => format!("user:{me} is not admin of group:{id}"),
            Role::Owner => format!("user:{me} is not owner of group:{id}"),
            Role::Member | Role::Outsider => {
                format!("users [{me}] are not members of this group!")
            }
        }))
    }
}

/// Everything below a group or chat room that both have.
pub(super) fn route(
    method: &str,
    place: &Place,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    visitor: &Visitor,
) -> Result<Reply, HttpRefusal> {
    let actor = visitor.actor();
    match (method, path) {
        ("GET", ["admin"]) => {
            visitor.require(Role::Member, place)?;
            Ok(Reply::data(json!(app.rules(place)?.admins)))
        }
        ("POST", ["admin"]) => {
            visitor.require(Role::Owner, place)?;
            let user = UserId::new(call.required("newadmin")?);
            app.set_admin(cx, place, actor, &user, true)?;
            Ok(Reply::data(json!({ "result": "success", "newadmin": user })))
        }
        ("DELETE", ["admin", user]) => {
            visitor.require(Role::Owner, place)?;
            let user = UserId::new(user);
            app.set_admin(cx, place, actor, &user, false)?;
            Ok(Reply::data(json!({ "result": "success", "oldadmin": user })))
        }
        (_, ["mute", rest @ ..]) => mutes(method, place, rest, call, app, cx, visitor),
        ("POST" | "DELETE", ["ban"]) => {
            visitor.require(Role::Admin, place)?;
            let is_muted = method == "POST";
            app.mute_all(cx, place, actor, is_muted)?;
            Ok(Reply::data(json!({ "mute": is_muted })))
        }
        (_, ["blocks", "users", rest @ ..]) => blocks(method, place, rest, call, app, cx, visitor),
        (_, ["white", "users", rest @ ..]) => allowed(method, place, rest, call, app, cx, visitor),
        ("GET", ["announcement"]) => {
            visitor.require(Role::Member, place)?;
            Ok(Reply::data(json!({ "announcement": app.rules(place)?.announcement })))
        }
        ("POST", ["announcement"]) => {
            visitor.require(Role::Admin, place)?;
            let text = call.body.get("announcement").and_then(Value::as_str);
            let text = text.ok_or_else(|| HttpRefusal::bad("announcement must be provided"))?;
            if text.chars().count() > MAX_ANNOUNCEMENT {
                let text = format!("an announcement has at most {MAX_ANNOUNCEMENT} characters");
                return Err(HttpRefusal::new(400, "invalid_parameter", text));
            }
            app.announce_in(cx, place, actor, text)?;
            Ok(Reply::data(json!({ "id": place.id(), "result": true })))
        }
        (_, ["share_files", rest @ ..]) => {
            visitor.require(Role::Member, place)?;
            files::route(method, place, rest, call, app, cx, visitor)
        }
        ("GET", ["user", user, "is_joined"]) => {
            Ok(Reply::data(app.role_in(place, &UserId::new(user)) != Role::Outsider))
        }
        _ => Err(unknown(call)),
    }
}

fn mutes(
    method: &str,
    place: &Place,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    visitor: &Visitor,
) -> Result<Reply, HttpRefusal> {
    visitor.require(Role::Admin, place)?;
    let now = cx.now;
    match (method, path) {
        ("GET", []) => {
            let rules = app.rules(place)?;
            let muted = rules.mutes.keys().filter_map(|user| {
                Some(json!({ "expire": rules.muted_until(now, user)?, "user": user }))
            });
            Ok(Reply::page(call, muted.collect()))
        }
        ("POST", []) => {
            let users = named(call, &["usernames", "username"])?;
            let until = match call.signed("mute_duration") {
                Some(duration_ms) => u64::try_from(duration_ms)
                    .map_or(FOR_EVER_MS, |duration_ms| now.saturating_add(duration_ms)),
                None => return Err(HttpRefusal::bad("mute_duration must be provided")),
            };
            let until = until.min(FOR_EVER_MS);
            each(place, "add_mute", users, Shape::List, |user| {
                app.mute(cx, place, visitor.actor(), user, until)?;
                Ok(Some(("expire", json!(until))))
            })
        }
        ("DELETE", [users]) => each(place, "remove_mute", listed(users), Shape::List, |user| {
            app.unmute(cx, place, visitor.actor(), user)?;
            Ok(None)
        }),
        _ => Err(unknown(call)),
    }
}

fn blocks(
    method: &str,
    place: &Place,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    visitor: &Visitor,
) -> Result<Reply, HttpRefusal> {
    visitor.require(Role::Admin, place)?;
    let (users, shape) = match (method, path) {
        ("GET", []) => {
            let blocked = app.rules(place)?.blocked.iter().map(|user| json!(user));
            return Ok(Reply::page(call, blocked.collect()));
        }
        ("POST", []) => (named(call, &["usernames"])?, Shape::List),
        ("POST" | "DELETE", [users]) => (listed(users), Shape::of(users)),
        _ => return Err(unknown(call)),
    };
    let actor = visitor.actor();
    if method == "POST" {
        each(place, "add_blocks", users, shape, |user| {
            app.block_in(cx, place, actor, user)?;
            Ok(None)
        })
    } else {
        each(place, "remove_blocks", users, shape, |user| {
            app.unblock_in(cx, place, actor, user)?;
            Ok(None)
        })
    }
}

fn allowed(
    method: &str,
    place: &Place,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    visitor: &Visitor,
) -> Result<Reply, HttpRefusal> {
    if let ("GET", [user]) = (method, path) {
        let user = UserId::new(user);
        visitor.require(if user == visitor.me { Role::Member } else { Role::Admin }, place)?;
        let is_allowed = app.rules(place)?.allowed.contains(&user);
        return Ok(Reply::data(json!({ "member": user, "white": is_allowed })));
    }
    visitor.require(Role::Admin, place)?;
    let (users, shape) = match (method, path) {
        ("GET", []) => return Ok(Reply::data(json!(app.rules(place)?.allowed))),
        ("POST", []) => (named(call, &["usernames"])?, Shape::List),
        ("POST", [user]) => (listed(user), Shape::of(user)),
        ("DELETE", [users]) => (listed(users), Shape::List),
        _ => return Err(unknown(call)),
    };
    let is_allowed = method == "POST";
    let action = if is_allowed { "add_user_whitelist" } else { "remove_user_whitelist" };
    each(place, action, users, shape, |user| {
        app.set_allowed(cx, place, visitor.actor(), user, is_allowed)?;
        Ok(None)
    })
}

/// Whether `user`, who asks for themselves, is muted in `place`.
pub(super) fn own_mute(
    call: &Call,
    app: &App,
    cx: &Cx<'_>,
    place: &Place,
    user: &str,
) -> Result<Reply, HttpRefusal> {
    let user = UserId::new(user);
    call.require(app, cx, &user)?;
    let until = app.rules(place)?.muted_until(cx.now, &user);
    Ok(Reply::data(until.is_some()).with("expire", until.unwrap_or_default()))
}

/// How the answer shows what became of users.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// A list, failures in it.
    List,
    /// One object; a failure is that of the request.
    One,
}

impl Shape {
    /// Of users that are named in a path.
    pub(super) fn of(users: &str) -> Self {
        if users.contains(',') { Self::List } else { Self::One }
    }
}

/// Does something to each of `users`. What it returns beside goes into the answer.
pub(super) fn each(
    place: &Place,
    action: &str,
    users: Vec<UserId>,
    shape: Shape,
    mut f: impl FnMut(&UserId) -> Result<Option<(&'static str, Value)>, HttpRefusal>,
) -> Result<Reply, HttpRefusal> {
    let mut results = Vec::with_capacity(users.len());
    for user in users {
        let outcome = f(&user);
        let mut result = done(place, action, &user);
        match outcome {
            Err(refusal) if shape == Shape::One => return Err(refusal),
            Err(refusal) => {
                result.insert("result".to_owned(), Value::Bool(false));
                result.insert("reason".to_owned(), Value::String(refusal.description));
            }
            Ok(more) => result.extend(more.map(|(key, value)| (key.to_owned(), value))),
        }
        results.push(Value::Object(result));
    }
    match shape {
        Shape::List => Ok(Reply::data(results)),
        Shape::One => Ok(Reply::data(results.pop().unwrap_or_default())),
    }
}

/// "It is done", in the words of groups or of rooms.
pub(super) fn done(place: &Place, action: &str, user: &UserId) -> Map<String, Value> {
    let id_key = match place {
        Place::Group(_) => "groupid",
        Place::Room(_) => "chatroomid",
    };
    Map::from_iter([
        ("action".to_owned(), json!(action)),
        ("id".to_owned(), json!(place.id())),
        (id_key.to_owned(), json!(place.id())),
        ("result".to_owned(), Value::Bool(true)),
        ("user".to_owned(), json!(user)),
    ])
}

/// The users that a body names under the first of `keys` that names any.
pub(super) fn named(call: &Call, keys: &[&str]) -> Result<Vec<UserId>, HttpRefusal> {
    let users = keys.iter().map(|key| call.names(key)).find(|users| !users.is_empty());
    let users = users.unwrap_or_default();
    if users.is_empty() || users.len() > MAX_NAMES {
        let text = format!("usernames must hold 1 to {MAX_NAMES} names");
        return Err(HttpRefusal::new(400, "invalid_parameter", text));
    }
    Ok(users)
}

/// The users that a path names, with commas.
pub(super) fn listed(users: &str) -> Vec<UserId> {
    users.split(',').filter(|user| !user.is_empty()).map(UserId::new).collect()
}

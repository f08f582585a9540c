//! Attributes over REST: of users, of members of groups, of chat rooms.

use easebot_model::{GroupId, RoomId, UserId};
use serde_json::{Map, Value, json};

use super::{call::Call, places::Visitor, reply::Reply, unknown};
use crate::{
    refusal::HttpRefusal,
    world::{App, Attributes, Channel, Cx, Place, Role, RoomChange, TokenOwner, size},
};

/// Largest number of users asked for at once. Source: Easemob's REST documentation, "user attributes".
const MAX_TARGETS: usize = 100;

pub(super) fn route(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    match path {
        ["metadata", "user", rest @ ..] => users(method, rest, call, app, cx),
        ["sdk", "metadata", "chatgroup", id, rest @ ..]
        | ["metadata", "chatgroup", id, rest @ ..] => {
            members(method, &GroupId::new(id), rest, call, app, cx)
        }
        ["sdk", "metadata", "chatroom", id, rest @ ..]
        | ["metadata", "chatroom", id, rest @ ..] => {
            rooms(method, &RoomId::new(id), rest, call, app, cx)
        }
        _ => Err(unknown(call)),
    }
}

fn users(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    match (method, path) {
        ("POST", ["get"]) => {
            call.caller(app, cx)?;
            let targets = call.names("targets");
            if targets.is_empty() || targets.len() > MAX_TARGETS {
                return Err(HttpRefusal::bad(format!(
                    "targets must hold 1 to {MAX_TARGETS} names"
                )));
            }
            let properties = call.texts("properties");
            let found = targets.into_iter().map(|name| {
                let all = app.user(&name).map(|user| &user.attributes);
                (name.to_string(), chosen(all, &properties))
            });
            Ok(Reply::data(found.collect::<Map<_, _>>()))
        }
        ("GET", ["capacity"]) => {
            call.require_admin(app, cx)?;
            Ok(Reply::data(app.users().map(|(_, user)| size(&user.attributes)).sum::<usize>()))
        }
        ("PUT", [name]) => {
            let name = UserId::new(name);
            call.require(app, cx, &name)?;
            let attributes = app.set_user_attributes(&name, call.form())?;
            Ok(Reply::data(json!(attributes)))
        }
        ("GET", [name]) => {
            let name = UserId::new(name);
            call.require(app, cx, &name)?;
            Ok(Reply::data(chosen(app.user(&name).map(|user| &user.attributes), &[])))
        }
        ("DELETE", [name]) => {
            call.require_admin(app, cx)?;
            if let Some(user) = app.user_mut(&UserId::new(name)) {
                user.attributes.clear();
            }
            Ok(Reply::data(true))
        }
        _ => Err(unknown(call)),
    }
}

fn members(
    method: &str,
    id: &GroupId,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let place = Place::Group(id.clone());
    let visitor = Visitor::of(call, app, cx, &place, app.group(id)?.owner())?;
    visitor.require(Role::Member, &place)?;
    match (method, path) {
        ("PUT", ["user", user]) => {
            let user = UserId::new(user);
            if user != visitor.me {
                visitor.require(Role::Admin, &place)?;
            }
            let values = texts(call.body.get("metaData"));
            app.set_member_attributes(cx, id, visitor.actor(), &user, &values)?;
            Ok(Reply::data(json!(values)))
        }
        ("PUT", ["users", "batch"]) => {
            visitor.require(Role::Admin, &place)?;
            let values = texts(call.body.get("metaData"));
            let users = [call.names("usernames"), call.names("userIds")].concat();
            for user in &users {
                app.set_member_attributes(cx, id, visitor.actor(), user, &values)?;
            }
            Ok(Reply::data(json!({ "success": users })))
        }
        ("GET", ["user", user]) => {
            Ok(Reply::data(chosen(app.group(id)?.attributes.get(&UserId::new(user)), &[])))
        }
        ("POST", ["get"]) => {
            let attributes = &app.group(id)?.attributes;
            let properties = call.texts("properties");
            let found = call.names("targets").into_iter().map(|name| {
                let all = attributes.get(&name);
                (name.to_string(), chosen(all, &properties))
            });
            Ok(Reply::data(found.collect::<Map<_, _>>()))
        }
        _ => Err(unknown(call)),
    }
}

fn rooms(
    method: &str,
    id: &RoomId,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let place = Place::Room(id.clone());
    let owner = app.rooms.get(id).map(|room| room.owner.clone());
    let owner = owner.ok_or_else(|| HttpRefusal::no_group(id.as_str()))?;
    let caller = call.caller(app, cx)?;
    let (user, is_forced) = match (method, path) {
        ("GET" | "POST", []) => {
            if let TokenOwner::User(user) = &caller {
                app.require_access(user, &Channel::Muc(id.to_string()))?;
            }
            let keys = call.texts("keys");
            let room = app.rooms.get(id).map(|room| &room.attributes);
            let all = room.into_iter().flatten().map(|(key, attribute)| (key, &attribute.value));
            let meant = all.filter(|(key, _)| keys.is_empty() || keys.contains(&key.as_str()));
            let found = meant.map(|(key, value)| (key.clone(), json!(value)));
            return Ok(Reply::data(found.collect::<Map<_, _>>()));
        }
        ("PUT" | "DELETE", ["user", user]) => (UserId::new(user), false),
        ("PUT" | "DELETE", ["user", user, "forced"]) => (UserId::new(user), true),
        _ => return Err(unknown(call)),
    };
    call.require(app, cx, &user)?;
    let mut visitor = Visitor::of(call, app, cx, &place, &owner)?;
    visitor.me = user;
    let change = if method == "PUT" {
        let goes_with_owner = call.text(&["autoDelete"]) != Some("NO_DELETE");
        RoomChange::Set { values: texts(call.body.get("metaData")), goes_with_owner }
    } else {
        RoomChange::Delete(call.texts("keys").into_iter().map(ToOwned::to_owned).collect())
    };
    let outcome = app.change_room_attributes(cx, id, visitor.actor(), change, is_forced)?;
    Ok(Reply::data(json!({ "successKeys": outcome.done, "errorKeys": outcome.failed })))
}

/// Those of `all` that are asked for; all of them when none is named.
fn chosen(all: Option<&Attributes>, properties: &[&str]) -> Value {
    let all = all.into_iter().flatten();
    let meant = all.filter(|(key, _)| properties.is_empty() || properties.contains(&key.as_str()));
    Value::Object(meant.map(|(key, value)| (key.clone(), json!(value))).collect())
}

/// The fields of an object, each as a text.
fn texts(object: Option<&Value>) -> Attributes {
    let fields = object.and_then(Value::as_object).into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    fields.map(|(key, value)| (key.clone(), text(value))).collect()
}

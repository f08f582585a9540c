//! Chat rooms over REST. Joining and leaving go over the WebSocket.

use easebot_model::{RoomId, UserId};
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    places::{self, Shape, Visitor, each, listed, named},
    reply::Reply,
    unknown,
};
use crate::{
    refusal::HttpRefusal,
    world::{App, Cx, Place, Role, Room, RoomDraft, TokenOwner},
};

pub(super) fn route(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let caller = call.caller(app, cx)?;
    match (method, path) {
        ("GET", ["users", user, "joined_chatrooms"]) => {
            let user = UserId::new(user);
            call.require(app, cx, &user)?;
            let joined = app.rooms.iter().filter(|(_, room)| room.is_affiliated(&user));
            let all = joined.map(|(id, room)| {
                json!({
                    "id": id,
                    "title": room.name,
                    "owner": format!("{}_{}", app.key, room.owner),
                    "created": room.created_ms,
                    "description": room.description,
                    "max_users": room.max_users,
                })
            });
            Ok(Reply::page(call, all.collect()))
        }
        ("POST", ["chatrooms"]) => create(call, app, cx, &caller),
        (_, ["chatrooms", "super_admin", rest @ ..]) => makers(method, rest, call, app, cx),
        ("GET", ["chatrooms"]) => {
            let all = app.rooms.iter().map(|(id, room)| {
                json!({
                    "id": id,
                    "name": room.name,
                    "owner": format!("{}_{}", app.key, room.owner),
                    "affiliations_count": room.n_affiliated(),
                })
            });
            Ok(Reply::page(call, all.collect()))
        }
        ("GET", ["sdk", "chatrooms", id, "mute", user]) => {
            places::own_mute(call, app, cx, &Place::Room(RoomId::new(id)), user)
        }
        (_, ["chatrooms", id, rest @ ..]) => one(method, &RoomId::new(id), rest, call, app, cx),
        _ => Err(unknown(call)),
    }
}

/// Everything below `chatrooms/{id}`.
fn one(
    method: &str,
    id: &RoomId,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let place = Place::Room(id.clone());
    let room = app.rooms.get(id).ok_or_else(|| HttpRefusal::no_group(id.as_str()))?;
    let visitor = Visitor::of(call, app, cx, &place, &room.owner)?;
    let actor = visitor.actor();
    match (method, path) {
        ("GET", []) => Ok(Reply::data(vec![detail(id, room)]).with("count", 1)),
        ("PUT", []) => {
            let is_transfer = call.text(&["newowner"]).is_some();
            visitor.require(if is_transfer { Role::Owner } else { Role::Admin }, &place)?;
            modify(call, app, cx, id, &visitor)
        }
        ("DELETE", []) => {
            visitor.require(Role::Owner, &place)?;
            app.destroy_room(cx, id, actor.device);
            Ok(Reply::data(json!({ "success": true, "id": id })))
        }
        ("GET", ["users"]) => Ok(Reply::page(call, members(room))),
        ("POST", ["users"]) => {
            visitor.require(Role::Admin, &place)?;
            let names = named(call, &["usernames"])?;
            // Before anybody is in.
            app.require_users(&names)?;
            for name in &names {
                add(app, cx, id, name)?;
            }
            Ok(Reply::data(json!({ "newmembers": names, "id": id, "action": "add_member" })))
        }
        ("POST", ["users", user]) => {
            visitor.require(Role::Admin, &place)?;
            each(&place, "add_member", listed(user), Shape::of(user), |user| {
                add(app, cx, id, user)?;
                Ok(None)
            })
        }
        ("DELETE", ["users", users]) => {
            visitor.require(Role::Admin, &place)?;
            each(&place, "remove_member", listed(users), Shape::of(users), |user| {
                if app.remove_from_room(cx, actor, user, id) {
                    return Ok(None);
                }
                let text = format!("users [{user}] are not members of this group!");
                Err(HttpRefusal::forbidden(text))
            })
        }
        _ => places::route(method, &place, path, call, app, cx, &visitor),
    }
}

/// Makes a room: for the administrator of the app, or for who may make rooms.
fn create(
    call: &Call,
    app: &mut App,
    cx: &Cx<'_>,
    caller: &TokenOwner,
) -> Result<Reply, HttpRefusal> {
    let owner = match (call.text(&["owner"]), caller) {
        (Some(owner), _) => UserId::new(owner),
        (None, TokenOwner::User(user)) => user.clone(),
        (None, TokenOwner::App) => call.required("owner").map(UserId::new)?,
    };
    if let TokenOwner::User(user) = caller
        && !app.room_makers.is_empty()
        && !app.room_makers.contains(user)
    {
        return Err(HttpRefusal::forbidden(format!("user: {user} is not chatroom super admin!")));
    }
    let members = call.names("members");
    for name in members.iter().chain([&owner]) {
        if app.user(name).is_none() {
            return Err(HttpRefusal::no_such_username(name.as_str()));
        }
    }
    let mut draft = RoomDraft::new(call.typed_text(&["name"])?.unwrap_or_default(), owner);
    let description = call.typed_text(&["description", "desc"])?;
    description.unwrap_or_default().clone_into(&mut draft.description);
    draft.members = members;
    if let Some(max_users) = call.typed_number(&["maxusers"])? {
        draft.max_users = usize::try_from(max_users).unwrap_or(usize::MAX);
    }
    let id = app.next_muc_id();
    app.create_room(cx.now, RoomId::new(&id), draft);
    Ok(Reply::data(json!({ "id": id })))
}

/// Changes what the request names, or gives the room to another of those in it.
fn modify(
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    id: &RoomId,
    visitor: &Visitor,
) -> Result<Reply, HttpRefusal> {
    if let Some(owner) = call.typed_text(&["newowner"])?.map(UserId::new) {
        let role = app.role_in(&Place::Room(id.clone()), &owner);
        if role == Role::Owner {
            return Err(HttpRefusal::forbidden("new owner and old owner are the same"));
        }
        if role == Role::Outsider {
            let text = format!("users [{owner}] are not members of this group!");
            return Err(HttpRefusal::forbidden(text));
        }
        app.modify_room(cx, id, visitor.actor(), |room| room.owner = owner)?;
        return Ok(Reply::data(json!({ "newowner": true })));
    }
    let name = call.typed_text(&["groupname", "name"])?;
    let description = call.typed_text(&["description", "desc"])?;
    let max_users = call.typed_number(&["maxusers"])?.and_then(|max| usize::try_from(max).ok());
    app.modify_room(cx, id, visitor.actor(), |room| {
        name.unwrap_or(&room.name.clone()).clone_into(&mut room.name);
        description.unwrap_or(&room.description.clone()).clone_into(&mut room.description);
        room.max_users = max_users.unwrap_or(room.max_users);
    })?;
    let keys = call.body.as_object().into_iter().flatten().map(|(key, _)| key.clone());
    Ok(Reply::data(keys.map(|key| (key, Value::Bool(true))).collect::<Map<_, _>>()))
}

/// Who may make rooms. While there is nobody, everybody may.
fn makers(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    call.require_admin(app, cx)?;
    match (method, path) {
        ("GET", []) => {
            let all = app.room_makers.iter().map(|user| json!(user)).collect();
            Ok(Reply::page(call, all))
        }
        ("POST", []) => {
            let user = UserId::new(call.required("superadmin")?);
            if app.user(&user).is_none() {
                return Err(HttpRefusal::no_such_username(user.as_str()));
            }
            app.room_makers.insert(user);
            Ok(Reply::data(json!({ "result": "success", "resource": "" })))
        }
        ("DELETE", [user]) => {
            let user = UserId::new(user);
            if !app.room_makers.remove(&user) {
                let text = format!("user: {user} is not chatroom super admin!");
                return Err(HttpRefusal::forbidden(text));
            }
            Ok(Reply::data(json!({ "newSuperAdmin": user, "resource": "", "result": "success" })))
        }
        _ => Err(unknown(call)),
    }
}

fn add(app: &mut App, cx: &mut Cx<'_>, id: &RoomId, name: &UserId) -> Result<(), HttpRefusal> {
    if app.user(name).is_none() {
        return Err(HttpRefusal::no_such_username(name.as_str()));
    }
    app.add_to_room(cx, name, id)
}

fn members(room: &Room) -> Vec<Value> {
    let entry = |user: &UserId| {
        let role = room.role(user).word();
        Value::Object(Map::from_iter([(role.to_owned(), json!(user))]))
    };
    room.affiliated().map(entry).collect()
}

fn detail(id: &RoomId, room: &Room) -> Value {
    json!({
        "id": id,
        "name": room.name,
        "description": room.description,
        "membersonly": false,
        "allowinvites": false,
        "maxusers": room.max_users,
        "owner": room.owner,
        "created": room.created_ms,
        "custom": "",
        "mute": room.rules.is_muted,
        "affiliations_count": room.n_affiliated(),
        "affiliations": members(room),
        "public": true,
    })
}

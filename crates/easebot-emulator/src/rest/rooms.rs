//! Chat rooms over REST. Joining and leaving go over the WebSocket.

use easebot_model::{RoomId, UserId};
use serde_json::{Map, Value, json};

use super::{call::Call, reply::Reply, unknown};
use crate::{
    refusal::HttpRefusal,
    world::{App, Cx, Room, RoomDraft, TokenOwner},
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
        (_, ["chatrooms", id, rest @ ..]) => {
            one(method, &RoomId::new(id), rest, call, app, cx, &caller)
        }
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
    caller: &TokenOwner,
) -> Result<Reply, HttpRefusal> {
    let room = app.rooms.get(id).ok_or_else(|| HttpRefusal::no_group(id.as_str()))?;
    let runs_it = match caller {
        TokenOwner::App => true,
        TokenOwner::User(user) => *user == room.owner,
    };
    match (method, path) {
        ("GET", []) => Ok(Reply::data(vec![detail(id, room)]).with("count", 1)),
        ("GET", ["users"]) => Ok(Reply::page(call, members(room))),
        (_, _) if !runs_it => {
            Err(HttpRefusal::forbidden(format!("only the owner may change chat room {id}")))
        }
        ("DELETE", []) => {
            app.destroy_room(cx, id);
            Ok(Reply::data(json!({ "success": true, "id": id })))
        }
        ("POST", ["users"]) => {
            let names = call.names("usernames");
            add(app, cx, id, &names)?;
            Ok(Reply::data(json!({ "newmembers": names, "id": id, "action": "add_member" })))
        }
        ("POST", ["users", user]) => {
            let user = UserId::new(user);
            add(app, cx, id, std::slice::from_ref(&user))?;
            Ok(Reply::data(outcome("add_member", id, &user, true)))
        }
        ("DELETE", ["users", users]) => {
            let acting = call.acting();
            let mut results = users.split(',').map(UserId::new).map(|user| {
                let is_done = app.remove_from_room(cx, acting.as_ref(), &user, id);
                outcome("remove_member", id, &user, is_done)
            });
            if users.contains(',') {
                return Ok(Reply::data(results.collect::<Vec<_>>()));
            }
            match results.next() {
                Some(result) if result.get("result") == Some(&Value::Bool(true)) => {
                    Ok(Reply::data(result))
                }
                _ => Err(HttpRefusal::forbidden(format!(
                    "users [{users}] are not members of this group!"
                ))),
            }
        }
        _ => Err(unknown(call)),
    }
}

fn create(
    call: &Call,
    app: &mut App,
    cx: &Cx<'_>,
    caller: &TokenOwner,
) -> Result<Reply, HttpRefusal> {
    call.json()?;
    let owner = match (call.text(&["owner"]), caller) {
        (Some(owner), _) => UserId::new(owner),
        (None, TokenOwner::User(user)) => user.clone(),
        (None, TokenOwner::App) => call.required("owner").map(UserId::new)?,
    };
    let members = call.names("members");
    for name in members.iter().chain([&owner]) {
        if app.user(name).is_none() {
            return Err(HttpRefusal::no_such_username(name.as_str()));
        }
    }
    let mut draft = RoomDraft::new(call.text(&["name"]).unwrap_or_default(), owner);
    call.text(&["description", "desc"]).unwrap_or_default().clone_into(&mut draft.description);
    draft.members = members;
    if let Some(max_users) = call.number(&["maxusers"]) {
        draft.max_users = usize::try_from(max_users).unwrap_or(usize::MAX);
    }
    let id = app.next_muc_id();
    app.create_room(cx.now, RoomId::new(&id), draft);
    Ok(Reply::data(json!({ "id": id })))
}

fn add(app: &mut App, cx: &mut Cx<'_>, id: &RoomId, names: &[UserId]) -> Result<(), HttpRefusal> {
    if let Some(name) = names.iter().find(|name| app.user(name).is_none()) {
        return Err(HttpRefusal::no_such_username(name.as_str()));
    }
    for name in names {
        app.add_to_room(cx, name, id)?;
    }
    Ok(())
}

fn members(room: &Room) -> Vec<Value> {
    let entry = |user: &UserId| {
        let role = if *user == room.owner { "owner" } else { "member" };
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
        "mute": false,
        "affiliations_count": room.n_affiliated(),
        "affiliations": members(room),
        "public": true,
    })
}

fn outcome(action: &str, id: &RoomId, user: &UserId, result: bool) -> Value {
    json!({ "action": action, "id": id, "result": result, "user": user })
}

//! Groups over REST, by their members and by the administrator.

mod drafts;
mod members;
mod views;

use easebot_model::{GroupId, UserId};
use serde_json::json;

use self::{
    drafts::{create, modify},
    views::{detail, groups_of, joined, joined_with_role, listed},
};
use super::{
    call::{Call, no_right},
    places::{self, Visitor},
    reply::Reply,
    unknown,
};
use crate::{
    refusal::HttpRefusal,
    world::{App, Cx, Place, Role, TokenOwner},
};

pub(super) fn route(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    match (method, path) {
        ("POST", ["chatgroups"]) => create(call, app, cx),
        ("GET", ["chatgroups"]) => {
            call.require_admin(app, cx)?;
            let all = app.groups.iter().map(|(id, group)| listed(app, id, group)).collect();
            Ok(Reply::page(call, all))
        }
        ("GET", ["publicchatgroups"]) => {
            call.caller(app, cx)?;
            let public = app.groups.iter().filter(|(_, group)| group.draft.is_public);
            let all = public.map(|(id, group)| json!({ "id": id, "name": group.draft.name }));
            Ok(Reply::page(call, all.collect()))
        }
        ("GET", ["users", user, "joined_chatgroups"]) => joined(call, app, cx, user),
        ("GET", ["chatgroups", "user", user]) => joined_with_role(call, app, cx, user),
        ("GET", ["chatgroups", "user", user, "joined_count"]) => {
            let user = UserId::new(user);
            call.require(app, cx, &user)?;
            Ok(Reply::data(groups_of(app, &user).count()))
        }
        ("GET", ["sdk", "chatgroups", id, "mute", user]) => {
            places::own_mute(call, app, cx, &Place::Group(GroupId::new(id)), user)
        }
        ("GET", ["chatgroups", ids]) => {
            let viewer = match call.caller(app, cx)? {
                TokenOwner::App => None,
                TokenOwner::User(user) => Some(user),
            };
            let groups = ids
                .split(',')
                .map(GroupId::new)
                .map(|id| app.group(&id).map(|group| detail(&id, group, viewer.as_ref())))
                .collect::<Result<Vec<_>, _>>()?;
            let n_groups = groups.len();
            Ok(Reply::data(groups).with("count", n_groups))
        }
        (_, ["chatgroups", id, rest @ ..]) => one(method, &GroupId::new(id), rest, call, app, cx),
        _ => Err(unknown(call)),
    }
}

/// Everything below `chatgroups/{id}` that changes it, and its members.
fn one(
    method: &str,
    id: &GroupId,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let place = Place::Group(id.clone());
    let group = app.group(id)?;
    let visitor = Visitor::of(call, app, cx, &place, group.owner())?;
    // Who is in a group that was shut may look and leave; the administrator of the app opens it again.
    if group.is_disabled && !visitor.is_app && method != "GET" && path != ["quit"] {
        return Err(HttpRefusal::forbidden(
            "can not operate this group, reason: group is disabled",
        ));
    }
    let actor = visitor.actor();
    match (method, path) {
        ("PUT", []) => {
            let is_transfer = call.text(&["newowner"]).is_some();
            visitor.require(if is_transfer { Role::Owner } else { Role::Admin }, &place)?;
            modify(call, app, cx, id, actor)
        }
        ("DELETE", []) => {
            visitor.require(Role::Owner, &place)?;
            app.destroy_group(cx, id, actor.device)?;
            Ok(Reply::data(json!({ "success": true, "groupid": id, "id": id })))
        }
        ("POST", ["disable" | "enable"]) => {
            let is_disabled = path == ["disable"];
            if !visitor.is_app {
                return Err(no_right());
            }
            app.set_disabled(cx, id, is_disabled)?;
            Ok(Reply::data(json!({ "disabled": is_disabled })))
        }
        ("POST" | "DELETE", ["shield"]) => {
            app.set_shielded(cx, id, actor, method == "POST")?;
            Ok(Reply::data(json!({ "result": true, "groupid": id })))
        }
        ("GET", ["acks", message]) => {
            visitor.require(Role::Member, &place)?;
            readers(call, app, cx, id, message)
        }
        ("GET" | "POST" | "DELETE", ["users" | "apply" | "apply_verify", ..])
        | ("POST", ["invite" | "invite_verify"])
        | ("DELETE", ["quit"]) => members::route(method, id, path, call, app, cx, &visitor),
        _ => places::route(method, &place, path, call, app, cx, &visitor),
    }
}

/// Who has read a message of the group that asked for it.
fn readers(
    call: &Call,
    app: &App,
    cx: &Cx<'_>,
    id: &GroupId,
    message: &str,
) -> Result<Reply, HttpRefusal> {
    let missing = || {
        let text = format!("message {message} does not exist!");
        HttpRefusal::new(404, "resource_not_found", text)
    };
    let number = message.parse().map_err(|_| missing())?;
    let readers = app.readers_of(id, number).ok_or_else(missing)?;
    let n_readers = readers.len();
    let start = call.param("key").and_then(|key| key.parse::<usize>().ok()).unwrap_or_default();
    let limit = call.param("limit").and_then(|limit| limit.parse::<usize>().ok()).unwrap_or(500);
    let page: Vec<&UserId> = readers.iter().skip(start).take(limit).collect();
    let end = start.saturating_add(page.len());
    let next = (end < n_readers).then(|| end.to_string());
    Ok(Reply::data(json!({
        "ackmid": message,
        "is_last": next.is_none(),
        "next_key": next.unwrap_or_default(),
        "timestamp": cx.now,
        "total": n_readers,
        "userlist": page,
    })))
}

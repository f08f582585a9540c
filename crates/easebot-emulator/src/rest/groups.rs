//! Groups over REST, by their members and by the administrator.

mod drafts;
mod views;

use easebot_model::{GroupId, UserId};
use serde_json::{Value, json};

use self::{
    drafts::{create, modify},
    views::{detail, groups_of, joined, joined_with_role, listed, members},
};
use super::{
    call::{Call, no_right},
    reply::Reply,
    unknown,
};
use crate::{
    refusal::HttpRefusal,
    world::{App, Cx, Joining, TokenOwner},
};

/// Largest number of users added at once. Source: Easemob's REST documentation, "group members".
const MAX_ADDED: usize = 60;

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
        ("GET", ["chatgroups", ids]) => {
            call.caller(app, cx)?;
            let groups = ids
                .split(',')
                .map(GroupId::new)
                .map(|id| app.group(&id).map(|group| detail(&id, group)))
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
    let caller = call.caller(app, cx)?;
    let acting = call.acting();
    let acting = acting.as_ref();
    let group = app.group(id)?;
    let me = match &caller {
        TokenOwner::App => group.owner().clone(),
        TokenOwner::User(user) => user.clone(),
    };
    let is_member = group.members.contains_key(&me);
    let runs_it = group.is_run_by(&me);
    let may_invite = runs_it || (is_member && group.draft.members_invite);
    match (method, path) {
        ("GET", ["users"]) => Ok(Reply::page(call, members(group))),
        ("PUT" | "DELETE", []) | ("DELETE", ["users", _]) | ("POST", ["apply_verify"])
            if !runs_it =>
        {
            Err(HttpRefusal::forbidden(format!("user:{me} is not admin of group:{id}")))
        }
        ("PUT", []) => modify(call, app, cx, id),
        ("DELETE", []) => {
            app.destroy_group(cx, id, acting)?;
            Ok(Reply::data(json!({ "success": true, "groupid": id, "id": id })))
        }
        ("POST", ["users", user]) => {
            require_admin(&caller)?;
            let user = UserId::new(user);
            let result = app.add_member(cx, id, &me, &user)?;
            if !result {
                return Err(HttpRefusal::forbidden(format!(
                    "can not join this group, reason:user: {user} already in group: {id}"
                )));
            }
            Ok(Reply::data(done("add_member", id, &user)))
        }
        ("POST", ["users"]) => {
            require_admin(&caller)?;
            let users = call.names("usernames");
            if users.is_empty() || users.len() > MAX_ADDED {
                return Err(HttpRefusal::new(
                    400,
                    "invalid_parameter",
                    format!("usernames must hold 1 to {MAX_ADDED} names"),
                ));
            }
            let mut added = Vec::new();
            for user in &users {
                if app.add_member(cx, id, &me, user)? {
                    added.push(user.to_string());
                }
            }
            Ok(Reply::data(json!({
                "newmembers": added, "groupid": id, "action": "add_member",
            })))
        }
        ("DELETE", ["users", users]) => {
            let names: Vec<UserId> = users.split(',').map(UserId::new).collect();
            if let [user] = names.as_slice() {
                app.remove_member(cx, id, user, acting)?;
                return Ok(Reply::data(done("remove_member", id, user)));
            }
            let results = names.iter().map(|user| {
                outcome("remove_member", id, user, app.remove_member(cx, id, user, acting))
            });
            Ok(Reply::data(results.collect::<Vec<_>>()))
        }
        ("POST", ["apply"]) => {
            let user = require_user(caller)?;
            let reason = call.text(&["message"]).map(ToOwned::to_owned);
            let joining = app.apply(cx, id, &user, reason)?;
            Ok(Reply::data(awaited("apply", id, &user, joining)))
        }
        ("POST", ["apply_verify"]) => {
            let applicant = UserId::new(call.required("applicant")?);
            let agrees = call.flag(&["verifyResult"]).unwrap_or_default();
            let reason = call.text(&["reason"]).map(ToOwned::to_owned);
            app.answer_application(cx, id, &me, &applicant, (agrees, reason))?;
            Ok(Reply::data(done("apply_verify", id, &applicant)))
        }
        ("POST", ["invite"]) if may_invite => {
            let results = call.names("usernames").into_iter().map(|user| {
                match app.invite(cx, id, &me, &user) {
                    Ok(joining) => awaited("invite", id, &user, joining),
                    Err(refusal) => outcome("invite", id, &user, Err(refusal)),
                }
            });
            Ok(Reply::data(results.collect::<Vec<_>>()))
        }
        ("POST", ["invite"]) => {
            Err(HttpRefusal::forbidden(format!("user:{me} may not invite to group:{id}")))
        }
        ("POST", ["invite_verify"]) => {
            let user = require_user(caller)?;
            let agrees = call.flag(&["verifyResult"]).unwrap_or_default();
            app.answer_invitation(cx, id, &user, agrees)?;
            Ok(Reply::data(done("invite_verify", id, &user)))
        }
        ("DELETE", ["quit"]) => {
            app.quit(cx, id, &require_user(caller)?, acting)?;
            Ok(Reply::data(json!({ "result": true })))
        }
        _ => Err(unknown(call)),
    }
}

fn require_admin(caller: &TokenOwner) -> Result<(), HttpRefusal> {
    match caller {
        TokenOwner::App => Ok(()),
        TokenOwner::User(_) => Err(no_right()),
    }
}

fn require_user(caller: TokenOwner) -> Result<UserId, HttpRefusal> {
    match caller {
        TokenOwner::App => Err(no_right()),
        TokenOwner::User(user) => Ok(user),
    }
}

fn done(action: &str, id: &GroupId, user: &UserId) -> Value {
    json!({ "action": action, "groupid": id, "id": id, "result": true, "user": user })
}

/// As [`done`], for what another has to agree to first.
fn awaited(action: &str, id: &GroupId, user: &UserId, joining: Joining) -> Value {
    let mut value = done(action, id, user);
    if let (Joining::Waiting, Some(fields)) = (joining, value.as_object_mut()) {
        fields.insert("waiting".to_owned(), Value::Bool(true));
    }
    value
}

fn outcome(action: &str, id: &GroupId, user: &UserId, result: Result<(), HttpRefusal>) -> Value {
    let mut value = done(action, id, user);
    if let (Err(refusal), Some(fields)) = (result, value.as_object_mut()) {
        fields.insert("result".to_owned(), Value::Bool(false));
        fields.insert("reason".to_owned(), Value::String(refusal.description));
    }
    value
}

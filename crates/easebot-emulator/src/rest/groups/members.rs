//! How users come into groups and out of them.

use easebot_model::{GroupId, UserId};
use serde_json::{Value, json};

use super::views;
use crate::{
    refusal::HttpRefusal,
    rest::{
        call::{Call, no_right},
        places::{Shape, Visitor, done, each, listed, named},
        reply::Reply,
        unknown,
    },
    world::{App, Cx, Joining, Place, Role},
};

pub(super) fn route(
    method: &str,
    id: &GroupId,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    visitor: &Visitor,
) -> Result<Reply, HttpRefusal> {
    let place = Place::Group(id.clone());
    let actor = visitor.actor();
    match (method, path) {
        ("GET", ["users"]) => {
            let members = views::members(app.group(id)?);
            Ok(Reply::page(call, members))
        }
        ("POST", ["users", user]) => {
            require_app(visitor)?;
            each(&place, "add_member", listed(user), Shape::of(user), |user| {
                add(app, cx, id, &visitor.me, user)?;
                Ok(None)
            })
        }
        ("POST", ["users"]) => {
            require_app(visitor)?;
            let mut added = Vec::new();
            let users = named(call, &["usernames"])?;
            // Before anybody is in.
            app.require_users(&users)?;
            for user in users {
                if app.add_member(cx, id, &visitor.me, &user)? {
                    added.push(user);
                }
            }
            Ok(Reply::data(json!({ "newmembers": added, "groupid": id, "action": "add_member" })))
        }
        ("DELETE", ["users", users]) => {
            visitor.require(Role::Admin, &place)?;
            each(&place, "remove_member", listed(users), Shape::of(users), |user| {
                app.remove_member(cx, id, actor, user)?;
                Ok(None)
            })
        }
        ("POST", ["apply"]) => {
            let user = require_user(visitor)?;
            let reason = call.text(&["message"]).map(ToOwned::to_owned);
            let joining = app.apply(cx, id, user, reason)?;
            let mut answer = done(&place, "apply", user);
            answer.extend(waiting(joining).map(|(key, value)| (key.to_owned(), value)));
            Ok(Reply::data(answer))
        }
        ("POST", ["apply_verify"]) => {
            visitor.require(Role::Admin, &place)?;
            let applicant = UserId::new(call.required("applicant")?);
            let agrees = call.flag(&["verifyResult"]).unwrap_or_default();
            let reason = call.text(&["reason"]).map(ToOwned::to_owned);
            app.answer_application(cx, id, actor, &applicant, (agrees, reason))?;
            Ok(Reply::data(done(&place, "apply_verify", &applicant)))
        }
        ("POST", ["invite"]) => {
            let members_invite = app.group(id)?.draft.members_invite;
            visitor.require(if members_invite { Role::Member } else { Role::Admin }, &place)?;
            let users = named(call, &["usernames", "users"])?;
            each(&place, "invite", users, Shape::List, |user| {
                Ok(waiting(app.invite(cx, id, actor.user, user)?))
            })
        }
        ("POST", ["invite_verify"]) => {
            let user = require_user(visitor)?;
            let agrees = call.flag(&["verifyResult"]).unwrap_or_default();
            app.answer_invitation(cx, id, user, agrees)?;
            Ok(Reply::data(done(&place, "invite_verify", user)))
        }
        ("DELETE", ["quit"]) => {
            app.quit(cx, id, require_user(visitor)?, actor.device)?;
            Ok(Reply::data(json!({ "result": true })))
        }
        _ => Err(unknown(call)),
    }
}

fn add(
    app: &mut App,
    cx: &mut Cx<'_>,
    id: &GroupId,
    by: &UserId,
    user: &UserId,
) -> Result<(), HttpRefusal> {
    if app.add_member(cx, id, by, user)? {
        return Ok(());
    }
    let text = format!("can not join this group, reason:user: {user} already in group: {id}");
    Err(HttpRefusal::forbidden(text))
}

/// What is said beside of a wish that another has to agree to first.
fn waiting(joining: Joining) -> Option<(&'static str, Value)> {
    (joining == Joining::Waiting).then_some(("waiting", Value::Bool(true)))
}

fn require_app(visitor: &Visitor) -> Result<(), HttpRefusal> {
    if visitor.is_app { Ok(()) } else { Err(no_right()) }
}

fn require_user(visitor: &Visitor) -> Result<&UserId, HttpRefusal> {
    if visitor.is_app { Err(no_right()) } else { Ok(&visitor.me) }
}

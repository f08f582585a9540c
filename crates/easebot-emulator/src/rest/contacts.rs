//! Contacts and block lists over REST.

use easebot_model::UserId;
use serde_json::{Value, json};

use super::{call::Call, reply::Reply, unknown, users::entity};
use crate::{
    refusal::HttpRefusal,
    world::{App, Cx, TokenOwner, User},
};

pub(super) fn route(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let (me, rest) = match path {
        ["users" | "user", me, rest @ ..] | ["sdk", "user", me, rest @ ..] => {
            (UserId::new(me), rest)
        }
        _ => return Err(unknown(call)),
    };
    call.require(app, cx, &me)?;
    let user = app.user(&me).ok_or_else(|| HttpRefusal::no_user(me.as_str()))?;
    let acting = call.acting();
    let acting = acting.as_ref();
    match (method, rest) {
        ("GET", ["contacts", "users"]) => Ok(list(call, user)),
        ("GET", ["contacts"]) => {
            let remarked = user.contacts.iter().map(with_remark).collect();
            let (page, cursor) = call.page::<Value>(remarked);
            Ok(Reply::data(json!({ "contacts": page, "cursor": cursor.unwrap_or_default() })))
        }
        ("POST", ["contacts", "apply"]) => {
            let reason = call.text(&["reason"]).map(ToOwned::to_owned);
            for peer in call.names("usernames") {
                existing(app, &peer)?;
                app.ask_contact(cx, &me, &peer, reason.as_deref());
            }
            Ok(Reply::empty())
        }
        ("POST", ["contacts", "accept", "users", peer]) => {
            let peer = UserId::new(peer);
            answered(app.accept_contact(cx, &me, &peer, acting), &me, &peer)
        }
        ("POST", ["contacts", "decline", "users", peer]) => {
            let peer = UserId::new(peer);
            answered(app.decline_contact(cx, &me, &peer), &me, &peer)
        }
        ("POST", ["contacts", "users", peer]) => {
            let peer = UserId::new(peer);
            if call.caller(app, cx)? != TokenOwner::App {
                return Err(super::call::no_right());
            }
            existing(app, &peer)?;
            app.befriend(&me, &peer);
            Ok(Reply::entities(shown(app, &peer)))
        }
        ("DELETE", ["contacts", "users", peer]) => {
            let peer = UserId::new(peer);
            existing(app, &peer)?;
            app.remove_contact(cx, &me, &peer, acting);
            Ok(Reply::entities(shown(app, &peer)))
        }
        ("GET", ["blocks", "users"]) => Ok(Reply::data(json!(user.blocks))),
        ("POST", ["blocks"] | ["blocks", "users"]) | ("DELETE", ["blocks"]) => {
            let peers = call.names("usernames");
            for peer in &peers {
                app.set_blocked(cx, &me, peer, method == "POST", acting);
            }
            Ok(Reply::data(json!(peers)))
        }
        ("DELETE", ["blocks", "users", peer]) => {
            let peer = UserId::new(peer);
            app.set_blocked(cx, &me, &peer, false, acting);
            Ok(Reply::entities(shown(app, &peer)))
        }
        _ => Err(unknown(call)),
    }
}

fn list(call: &Call, user: &User) -> Reply {
    if call.param("needReturnRemark") == Some("true") {
        return Reply::entities(user.contacts.iter().map(with_remark).collect());
    }
    Reply::data(json!(user.contacts))
}

fn with_remark(peer: &UserId) -> Value {
    json!({ "username": peer, "remark": "" })
}

fn existing(app: &App, name: &UserId) -> Result<(), HttpRefusal> {
    match app.user(name) {
        Some(_) => Ok(()),
        None => Err(HttpRefusal::no_user(name.as_str())),
    }
}

fn shown(app: &App, name: &UserId) -> Vec<Value> {
    app.user(name).map(|user| entity(name, user)).into_iter().collect()
}

fn answered(did_ask: bool, me: &UserId, peer: &UserId) -> Result<Reply, HttpRefusal> {
    if did_ask {
        return Ok(Reply::empty());
    }
    let text = format!("user {peer} did not ask {me} to become a contact");
    Err(HttpRefusal::new(404, "resource_not_found", text))
}

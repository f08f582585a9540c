//! Contacts and block lists over REST.

use easebot_model::UserId;
use serde_json::{Value, json};

use super::{
    call::{Call, no_right},
    reply::Reply,
    unknown,
    users::entity,
};
use crate::{
    refusal::HttpRefusal,
    world::{App, Cx, TokenOwner, User},
};

/// Longest remark in characters. Source: Easemob's REST documentation, "contacts".
const MAX_REMARK: usize = 100;
/// Largest number of contacts and of blocked users. Sources: as above; Easemob's documentation, "limits".
const MAX_CONTACTS: usize = 3000;
const MAX_BLOCKED: usize = 500;

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
    match (method, rest) {
        ("GET", ["contacts", "users"]) => Ok(list(call, user)),
        ("GET", ["contacts"]) => {
            let (page, cursor) = call.page(remarked(user));
            Ok(Reply::data(json!({ "contacts": page, "cursor": cursor.unwrap_or_default() })))
        }
        ("GET", ["blocks", "users"]) => {
            let all = user.blocks.iter().map(|peer| json!(peer)).collect();
            Ok(Reply::page(call, all))
        }
        (_, ["contacts", rest @ ..]) => contacts(method, rest, call, app, cx, &me),
        (_, ["blocks", rest @ ..]) => blocks(method, rest, call, app, cx, &me),
        _ => Err(unknown(call)),
    }
}

/// What changes the contacts of `me`.
fn contacts(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    me: &UserId,
) -> Result<Reply, HttpRefusal> {
    let acting = call.acting();
    let acting = acting.as_ref();
    match (method, path) {
        ("POST", ["apply"]) => {
            let reason = call.text(&["reason"]).map(ToOwned::to_owned);
            require_room(app, me)?;
            for peer in call.names("usernames") {
                existing(app, &peer)?;
                app.ask_contact(cx, me, &peer, reason.as_deref());
            }
            Ok(Reply::empty())
        }
        ("POST", ["accept", "users", peer]) => {
            let peer = UserId::new(peer);
            require_room(app, me)?;
            answered(app.accept_contact(cx, me, &peer, acting), me, &peer)
        }
        ("POST", ["decline", "users", peer]) => {
            let peer = UserId::new(peer);
            answered(app.decline_contact(cx, me, &peer), me, &peer)
        }
        ("POST", ["users", peer]) => {
            let peer = UserId::new(peer);
            require_app(call, app, cx)?;
            existing(app, &peer)?;
            require_room(app, me)?;
            app.befriend(me, &peer);
            Ok(Reply::entities(shown(app, &peer)))
        }
        ("PUT", ["users", peer]) => {
            let remark = call.body.get("remark").and_then(Value::as_str);
            let remark = remark.ok_or_else(|| HttpRefusal::bad("remark must be provided"))?;
            if remark.chars().count() > MAX_REMARK {
                let text = format!("remark length must less than {MAX_REMARK}");
                return Err(HttpRefusal::bad(text));
            }
            set_remark(app, me, &UserId::new(peer), remark)?;
            Ok(Reply::empty().with("status", "ok"))
        }
        ("DELETE", ["users", peer]) => {
            let peer = UserId::new(peer);
            existing(app, &peer)?;
            app.remove_contact(cx, me, &peer, acting);
            Ok(Reply::entities(shown(app, &peer)))
        }
        ("POST", ["check"]) => {
            let mine = app.user(me).map(|user| &user.contacts);
            let is_mine = |peer: &UserId| mine.is_some_and(|mine| mine.contains(peer));
            let states = call.names("usernames").into_iter().map(|peer| {
                let state = if is_mine(&peer) { "contact" } else { "stranger" };
                json!({ "username": peer, "relation": state, "isContact": is_mine(&peer) })
            });
            Ok(Reply::data(states.collect::<Vec<_>>()).with("status", "ok"))
        }
        ("POST", ["import"]) => {
            require_app(call, app, cx)?;
            let (mut done, mut missing, mut too_many) = (Vec::new(), Vec::new(), Vec::new());
            for peer in call.names("usernames") {
                if app.user(&peer).is_none() {
                    missing.push(peer);
                } else if require_room(app, me).is_err() {
                    too_many.push(peer);
                } else {
                    app.befriend(me, &peer);
                    done.push(peer);
                }
            }
            let answer = json!({
                "success": done,
                "NotExistFailed": missing,
                "maxLimitFailed": too_many,
                "UnKnowFailed": [],
            });
            Ok(Reply::data(answer).with("status", "ok"))
        }
        _ => Err(unknown(call)),
    }
}

/// What changes the block list of `me`.
fn blocks(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    me: &UserId,
) -> Result<Reply, HttpRefusal> {
    let acting = call.acting();
    let acting = acting.as_ref();
    match (method, path) {
        ("POST", [] | ["users"]) => {
            let peers = call.names("usernames");
            for peer in &peers {
                existing(app, peer)?;
            }
            let n_blocked = app.user(me).map_or(0, |user| user.blocks.len());
            if n_blocked + peers.len() > MAX_BLOCKED {
                let text = format!("a block list has at most {MAX_BLOCKED} users");
                return Err(HttpRefusal::new(403, "exceed_limit", text));
            }
            for peer in &peers {
                app.set_blocked(cx, me, peer, true, acting);
            }
            Ok(Reply::data(json!(peers)))
        }
        ("DELETE", []) => {
            let peers = call.names("usernames");
            for peer in &peers {
                app.set_blocked(cx, me, peer, false, acting);
            }
            Ok(Reply::data(json!(peers)))
        }
        ("DELETE", ["users", peer]) => {
            let peer = UserId::new(peer);
            app.set_blocked(cx, me, &peer, false, acting);
            Ok(Reply::entities(shown(app, &peer)))
        }
        _ => Err(unknown(call)),
    }
}

fn list(call: &Call, user: &User) -> Reply {
    if call.param("needReturnRemark") == Some("true") {
        return Reply::entities(remarked(user));
    }
    Reply::data(json!(user.contacts))
}

fn remarked(user: &User) -> Vec<Value> {
    let remark = |peer: &UserId| user.remarks.get(peer).map(String::as_str).unwrap_or_default();
    let entry = |peer: &UserId| json!({ "username": peer, "remark": remark(peer) });
    user.contacts.iter().map(entry).collect()
}

fn set_remark(app: &mut App, me: &UserId, peer: &UserId, remark: &str) -> Result<(), HttpRefusal> {
    let user = app.user_mut(me).ok_or_else(|| HttpRefusal::no_user(me.as_str()))?;
    if !user.contacts.contains(peer) {
        let text = "updateRemark | they are not friends, please add as a friend first.";
        return Err(HttpRefusal::bad(text));
    }
    user.remarks.insert(peer.clone(), remark.to_owned());
    Ok(())
}

fn require_app(call: &Call, app: &App, cx: &Cx<'_>) -> Result<(), HttpRefusal> {
    match call.caller(app, cx)? {
        TokenOwner::App => Ok(()),
        TokenOwner::User(_) => Err(no_right()),
    }
}

/// Whether `me` may have one more contact.
fn require_room(app: &App, me: &UserId) -> Result<(), HttpRefusal> {
    if app.user(me).is_some_and(|user| user.contacts.len() >= MAX_CONTACTS) {
        return Err(HttpRefusal::new(403, "exceed_limit", "user contact number exceed limit"));
    }
    Ok(())
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

//! Message threads over REST.

use easebot_model::{GroupId, UserId};
use serde_json::{Value, json};

use super::{
    call::{Call, no_right},
    reply::Reply,
    unknown,
};
use crate::{
    refusal::HttpRefusal,
    world::{Actor, App, Channel, Cx, Thread, TokenOwner},
};

/// Largest number of threads whose last messages are asked for. Source: Easemob's documentation, "message threads".
const MAX_ASKED: usize = 20;

pub(super) fn route(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let caller = call.caller(app, cx)?;
    match (method, path) {
        ("POST", ["thread"]) => create(call, app, cx, caller),
        ("POST", ["thread", "message"]) => last_messages(call, app, &caller),
        ("GET", ["threads", "user", user]) => {
            let user = UserId::new(user);
            call.require(app, cx, &user)?;
            let mine = app.threads.values().filter(|thread| thread.members.contains_key(&user));
            Ok(list(call, mine.collect()))
        }
        ("GET", ["threads", "chatgroups", group, "user", user]) => {
            let (group, user) = (GroupId::new(group), UserId::new(user));
            call.require(app, cx, &user)?;
            app.group(&group)?;
            let mine = app.threads.values().filter(|thread| thread.parent == group);
            let mine = mine.filter(|thread| thread.members.contains_key(&user));
            Ok(list(call, mine.collect()))
        }
        ("GET", ["threads", "chatgroups", group]) => {
            let group = GroupId::new(group);
            if let TokenOwner::User(user) = &caller {
                app.require_access(user, &Channel::Muc(group.to_string()))?;
            }
            app.group(&group)?;
            let all = app.threads.values().filter(|thread| thread.parent == group);
            Ok(list(call, all.collect()))
        }
        (_, ["thread", id, rest @ ..]) => {
            one(method, &GroupId::new(id), rest, call, app, cx, caller)
        }
        _ => Err(unknown(call)),
    }
}

/// Everything below `thread/{id}`. The administrator of the app counts as the owner of the group.
fn one(
    method: &str,
    id: &GroupId,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    caller: TokenOwner,
) -> Result<Reply, HttpRefusal> {
    let thread = app.thread(id)?;
    let device = call.acting();
    let me = match caller {
        TokenOwner::App => app.group(&thread.parent)?.owner().clone(),
        TokenOwner::User(user) => {
            app.require_access(&user, &Channel::Muc(id.to_string()))?;
            user
        }
    };
    let actor = Actor { user: &me, device: device.as_ref() };
    match (method, path) {
        ("GET", []) => Ok(Reply::data(detail(thread))),
        ("PUT", []) => {
            let name = call.required("name")?;
            app.rename_thread(cx, actor, id, name)?;
            Ok(Reply::data(json!({ "name": name })))
        }
        ("DELETE", []) => {
            app.destroy_thread(cx, actor, id)?;
            Ok(status_ok())
        }
        ("POST", ["user", user, "join"]) => {
            let user = UserId::new(user);
            call.require(app, cx, &user)?;
            app.join_thread(cx, Actor { user: &user, ..actor }, id)?;
            let detail = detail(app.thread(id)?);
            Ok(Reply::data(json!({ "status": "ok", "detail": detail })))
        }
        ("DELETE", ["user", user, "quit"]) => {
            let user = UserId::new(user);
            call.require(app, cx, &user)?;
            app.quit_thread(cx, Actor { user: &user, ..actor }, id)?;
            Ok(status_ok())
        }
        ("GET", ["users"]) => {
            let members: Vec<&UserId> = thread.members.keys().collect();
            let (page, cursor) = call.page(members);
            let properties = json!({ "cursor": cursor.unwrap_or_default() });
            let data = json!({ "affiliations": page });
            Ok(Reply::data(data).with("properties", properties))
        }
        ("DELETE", ["users", user]) => {
            app.kick_from_thread(cx, actor, id, &UserId::new(user))?;
            Ok(Reply::data(json!({ "result": true, "user": user })))
        }
        _ => Err(unknown(call)),
    }
}

fn create(
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    caller: TokenOwner,
) -> Result<Reply, HttpRefusal> {
    let owner = match (call.body.get("owner").and_then(Value::as_str), caller) {
        (Some(owner), TokenOwner::User(user)) if user != *owner => return Err(no_right()),
        (_, TokenOwner::User(user)) => user,
        (_, TokenOwner::App) => UserId::new(call.required("owner")?),
    };
    let (name, group) = (call.required("name")?, GroupId::new(call.required("group_id")?));
    let message = call.number(&["msg_id"]);
    let message = message.ok_or_else(|| HttpRefusal::bad("msg_id must be provided"))?;
    let device = call.acting();
    let actor = Actor { user: &owner, device: device.as_ref() };
    let id = app.create_thread(cx, actor, &group, message, name)?;
    Ok(Reply::data(json!({ "thread_id": id })))
}

fn last_messages(call: &Call, app: &App, caller: &TokenOwner) -> Result<Reply, HttpRefusal> {
    let ids = call.texts("threadIds");
    if ids.len() > MAX_ASKED {
        return Err(HttpRefusal::bad(format!("threadIds must hold at most {MAX_ASKED} ids")));
    }
    let mut entities = Vec::with_capacity(ids.len());
    for id in ids.into_iter().map(GroupId::new) {
        if let TokenOwner::User(user) = caller {
            app.thread(&id)?;
            app.require_access(user, &Channel::Muc(id.to_string()))?;
        }
        entities.push(json!({ "thread_id": id, "last_message": app.last_message(&id) }));
    }
    Ok(Reply::entities(entities))
}

/// Threads, the newest first.
fn list(call: &Call, mut threads: Vec<&Thread>) -> Reply {
    threads.sort_by_key(|thread| std::cmp::Reverse((thread.created_ms, &thread.id)));
    let (page, cursor) = call.page(threads);
    Reply::entities(page.into_iter().map(brief).collect())
        .with("properties", json!({ "cursor": cursor.unwrap_or_default() }))
}

fn brief(thread: &Thread) -> Value {
    json!({
        "id": thread.id,
        "name": thread.name,
        "owner": thread.owner,
        "msgId": thread.message.to_string(),
        "groupId": thread.parent,
        "created": thread.created_ms,
    })
}

fn detail(thread: &Thread) -> Value {
    let mut detail = brief(thread);
    if let Some(fields) = detail.as_object_mut() {
        fields.insert("affiliations_count".to_owned(), json!(thread.members.len()));
    }
    detail
}

fn status_ok() -> Reply {
    Reply::data(json!({ "status": "ok" }))
}

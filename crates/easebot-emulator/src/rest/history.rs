//! Pulling and deleting what was said.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use easebot_model::{Conversation, UserId};
use serde_json::json;

use super::{call::Call, reply::Reply, unknown};
use crate::{
    refusal::HttpRefusal,
    world::{App, Channel, Cx, Which, Wish},
};

/// Largest page. Source: Easemob's documentation, "message history".
const MAX_PAGE: u64 = 50;
/// Largest number of messages deleted at once. Source: Easemob's REST documentation, "message roaming".
const MAX_DELETED: usize = 50;

pub(super) fn route(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    match (method, path) {
        ("POST", ["users", user, "messageroaming"]) => pull(call, app, cx, user),
        (_, ["sdk" | "rest", "message", "roaming", rest @ ..]) => {
            delete(method, rest, call, app, cx)
        }
        _ => Err(unknown(call)),
    }
}

/// One page of a conversation, in the order that was asked for. Source: observed with the official SDK.
fn pull(call: &Call, app: &App, cx: &Cx<'_>, user: &str) -> Result<Reply, HttpRefusal> {
    let me = UserId::new(user);
    call.require(app, cx, &me)?;
    let queue = call.required("queue")?;
    let conversation = match queue.split_once('@') {
        Some((name, domain)) if domain.starts_with("conference.") => Conversation::group(name),
        Some((name, _)) => Conversation::user(name),
        None => {
            return Err(HttpRefusal::bad(
                "queue must be ID@easemob.com or ID@conference.easemob.com",
            ));
        }
    };
    let channel = Channel::of(&me, &conversation);
    app.require_access(&me, &channel)?;
    let wish = Wish {
        after: call.number(&["start"]).filter(|id| *id != 0),
        oldest_first: call.flag(&["is_positive"]).unwrap_or_default(),
        n: usize::try_from(call.number(&["pull_number"]).unwrap_or(20).clamp(1, MAX_PAGE))
            .unwrap_or_default(),
        kinds: call
            .text(&["msgType"])
            .into_iter()
            .flat_map(|kinds| kinds.split(','))
            .filter(|kind| !kind.is_empty())
            .collect(),
        from_ms: call.number(&["startTime"]).unwrap_or_default(),
        until_ms: call.number(&["endTime"]).unwrap_or(u64::MAX),
        sender: call.text(&["userId"]).filter(|user| !user.is_empty()).map(UserId::new),
    };
    let found = app.pull_history(&me, &channel, &wish);
    let messages: Vec<_> =
        found.metas.iter().map(|meta| json!({ "msg": STANDARD.encode(meta) })).collect();
    let next = found.last.map(|id| id.to_string()).filter(|_| !found.is_all);
    Ok(Reply::data(json!({
        "msgs": messages,
        "is_last": found.is_all,
        "next_key": next.unwrap_or_default(),
    })))
}

/// Everything below `message/roaming`.
fn delete(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let acting = call.acting();
    let (user, channel, by_time) = match (method, path) {
        ("POST", ["user", user, "delete", "all"]) => {
            let user = UserId::new(user);
            call.require(app, cx, &user)?;
            app.delete_conversations(cx, &user, acting.as_ref())?;
            return Ok(done(cx));
        }
        ("DELETE", ["chat", "user", user, rest @ ..]) if matches!(rest, [] | ["time"]) => {
            let peer = Conversation::user(asked(call, "userId")?);
            let user = UserId::new(user);
            let channel = Channel::of(&user, &peer);
            (user, channel, !rest.is_empty())
        }
        ("DELETE", ["group" | "chatroom", "user", user, rest @ ..])
            if matches!(rest, [] | ["time"]) =>
        {
            let id = asked(call, "groupId").or_else(|_| asked(call, "chatroomId"))?;
            let user = UserId::new(user);
            let channel = Channel::of(&user, &Conversation::group(id));
            (user, channel, !rest.is_empty())
        }
        _ => return Err(unknown(call)),
    };
    call.require(app, cx, &user)?;
    let which = if by_time {
        let time = asked(call, "delTime")?;
        Which::UpTo(time.parse().map_err(|_| HttpRefusal::bad("delTime must be a time in ms"))?)
    } else {
        let ids: Vec<u64> =
            asked(call, "msgIdList")?.split(',').filter_map(|id| id.parse().ok()).collect();
        if ids.is_empty() || ids.len() > MAX_DELETED {
            let text = format!("msgIdList must hold 1 to {MAX_DELETED} ids");
            return Err(HttpRefusal::bad(text));
        }
        Which::Ids(ids)
    };
    app.delete_messages(cx, &user, &channel, &which, acting.as_ref());
    Ok(done(cx))
}

fn asked<'a>(call: &'a Call, key: &str) -> Result<&'a str, HttpRefusal> {
    call.param(key).ok_or_else(|| HttpRefusal::bad(format!("{key} must be provided")))
}

fn done(cx: &Cx<'_>) -> Reply {
    Reply::bare(json!({ "requestStatusCode": "ok", "timestamp": cx.now }))
}

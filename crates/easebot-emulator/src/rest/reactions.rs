//! Reactions over REST.

use easebot_model::UserId;
use serde_json::{Value, json};

use super::{call::Call, reply::Reply, unknown};
use crate::{
    refusal::HttpRefusal,
    world::{App, Cx},
};

pub(super) fn route(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let ["reaction", "user", me, rest @ ..] = path else { return Err(unknown(call)) };
    let me = UserId::new(me);
    call.require(app, cx, &me)?;
    match (method, rest) {
        ("POST", []) => react(call, app, cx, &me, true),
        ("DELETE", []) => react(call, app, cx, &me, false),
        ("GET", []) => {
            let ids = asked(call, "msgIdList")?.split(',').filter(|id| !id.is_empty());
            let lists = ids.map(|id| {
                let list = number(id).and_then(|id| app.reactions(&me, id));
                let list = list.map_or_else(|_| json!([]), |list| list.seen_by(&me));
                json!({ "msgId": id, "reactionList": list })
            });
            Ok(ok(cx, &lists.collect()))
        }
        ("GET", ["detail"]) => {
            let id = number(asked(call, "msgId")?)?;
            let text = asked(call, "message")?;
            let reaction = app.reaction(&me, id, text)?;
            let users = reaction.map(|reaction| reaction.users.clone()).unwrap_or_default();
            let (n_users, is_own) = (users.len(), users.contains(&me));
            let (page, cursor) = call.page(users);
            Ok(ok(
                cx,
                &json!({
                    "reactionId": reaction.map(|reaction| reaction.id.to_string()),
                    "reaction": text,
                    "count": n_users,
                    "state": is_own,
                    "userList": page,
                    "cursor": cursor,
                }),
            ))
        }
        _ => Err(unknown(call)),
    }
}

fn react(
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    me: &UserId,
    is_added: bool,
) -> Result<Reply, HttpRefusal> {
    let of = |key: &str| call.text(&[key]).or_else(|| call.param(key));
    let missing = |key: &str| HttpRefusal::bad(format!("{key} must be provided"));
    let msg_id = of("msgId").ok_or_else(|| missing("msgId"))?;
    let text = of("message").ok_or_else(|| missing("message"))?;
    let acting = call.acting();
    let reaction = app.react(cx, me, number(msg_id)?, text, is_added, acting.as_ref())?;
    Ok(ok(
        cx,
        &json!({
            "id": reaction.id.to_string(),
            "msgId": msg_id,
            "reaction": text,
            "createdAt": reaction.created_ms,
            "updatedAt": reaction.updated_ms,
        }),
    ))
}

/// Source: Easemob's REST documentation, "reactions": no envelope.
fn ok(cx: &Cx<'_>, data: &Value) -> Reply {
    Reply::bare(json!({ "requestStatusCode": "ok", "timestamp": cx.now, "data": data }))
}

fn asked<'a>(call: &'a Call, key: &str) -> Result<&'a str, HttpRefusal> {
    call.param(key).ok_or_else(|| HttpRefusal::bad(format!("{key} must be provided")))
}

fn number(id: &str) -> Result<u64, HttpRefusal> {
    id.parse().map_err(|_| HttpRefusal::bad(format!("message id {id} is not Legal")))
}

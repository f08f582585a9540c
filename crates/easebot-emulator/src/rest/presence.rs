//! Presence over REST. Its answers have no envelope.

use easebot_model::{Resource, UserId};
use serde_json::{Value, json};

use super::{call::Call, reply::Reply, unknown};
use crate::{
    refusal::HttpRefusal,
    world::{App, Cx, Place, User},
};

pub(super) fn route(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let ["users", me, "presence", rest @ ..] = path else {
        return online_in(method, path, call, app, cx);
    };
    let me = UserId::new(me);
    call.require(app, cx, &me)?;
    if app.user(&me).is_none() {
        return Err(HttpRefusal::no_user(me.as_str()));
    }
    match (method, rest) {
        ("POST", []) => {
            let others = call.names("usernames");
            Ok(Reply::bare(json!({ "result": app.presences(&others)? })))
        }
        ("DELETE", []) => {
            let names = call.body.as_array().into_iter().flatten().filter_map(Value::as_str);
            let others: Vec<UserId> = names.map(UserId::new).collect();
            app.unsubscribe_presence(&me, &others);
            Ok(ok())
        }
        ("GET", ["sublist"]) => {
            let all: Vec<Value> = app
                .presence_subscriptions(cx.now, &me)
                .into_iter()
                .map(|(user, until)| json!({ "uid": user, "expiry": until }))
                .collect();
            let n_all = all.len();
            let (page, _) = call.page(all);
            Ok(Reply::bare(json!({ "result": { "totalnum": n_all, "sublist": page } })))
        }
        ("POST", [expiry]) => {
            let secs = expiry.parse().map_err(|_| HttpRefusal::bad("expiry must be a number"))?;
            let others = call.names("usernames");
            let result = app.subscribe_presence(cx, &me, &others, secs)?;
            Ok(Reply::bare(json!({ "result": result })))
        }
        ("POST", [device, state]) => {
            let ext = call.text(&["ext"]).unwrap_or_default();
            app.publish_presence(cx, &me, &Resource::new(device), state, ext);
            Ok(ok())
        }
        _ => Err(unknown(call)),
    }
}

/// How many are online in a group (type 0) or chat room (type 1).
fn online_in(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &App,
    cx: &Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let place = match (method, path) {
        ("GET", ["presence", "online", id, "type", "0"]) => Place::Group((*id).into()),
        ("GET", ["presence", "online", id, "type", "1"]) => Place::Room((*id).into()),
        _ => return Err(unknown(call)),
    };
    call.require_admin(app, cx)?;
    app.rules(&place)?;
    let people = app.people_in(&place);
    let n_online = people.iter().filter(|user| app.user(user).is_some_and(User::is_online)).count();
    Ok(Reply::bare(json!({ "result": n_online })))
}

fn ok() -> Reply {
    Reply::bare(json!({ "result": "ok" }))
}

//! Silent mode and the language of pushes.

use easebot_model::{Conversation, UserId};
use serde_json::{Map, Value, json};

use super::{call::Call, reply::Reply, unknown};
use crate::{
    refusal::HttpRefusal,
    world::{App, Cx, SilentChange},
};

pub(super) fn route(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    let ["users", me, "notification", rest @ ..] = path else { return Err(unknown(call)) };
    let me = UserId::new(me);
    call.require(app, cx, &me)?;
    let now = cx.now;
    let user = app.user_mut(&me).ok_or_else(|| HttpRefusal::no_user(me.as_str()))?;
    let silence = &user.silence;
    let shown = |one: &Conversation| {
        let mode = silence.conversations.get(one);
        Value::Object(mode.map(|mode| mode.shown(now)).unwrap_or_default())
    };
    match (method, rest) {
        ("GET", []) => {
            let of = |key: &str, make: fn(&str) -> Conversation| {
                let names = call.param(key).into_iter().flat_map(|names| names.split(','));
                let modes = names.map(|name| (name.to_owned(), shown(&make(name))));
                Value::Object(modes.collect())
            };
            Ok(Reply::data(json!({
                "user": of("user", |name| Conversation::user(name)),
                "group": of("group", |name| Conversation::group(name)),
            })))
        }
        ("GET", ["mute", "type"]) => {
            let all = silence.conversations.iter().filter_map(|(one, mode)| {
                let kind = mode.kind.as_ref()?;
                let key = if matches!(one, Conversation::User(_)) { "user" } else { "group" };
                Some(json!({ key: one.name(), "value": kind }))
            });
            Ok(Reply::page(call, all.collect()))
        }
        ("GET", ["language"]) => Ok(Reply::data(json!({ "language": silence.language }))),
        ("PUT", ["language"]) => {
            let language = call.required("translationLanguage")?.to_owned();
            user.silence.language = Some(language.clone());
            Ok(Reply::data(json!({ "language": language })))
        }
        ("GET" | "PUT", ["user", name]) if me == **name => {
            if method == "GET" {
                return Ok(Reply::data(silence.all.shown(now)));
            }
            set(call, app, cx, &me, None)
        }
        ("GET" | "PUT", [kind @ ("chatgroup" | "user"), name]) => {
            let one = match *kind {
                "user" => Conversation::user(name),
                _ => Conversation::group(name),
            };
            if method == "GET" {
                return Ok(Reply::data(shown(&one)));
            }
            set(call, app, cx, &me, Some(&one))
        }
        _ => Err(unknown(call)),
    }
}

fn set(
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    me: &UserId,
    conversation: Option<&Conversation>,
) -> Result<Reply, HttpRefusal> {
    let change = match (call.text(&["type"]), call.text(&["ignoreInterval"])) {
        (Some("DEFAULT"), _) => SilentChange::Reset,
        (Some(kind @ ("ALL" | "AT" | "NONE")), _) => SilentChange::Kind(kind.to_owned()),
        (Some(_), _) => return Err(HttpRefusal::bad("type must be ALL, AT, NONE or DEFAULT")),
        (None, Some(interval)) => SilentChange::Interval(interval.to_owned()),
        (None, None) => match call.number(&["ignoreDuration"]) {
            Some(duration_ms) => SilentChange::For(duration_ms),
            None => {
                let text = "type, ignoreDuration or ignoreInterval must be provided";
                return Err(HttpRefusal::bad(text));
            }
        },
    };
    let acting = call.acting();
    let mode: Map<_, _> = app.set_silent(cx, me, conversation, change, acting.as_ref())?;
    Ok(Reply::data(mode))
}

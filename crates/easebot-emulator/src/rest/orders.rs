//! Orders under `/_emulator/`: what [`Control`](crate::Control) does, over HTTP.

use easebot_model::{AppKey, Kick, Resource, UserId};
use serde_json::json;

use super::{call::Call, reply::Reply, unknown};
use crate::{
    control::{Control, Whose, Wish},
    refusal::HttpRefusal,
    shared::Shared,
};

pub(super) fn route(
    shared: &std::sync::Arc<Shared>,
    call: &Call,
    order: &str,
) -> Result<Reply, HttpRefusal> {
    if call.method != "POST" {
        return Err(HttpRefusal::new(405, "method_not_allowed", "an order is a POST"));
    }
    call.json()?;
    let control = Control::new(std::sync::Arc::clone(shared), app(shared, call)?);
    let user = call.text(&["user"]).map(UserId::new);
    let whose = match (&user, call.text(&["device"])) {
        (None, None) => Whose::All,
        (None, Some(_)) => return Err(HttpRefusal::bad("a device needs its user")),
        (Some(user), None) => Whose::User(user.clone()),
        (Some(user), Some(device)) => Whose::Device(user.clone(), Resource::new(device)),
    };
    let n = match order {
        "drop" => control.drop_links(&whose),
        "kick" => control.kick(&whose, kick(call)?, call.text(&["reason"])),
        "expire-token" => control.expire_tokens(user.as_ref()),
        "refuse" => {
            let wish = match call.text(&["what"]) {
                None | Some("send") => Wish::Send,
                Some("login") => Wish::Login,
                Some(_) => return Err(HttpRefusal::bad("`what` is `send` or `login`")),
            };
            let n = call.number(&["n"]).map_or(1, |n| usize::try_from(n).unwrap_or(usize::MAX));
            let code = call.number(&["code"]).and_then(|code| i32::try_from(code).ok());
            let code = code.ok_or_else(|| HttpRefusal::bad("`code` is a number"))?;
            control.refuse(wish, user, n, code, call.text(&["reason"]).unwrap_or_default());
            n
        }
        "silence" if call.flag(&["off"]) == Some(true) => {
            control.end_silence();
            0
        }
        "silence" => control.silence(&whose, call.flag(&["henceforth"]).unwrap_or_default()),
        "moderate" => {
            control.moderate(call.required("word")?, call.text(&["with"]).unwrap_or_default());
            1
        }
        "clear" => {
            control.clear();
            0
        }
        _ => return Err(unknown(call)),
    };
    Ok(Reply::bare(json!({ "n": n })))
}

/// The app that is meant: the first one, if the order names none.
fn app(shared: &Shared, call: &Call) -> Result<AppKey, HttpRefusal> {
    let Some(text) = call.text(&["app"]) else {
        return Ok(shared.with(|world, _| world.first_app().clone()));
    };
    let key = text.parse().ok().filter(|key| shared.options.app_keys.contains(key));
    key.ok_or_else(|| HttpRefusal::bad(format!("there is no app {text}")))
}

fn kick(call: &Call) -> Result<Kick, HttpRefusal> {
    match call.number(&["operation"]) {
        Some(1) => Ok(Kick::UserRemoved),
        Some(2) => Ok(Kick::LoggedInElsewhere),
        Some(3) => Ok(Kick::PasswordChanged),
        Some(4) | None => Ok(Kick::KickedByOther),
        Some(_) => Err(HttpRefusal::bad("`operation` is a number from 1 to 4")),
    }
}

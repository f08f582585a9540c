//! Orders under `/_emulator/`: what [`Control`](crate::Control) does, over HTTP.

mod stream;

use std::time::Duration;

use easebot_model::{AppKey, Kick, Resource, UserId};
use serde_json::json;

use super::{call::Call, reply::Reply, unknown};
use crate::{
    control::{Control, Endpoint, HttpFault, Whose, Wish},
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
    if order == "stream" {
        return stream::send(call, &control);
    }
    let n = match order {
        "drop" => control.drop_links(&whose),
        "kick" => control.kick(&whose, kick(call)?, call.text(&["reason"])),
        "expire-token" => control.expire_tokens(user.as_ref()),
        "restart" => {
            let down = Duration::from_millis(call.number(&["ms"]).unwrap_or_default());
            control.restart(down)
        }
        "refuse" => {
            let wish = wish(call, Wish::Send)?;
            let n = n_times(call);
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
        "delay" => {
            let ms = call.number(&["ms"]).ok_or_else(|| HttpRefusal::bad("`ms` is a number"))?;
            control.delay(&whose, Duration::from_millis(ms));
            1
        }
        "expire-session" => control.expire_sessions(&whose),
        "fail" => {
            let fault = fault(call, user)?;
            let n = fault.n;
            control.fail(fault);
            n
        }
        "rate-limit" => {
            let is_off = call.flag(&["off"]) == Some(true);
            let per_second = call.number(&["per_second"]).and_then(|n| u32::try_from(n).ok());
            if per_second.is_none() && !is_off {
                return Err(HttpRefusal::bad("`per_second` is a number"));
            }
            let per_second = per_second.filter(|_| !is_off);
            match call.text(&["what"]) {
                None | Some("send") => control.limit_sends(user, per_second),
                Some("rest") => control.limit_requests(user, per_second),
                Some(_) => return Err(HttpRefusal::bad("`what` is `send` or `rest`")),
            }
            1
        }
        "redirect" => {
            let wish = wish(call, Wish::Login)?;
            if wish == Wish::Send {
                return Err(HttpRefusal::bad("`what` is `login` or `heartbeat`"));
            }
            let port = call.number(&["port"]).and_then(|port| u16::try_from(port).ok());
            let port = port.ok_or_else(|| HttpRefusal::bad("`port` is a number up to 65535"))?;
            let n = n_times(call);
            control.redirect(wish, user, n, call.required("host")?, port);
            n
        }
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

/// Which wish is meant, by default `otherwise`.
fn wish(call: &Call, otherwise: Wish) -> Result<Wish, HttpRefusal> {
    match call.text(&["what"]) {
        None => Ok(otherwise),
        Some("heartbeat") => Ok(Wish::Heartbeat),
        Some("login") => Ok(Wish::Login),
        Some("send") => Ok(Wish::Send),
        Some(_) => Err(HttpRefusal::bad("`what` is `send`, `login` or `heartbeat`")),
    }
}

/// How often: once, if the order does not say.
fn n_times(call: &Call) -> usize {
    call.number(&["n"]).map_or(1, |n| usize::try_from(n).unwrap_or(usize::MAX))
}

fn fault(call: &Call, user: Option<UserId>) -> Result<HttpFault, HttpRefusal> {
    let endpoint = match call.text(&["what"]) {
        None | Some("rest") => Endpoint::Any,
        Some("download") => Endpoint::Download,
        Some("upload") => Endpoint::Upload,
        Some(_) => return Err(HttpRefusal::bad("`what` is `rest`, `upload` or `download`")),
    };
    let otherwise = HttpFault::default();
    let text = |key, otherwise: String| call.text(&[key]).map_or(otherwise, ToOwned::to_owned);
    let status = match call.number(&["status"]) {
        None => otherwise.status,
        Some(status) => u16::try_from(status)
            .ok()
            .filter(|status| (400..600).contains(status))
            .ok_or_else(|| HttpRefusal::bad("`status` is a number from 400 to 599"))?,
    };
    Ok(HttpFault {
        endpoint,
        user,
        path: text("path", otherwise.path),
        n: n_times(call),
        status,
        error: text("error", otherwise.error),
        description: text("description", otherwise.description),
        retry_after: call.number(&["retry_after_secs"]).map(Duration::from_secs),
    })
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

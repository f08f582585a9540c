//! How long files live. Source of path and words: Easemob's REST documentation, "file life".

use easebot_model::UserId;
use serde_json::json;

use crate::{
    control::Endpoint,
    files::Life,
    refusal::HttpRefusal,
    rest::{call::Call, reply::Reply, screen, with_app},
    shared::Shared,
};

/// How many files one request may name.
const MAX_FILES: usize = 100;

/// `{lifetime: default | refresh | forever, chatfile_ids}`. What is not there, or is over, counts as failed.
pub(in crate::rest) fn set_lives(
    shared: &Shared,
    call: &Call,
    org: &str,
    app: &str,
    user: &str,
) -> Result<Reply, HttpRefusal> {
    let key = with_app(shared, org, app, |app, cx| {
        screen(call, Endpoint::Any, &["users", user, "chatfiles", "lifetime"], app, cx)?;
        call.require(app, cx, &UserId::new(user))?;
        Ok(app.key.clone())
    })?;
    let life = match call.required("lifetime")? {
        "default" => Life::Default,
        "forever" => Life::ForEver,
        "refresh" => Life::Refresh,
        _ => return Err(HttpRefusal::bad("lifetime is default, refresh or forever")),
    };
    let ids = call.texts("chatfile_ids");
    if ids.is_empty() || ids.len() > MAX_FILES {
        return Err(HttpRefusal::bad(format!("chatfile_ids must hold 1 to {MAX_FILES} ids")));
    }
    let (success, failed): (Vec<&str>, Vec<&str>) =
        ids.into_iter().partition(|id| shared.files.set_life(&key, id, life));
    Ok(Reply::data(json!({ "success": success, "failed": failed })))
}

//! Making and changing groups.

use easebot_model::{GroupId, UserId};
use serde_json::{Map, Value, json};

use crate::{
    refusal::HttpRefusal,
    rest::{
        call::{Call, no_right},
        reply::Reply,
    },
    world::{Actor, App, Cx, GroupDraft, TokenOwner},
};

/// Longest name and description in characters. Source: Easemob's REST documentation, "group management".
const MAX_NAME: usize = 128;
const MAX_DESCRIPTION: usize = 512;
/// Longest text of the app's own. Source: as above.
const MAX_CUSTOM_BYTES: usize = 8 * 1024;

/// Makes a group: for oneself, or, as the administrator, for anybody.
pub(super) fn create(call: &Call, app: &mut App, cx: &mut Cx<'_>) -> Result<Reply, HttpRefusal> {
    let caller = call.caller(app, cx)?;
    let owner = match (&caller, call.text(&["owner"])) {
        (TokenOwner::User(caller), None) => caller.clone(),
        (TokenOwner::User(caller), Some(owner)) if *caller == *owner => caller.clone(),
        (TokenOwner::User(_), Some(_)) => return Err(no_right()),
        (TokenOwner::App, Some(owner)) => UserId::new(owner),
        (TokenOwner::App, None) => {
            return Err(HttpRefusal::new(
                400,
                "invalid_parameter",
                "group must contain owner field!",
            ));
        }
    };
    let is_public = call.flag(&["public"]);
    if is_public.is_none() && caller == TokenOwner::App {
        let text = "group must contain public field!";
        return Err(HttpRefusal::new(400, "invalid_parameter", text));
    }
    let mut draft = GroupDraft::new("", owner);
    draft.is_public = is_public.unwrap_or_default();
    change(call, &mut draft)?;
    let id = call.text(&["groupid"]).map_or_else(|| app.next_muc_id(), ToOwned::to_owned);
    let members = call.names("members");
    let acting = call.acting();
    app.create_group(cx, &GroupId::new(&id), draft, &members, acting.as_ref())?;
    Ok(Reply::data(json!({ "groupid": id })))
}

/// Changes what the request names, or gives the group to another.
pub(super) fn modify(
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    id: &GroupId,
    actor: Actor<'_>,
) -> Result<Reply, HttpRefusal> {
    if let Some(owner) = call.typed_text(&["newowner"])? {
        app.transfer_group(cx, id, &UserId::new(owner), actor.device)?;
        return Ok(Reply::data(json!({ "newowner": true })));
    }
    let keys = call.body.as_object().into_iter().flatten().map(|(key, _)| key.clone());
    let done: Map<String, Value> = keys.map(|key| (key, Value::Bool(true))).collect();
    let mut draft = app.group(id)?.draft.clone();
    change(call, &mut draft)?;
    app.modify_group(cx, id, facts(call, cx.now), actor, draft)?;
    Ok(Reply::data(done))
}

/// Puts what the request says into `draft`, under all the names that clients use.
fn change(call: &Call, draft: &mut GroupDraft) -> Result<(), HttpRefusal> {
    let texts: [(&mut String, &[&str]); 4] = [
        (&mut draft.name, &["groupname", "name"]),
        (&mut draft.description, &["desc", "description"]),
        (&mut draft.avatar, &["avatar"]),
        (&mut draft.custom, &["custom"]),
    ];
    for (field, keys) in texts {
        if let Some(text) = call.typed_text(keys)? {
            text.clone_into(field);
        }
    }
    let flags: [(&mut bool, &[&str]); 4] = [
        (&mut draft.is_public, &["public"]),
        (&mut draft.needs_approval, &["approval", "membersonly", "memberonly"]),
        (&mut draft.members_invite, &["allowinvites", "allow_user_invites"]),
        (&mut draft.needs_consent, &["invite_need_confirm", "inviteNeedConfirm"]),
    ];
    for (field, keys) in flags {
        if let Some(flag) = call.typed_flag(keys)? {
            *field = flag;
        }
    }
    if let Some(max_users) = call.typed_number(&["maxusers", "max_users"])? {
        draft.max_users = usize::try_from(max_users).unwrap_or(usize::MAX);
    }
    let lengths = [
        ("groupname", draft.name.chars().count(), MAX_NAME),
        ("description", draft.description.chars().count(), MAX_DESCRIPTION),
        ("custom", draft.custom.len(), MAX_CUSTOM_BYTES),
    ];
    for (what, length, limit) in lengths {
        if length > limit {
            let text = format!("{what} is longer than {limit}");
            return Err(HttpRefusal::new(400, "invalid_parameter", text));
        }
    }
    Ok(())
}

/// What members are told of a change: texts alone, as the official SDK reads them.
fn facts(call: &Call, now: u64) -> String {
    let mut facts = Map::from_iter([("last_modified".to_owned(), json!(now.to_string()))]);
    for (key, value) in call.body.as_object().into_iter().flatten() {
        let key = match key.as_str() {
            "groupname" => "name",
            "desc" => "description",
            "membersonly" | "memberonly" | "approval" => "members_only",
            "allowinvites" => "allow_user_invites",
            "maxusers" => "max_users",
            other => other,
        };
        let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        facts.insert(key.to_owned(), Value::String(text));
    }
    Value::Object(facts).to_string()
}

//! Groups as REST shows them.

use easebot_model::{GroupId, UserId};
use serde_json::{Map, Value, json};

use crate::{
    refusal::HttpRefusal,
    rest::{call::Call, reply::Reply},
    world::{App, Cx, Group},
};

/// The groups of a user, short, or in pages with `version=v3`.
pub(super) fn joined(
    call: &Call,
    app: &App,
    cx: &Cx<'_>,
    user: &str,
) -> Result<Reply, HttpRefusal> {
    let user = UserId::new(user);
    call.require(app, cx, &user)?;
    let is_v3 = call.param("version").is_some() || call.param("pagenum").is_some();
    let all = groups_of(app, &user).map(|(id, group)| {
        let name = &group.draft.name;
        if is_v3 {
            let permission = role(group, &user);
            json!({
                "id": id,
                "name": name,
                "disabled": group.is_disabled,
                "permission": permission,
            })
        } else {
            json!({ "groupid": id, "groupname": name })
        }
    });
    Ok(Reply::page(call, all.collect()))
}

/// The groups of a user with what they may do there.
pub(super) fn joined_with_role(
    call: &Call,
    app: &App,
    cx: &Cx<'_>,
    user: &str,
) -> Result<Reply, HttpRefusal> {
    let user = UserId::new(user);
    call.require(app, cx, &user)?;
    let all: Vec<Value> = groups_of(app, &user)
        .map(|(id, group)| {
            let draft = &group.draft;
            json!({
                "groupId": id,
                "name": draft.name,
                "permission": role(group, &user),
                "affiliations_count": group.members.len(),
                "disabled": group.is_disabled,
                "membersonly": draft.needs_approval,
                "allowinvites": draft.members_invite,
                "description": draft.description,
                "maxusers": draft.max_users,
                "public": draft.is_public,
            })
        })
        .collect();
    let n_groups = all.len();
    // Source: easemob-websdk, `getJoinedGroups`: with roles or counts pages begin at 0, without at 1.
    let (page, cursor) = call.page_from(0, all);
    Ok(Reply::entities(page).with("total", n_groups).with_some("cursor", cursor))
}

pub(super) fn groups_of<'a>(
    app: &'a App,
    user: &'a UserId,
) -> impl Iterator<Item = (&'a GroupId, &'a Group)> {
    app.groups.iter().filter(move |(_, group)| group.members.contains_key(user))
}

fn role(group: &Group, user: &UserId) -> &'static str {
    group.role(user).word()
}

pub(super) fn members(group: &Group) -> Vec<Value> {
    let entry = |(user, joined_ms): (&UserId, &u64)| {
        let mut entry = Map::from_iter([(role(group, user).to_owned(), json!(user))]);
        entry.insert("joined_time".to_owned(), json!(joined_ms));
        Value::Object(entry)
    };
    group.members.iter().map(entry).collect()
}

pub(super) fn listed(app: &App, id: &GroupId, group: &Group) -> Value {
    json!({
        "owner": format!("{}_{}", app.key, group.owner()),
        "groupid": id,
        "groupname": group.draft.name,
        "affiliations": group.members.len(),
        "type": "group",
        "lastModified": group.modified_ms,
    })
}

pub(super) fn detail(id: &GroupId, group: &Group, viewer: Option<&UserId>) -> Value {
    let draft = &group.draft;
    json!({
        "id": id,
        "name": draft.name,
        "description": draft.description,
        "avatar": draft.avatar,
        "membersonly": draft.needs_approval,
        "allowinvites": draft.members_invite,
        "invite_need_confirm": draft.needs_consent,
        "maxusers": draft.max_users,
        "owner": draft.owner,
        "created": group.created_ms,
        "custom": draft.custom,
        "mute": group.rules.is_muted,
        "disabled": group.is_disabled,
        "shieldgroup": viewer.is_some_and(|viewer| group.shields.contains(viewer)),
        "public": draft.is_public,
        "affiliations_count": group.members.len(),
        "affiliations": members(group),
    })
}

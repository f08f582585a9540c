//! Name space MUC: groups, chat rooms and message threads.
//!
//! Source: observed with the official SDK. Operations that it has no event for are [`MucChange::Unknown`] with their number.

use bytes::Bytes;
use easebot_model::{
    Event, GroupId, Muc, MucChange, MultiDevice, MultiDeviceChange, Resource, Thread, ThreadChange,
    Timestamp, UserId,
};
use prost::Message;
use serde_json::{Map, Value};

use super::{
    Decoded, Me, Unread, json,
    view::{self, MetaView},
};
use crate::schema::{Jid, MucBody, muc_body::Operation};

pub(super) fn decode(meta: &MetaView, payload: &Bytes, me: &Me) -> Result<Decoded, Unread> {
    let body = MucBody::decode(payload.clone()).map_err(|_| Unread::Broken("group change"))?;
    let event =
        if body.is_thread() { thread(body, meta.time()) } else { change(body, meta.time(), me) };
    Ok(Decoded::Event { key: meta.key(), event: event? })
}

fn change(body: MucBody, time: Timestamp, me: &Me) -> Result<Event, Unread> {
    let is_room = body.is_chatroom();
    let id = name(body.muc_id.as_ref());
    let conversation = if is_room { view::room(id) } else { view::group(id) };
    let conversation = conversation.ok_or(Unread::Missing("group id"))?;
    let operator = UserId::new(name(body.from.as_ref()));
    let change = read_change(&body)?;

    if let MucChange::MemberAttributesUpdated { user, attributes } = &change {
        let resource = resource(body.from.as_ref());
        if !is_room && operator == me.user && !me.is_this_device(&operator, &resource) {
            let (group, user, attributes) = (GroupId::new(id), user.clone(), attributes.clone());
            let change = MultiDeviceChange::MemberAttributes { group, user, attributes };
            return Ok(multi_device(resource, time, change));
        }
    }
    let carries_reason = !matches!(change, MucChange::AnnouncementUpdated { .. });
    // Elsewhere `ext` is not for people: a mute has its end in it.
    let carries_ext = is_room && matches!(change, MucChange::Joined | MucChange::MembersPresent);
    let muc = Muc {
        conversation,
        operator,
        targets: targets(&body, &change),
        change,
        reason: body.reason.filter(|reason| carries_reason && !reason.is_empty()),
        name: body.muc_name.filter(|name| !name.is_empty()),
        n_members: body.muc_member_count.and_then(|n_members| n_members.try_into().ok()),
        ext: body.ext.filter(|ext| carries_ext && !ext.is_empty()),
    };
    Ok(if is_room { Event::Room(Box::new(muc)) } else { Event::Group(Box::new(muc)) })
}

/// The members that the change is about. When members come or go, `to` says who is told, not who it is.
fn targets(body: &MucBody, change: &MucChange) -> Vec<UserId> {
    let told = matches!(change, MucChange::MembersAbsent | MucChange::MembersPresent);
    let addressed = body.to.iter().map(Jid::name).filter(|_| !told && body.members.is_empty());
    let names = body.members.iter().map(String::as_str).chain(addressed);
    names.filter(|name| !name.is_empty()).map(UserId::new).collect()
}

fn read_change(body: &MucBody) -> Result<MucChange, Unread> {
    let number = body.operation.unwrap_or_default();
    let Ok(operation) = Operation::try_from(number) else {
        return Ok(MucChange::Unknown { number });
    };
    Ok(match operation {
        Operation::AbleGroup => MucChange::Enabled,
        Operation::Absence => MucChange::MembersAbsent,
        Operation::AddAdmin => MucChange::AdminAdded,
        Operation::AddMute => MucChange::Muted { until: mute_end(body) },
        Operation::AddUserWhiteList => MucChange::AllowListAdded,
        Operation::Allow => MucChange::Allowed,
        Operation::Apply => MucChange::Applied,
        Operation::ApplyAccept => MucChange::ApplyAccepted,
        Operation::ApplyDecline => MucChange::ApplyDeclined,
        Operation::AssignOwner => MucChange::OwnerAssigned,
        Operation::Ban => MucChange::Banned,
        Operation::BanGroup => MucChange::AllMuted,
        Operation::Block => MucChange::Blocked,
        Operation::Create => MucChange::Created,
        Operation::DeleteAnnouncement => MucChange::AnnouncementDeleted,
        Operation::DeleteFile => MucChange::FileDeleted,
        Operation::DeleteMetadata => MucChange::AttributesDeleted {
            keys: success_keys(&details(body)?).ok_or(Unread::Missing("list of attributes"))?,
        },
        Operation::Destroy => MucChange::Destroyed,
        Operation::DirectJoined => MucChange::DirectJoined,
        Operation::DisableGroup => MucChange::Disabled,
        Operation::GroupMemberMetadataUpdate => member_attributes(details(body)?)?,
        Operation::Invite => MucChange::Invited,
        Operation::InviteAccept => MucChange::InviteAccepted,
        Operation::InviteDecline => MucChange::InviteDeclined,
        Operation::Join => MucChange::Joined,
        Operation::Kick => MucChange::Kicked,
        Operation::Leave => MucChange::Left,
        Operation::Presence => MucChange::MembersPresent,
        Operation::RemoveAdmin => MucChange::AdminRemoved,
        Operation::RemoveBanGroup => MucChange::AllUnmuted,
        Operation::RemoveMute => MucChange::Unmuted,
        Operation::RemoveUserWhiteList => MucChange::AllowListRemoved,
        Operation::SetMetadata => attributes_set(details(body)?)?,
        Operation::Unblock => MucChange::Unblocked,
        Operation::Update => MucChange::InfoUpdated { detail: info(body) },
        Operation::UpdateAnnouncement => {
            MucChange::AnnouncementUpdated { announcement: body.reason.clone().unwrap_or_default() }
        }
        Operation::UploadFile => MucChange::FileUploaded,
        Operation::GetBlacklist
        | Operation::ThreadAbsence
        | Operation::ThreadCreate
        | Operation::ThreadDestroy
        | Operation::ThreadJoin
        | Operation::ThreadKick
        | Operation::ThreadLeave
        | Operation::ThreadPresence
        | Operation::ThreadUpdate => MucChange::Unknown { number },
    })
}

/// `eventInfo.ext`, an object as JSON text.
fn details(body: &MucBody) -> Result<Map<String, Value>, Unread> {
    let text = body.event_info.as_ref().and_then(|info| info.ext.as_deref());
    let text = text.ok_or(Unread::Missing("list of attributes"))?;
    serde_json::from_str(text).map_err(|_| Unread::Broken("list of attributes"))
}

/// `eventInfo.ext` as it is: null if absent, the bare text if it is no JSON.
fn info(body: &MucBody) -> Value {
    let text = body.event_info.as_ref().and_then(|info| info.ext.as_deref());
    text.filter(|text| !text.is_empty())
        .map(|text| serde_json::from_str(text).unwrap_or_else(|_| text.into()))
        .unwrap_or_default()
}

/// `{"result": {"successKeys": [...]}}`.
fn success_keys(details: &Map<String, Value>) -> Option<Vec<String>> {
    let keys = details.get("result")?.get("successKeys")?.as_array()?;
    Some(keys.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// `{"result": {"successKeys": [...]}, "properties": {...}}`: those properties that were really set.
fn attributes_set(mut details: Map<String, Value>) -> Result<MucChange, Unread> {
    let keys = success_keys(&details);
    let Some(Value::Object(mut attributes)) = details.remove("properties") else {
        return Err(Unread::Missing("list of attributes"));
    };
    if let Some(keys) = keys {
        let keys: std::collections::HashSet<String> = keys.into_iter().collect();
        attributes.retain(|key, _| keys.contains(key));
    }
    Ok(MucChange::AttributesSet { attributes: Value::Object(attributes) })
}

/// `{"username": ..., "properties": {...}}`.
fn member_attributes(mut details: Map<String, Value>) -> Result<MucChange, Unread> {
    let user = UserId::new(json::text(&details, "username"));
    let attributes = details.remove("properties").ok_or(Unread::Missing("list of attributes"))?;
    Ok(MucChange::MemberAttributesUpdated { user, attributes })
}

/// `ext` of a mute, `{"user_mute_time": MILLISECONDS}`. Below 0 means for good.
fn mute_end(body: &MucBody) -> Option<Timestamp> {
    let details: Map<String, Value> = serde_json::from_str(body.ext.as_deref()?).ok()?;
    json::uint(&details, "user_mute_time").map(Timestamp)
}

/// A change of a thread. All but the removal of a member are told to other devices of who made the change.
fn thread(body: MucBody, time: Timestamp) -> Result<Event, Unread> {
    let number = body.operation.unwrap_or_default();
    let id = GroupId::new(name(body.muc_id.as_ref()));
    let parent = GroupId::new(name(body.muc_parent_id.as_ref()));
    if id.is_empty() || parent.is_empty() {
        return Err(Unread::Missing("thread id"));
    }
    let operation = match Operation::try_from(number) {
        Ok(Operation::ThreadCreate) => "create",
        Ok(Operation::ThreadDestroy) => "destroy",
        Ok(Operation::ThreadJoin) => "join",
        Ok(Operation::ThreadLeave) => "leave",
        Ok(Operation::ThreadUpdate) => "update",
        Ok(Operation::ThreadKick) => {
            let user = UserId::new(name(body.to.first()));
            return Ok(Event::Thread(Box::new(Thread {
                id,
                parent,
                operator: UserId::new(name(body.from.as_ref())),
                name: body.muc_name.unwrap_or_default(),
                message: None,
                time,
                change: ThreadChange::MemberRemoved { user },
            })));
        }
        _ => return Err(Unread::Number("thread operation", number)),
    };
    let resource = resource(body.from.as_ref());
    let name = body.muc_name.unwrap_or_default();
    let operation = operation.to_owned();
    let change = MultiDeviceChange::Thread { id, name, parent, operation };
    Ok(multi_device(resource, time, change))
}

fn multi_device(resource: Resource, time: Timestamp, change: MultiDeviceChange) -> Event {
    let resource = Some(resource).filter(|resource| !resource.is_empty());
    Event::MultiDevice(Box::new(MultiDevice { resource, time: Some(time), change }))
}

fn name(jid: Option<&Jid>) -> &str {
    jid.map(Jid::name).unwrap_or_default()
}

fn resource(jid: Option<&Jid>) -> Resource {
    Resource::new(jid.map(Jid::client_resource).unwrap_or_default())
}

//! The `Meta` that the server adds to the answer to a send.

use bytes::Bytes;
use easebot_model::{EditInfo, Message, RoomState, Timestamp};
use prost::Message as _;
use serde_json::{Map, Value};

use super::{Me, chat, json, view::MetaView};
use crate::schema::{MucBody, meta::NameSpace};

/// What the server adds to the answer to a send.
///
/// Source: observed with the official SDK.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ReplyMeta {
    /// An edit was taken: how often and by whom the message was edited.
    Edited(EditInfo),
    /// Nothing that this version can read; the send is as good as without it.
    Nothing,
    /// Moderation replaced the content: the message as the receivers see it.
    Replaced(Box<Message>),
    /// A room was joined: what the server says about it.
    Room(RoomState),
}

/// Decodes the first `Meta` of the answer to a send (`CommSyncDL.metas` beside a `metaId`). Never fails.
#[must_use]
pub fn decode_reply_meta(raw: &Bytes, me: &Me) -> ReplyMeta {
    read(raw, me).unwrap_or(ReplyMeta::Nothing)
}

fn read(raw: &Bytes, me: &Me) -> Option<ReplyMeta> {
    let mut meta = MetaView::decode(raw.clone()).ok()?;
    let payload = meta.payload.take().unwrap_or_default();
    match NameSpace::try_from(meta.ns?).ok()? {
        NameSpace::Chat => {
            let message = chat::decode_message(&meta, &payload, me)?;
            Some(ReplyMeta::Replaced(Box::new(message)))
        }
        NameSpace::Muc => {
            let info = MucBody::decode(payload).ok()?.status?.chatroom_info?;
            room_state(&info, me).map(ReplyMeta::Room)
        }
        NameSpace::Notify => {
            let notification = json::object(&payload)?;
            json::edit_info(json::filled(&notification, "edit_msg")?).map(ReplyMeta::Edited)
        }
        NameSpace::Conference | NameSpace::Query | NameSpace::Roster | NameSpace::Statistic => None,
    }
}

/// `{"USER": {is_all_mute, create_timestamp, is_in_white_list, member_count, mute_duration}}`.
fn room_state(info: &str, me: &Me) -> Option<RoomState> {
    let info: Map<String, Value> = serde_json::from_str(info).ok()?;
    let is_me = |(name, _): &(&String, &Value)| name.eq_ignore_ascii_case(me.user.as_str());
    let (_, state) = info.iter().find(is_me).or_else(|| info.iter().next())?;
    let state = state.as_object()?;
    let is_true = |key| state.get(key).is_some_and(json::is_truthy);
    let time = |key| json::uint(state, key).filter(|time| *time != 0).map(Timestamp);
    Some(RoomState {
        is_all_muted: is_true("is_all_mute"),
        is_in_allow_list: is_true("is_in_white_list"),
        n_members: json::uint(state, "member_count"),
        created: time("create_timestamp"),
        muted_until: time("mute_duration"),
    })
}

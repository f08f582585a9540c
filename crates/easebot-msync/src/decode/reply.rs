//! The `Meta` that the server adds to the answer to a send.

use bytes::Bytes;
use easebot_model::{EditInfo, Message};
use prost::Message as _;

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
    /// A room was joined: what the server says about it, JSON keyed by user name, as it came.
    Room {
        /// `MUCBody.status.chatroomInfo`.
        info: String,
    },
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
            Some(ReplyMeta::Room { info })
        }
        NameSpace::Notify => {
            let notification = json::object(&payload)?;
            json::edit_info(json::filled(&notification, "edit_msg")?).map(ReplyMeta::Edited)
        }
        NameSpace::Conference | NameSpace::Query | NameSpace::Roster | NameSpace::Statistic => None,
    }
}

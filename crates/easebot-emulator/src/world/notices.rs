//! NOTIFY metas: JSON about presence, reactions, threads, pins and what a user's other devices did.

use bytes::Bytes;
use easebot_model::{Resource, UserId};
use easebot_msync::schema::meta::NameSpace;
use serde_json::Value;

use super::{
    App, Cx,
    delivery::{Reach, ServerEvent},
    history::Channel,
    mailbox::QueueName,
    wire,
};

/// One NOTIFY for one user.
#[derive(Clone, Debug)]
pub(super) struct Notice<'a> {
    pub(super) queue: QueueName,
    /// Compact text without control characters, which the official SDK cannot read: `to_string` writes it so.
    pub(super) json: &'a Value,
    /// The device that did it.
    pub(super) except: Option<&'a Resource>,
}

impl Channel {
    /// Where `member` has what belongs to this conversation.
    pub(super) fn queue_of(&self, member: &UserId) -> QueueName {
        match self {
            Self::Muc(id) => QueueName::Muc(id.clone()),
            Self::Pair(one, other) if one == member => QueueName::Peer(other.clone()),
            Self::Pair(one, _) => QueueName::Peer(one.clone()),
        }
    }
}

impl App {
    /// Tells `to` something in JSON.
    pub(super) fn notify(&mut self, cx: &mut Cx<'_>, to: &UserId, notice: Notice<'_>) {
        let event = ServerEvent {
            queue: notice.queue,
            from: wire::system_jid(),
            namespace: NameSpace::Notify,
            payload: Bytes::from(notice.json.to_string()),
        };
        let reach = Reach { except: notice.except, ..Reach::default() };
        self.announce(cx, to, &event, reach);
    }

    /// Tells the other devices of `user` what one of them did. Who is not told which one says nothing.
    pub(super) fn notify_own(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserId,
        json: &Value,
        acting: Option<&Resource>,
    ) {
        let notice = Notice { queue: QueueName::System, json, except: acting };
        self.notify(cx, user, notice);
    }
}

//! Messages that are pinned in a conversation, for all who are in it.

use easebot_model::{Resource, UserId};
use serde_json::json;

use super::{
    App, Cx,
    history::{Channel, Kept},
    notices::Notice,
    reactions::not_found,
};
use crate::refusal::HttpRefusal;

/// Who pinned a message, and when.
#[derive(Clone, Debug)]
pub(crate) struct Pin {
    pub(crate) by: UserId,
    pub(crate) at_ms: u64,
}

/// How many pinned messages a conversation may have. Source: Easemob's documentation, "limits".
const MAX_PINS: usize = 20;

impl App {
    /// Pins the message `id` of `channel`, or takes the pin off, and tells all.
    pub(crate) fn set_pinned(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserId,
        channel: &Channel,
        id: u64,
        is_pinned: bool,
        acting: Option<&Resource>,
    ) -> Result<(), HttpRefusal> {
        self.require_access(user, channel)?;
        let is_here = self.history.find(id).is_some_and(|(found, _)| found == channel);
        if !is_here {
            return Err(not_found(id));
        }
        let n_pins = self.pins(channel).len();
        let message = self.history.find_mut(id).ok_or_else(|| not_found(id))?;
        match (&message.pin, is_pinned) {
            (Some(_), true) => return Ok(()),
            (None, false) => {
                let text = "user session pin message not exist";
                return Err(HttpRefusal::new(404, "resource_not_found", text));
            }
            (None, true) | (Some(_), false) => {}
        }
        if is_pinned && n_pins >= MAX_PINS {
            let text = format!("a conversation has at most {MAX_PINS} pinned messages");
            return Err(HttpRefusal::new(403, "exceed_limit", text).with_code(91_101));
        }
        message.pin = is_pinned.then(|| Pin { by: user.clone(), at_ms: cx.now });
        for member in self.audience_of(channel) {
            // The peer is named in `from` or in `id`, depending on who reads.
            let (kind, conversation) = match channel {
                Channel::Muc(id) if self.rooms.contains_key(&id.as_str().into()) => {
                    ("chatroom", id.as_str())
                }
                Channel::Muc(id) => ("groupchat", id.as_str()),
                Channel::Pair(one, other) => {
                    ("chat", if one == user { other.as_str() } else { one.as_str() })
                }
            };
            let notice = json!({ "type": "conv", "data": {
                "op": if is_pinned { "pin" } else { "pin_delete" },
                "res": acting.map(Resource::as_str).unwrap_or_default(),
                "from": user,
                "id": conversation,
                "type": kind,
                "ts": cx.now,
                "ext": id.to_string(),
            }});
            let except = acting.filter(|_| member == *user);
            let queue = channel.queue_of(&member);
            self.notify(cx, &member, Notice { queue, json: &notice, except });
        }
        Ok(())
    }

    /// The pinned messages of `channel`, the last pinned first.
    pub(crate) fn pins(&self, channel: &Channel) -> Vec<(&Kept, &Pin)> {
        let mut pins: Vec<_> = self
            .history
            .messages(channel)
            .filter_map(|message| Some((message, message.pin.as_ref()?)))
            .collect();
        pins.sort_by_key(|(message, pin)| std::cmp::Reverse((pin.at_ms, message.id)));
        pins
    }
}

//! Reactions to messages, and what the others are told of them.

use std::collections::BTreeSet;

use easebot_model::{Resource, UserId};
use serde_json::{Map, Value, json};

use super::{App, Cx, history::Channel, notices::Notice};
use crate::{callbacks::CallbackEvent, refusal::HttpRefusal};

/// The reactions to one message, in the order in which they came up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reactions(Vec<Reaction>);

/// One reaction to a message, by any number of users.
#[derive(Clone, Debug)]
pub(crate) struct Reaction {
    pub(crate) id: u64,
    pub(crate) text: String,
    /// In the order in which they reacted.
    pub(crate) users: Vec<UserId>,
    pub(crate) created_ms: u64,
    pub(crate) updated_ms: u64,
}

/// How many different reactions a message may have. Source: Easemob's documentation, "limits".
const MAX_KINDS: usize = 20;
/// Longest reaction in characters. Source: as above.
const MAX_CHARS: usize = 128;
/// How many of its users a reaction names in a list. Source: Easemob's REST documentation, "reactions".
const MAX_NAMED: usize = 3;

impl Reactions {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As `MessageBody.meta` and REST list them for `user`.
    pub(crate) fn seen_by(&self, user: &UserId) -> Value {
        self.0.iter().map(|reaction| reaction.seen_by(user)).collect()
    }
}

impl Reaction {
    pub(crate) fn seen_by(&self, user: &UserId) -> Value {
        Value::Object(self.fields(Some(user)))
    }

    /// As `user` sees it, or as nobody does.
    fn fields(&self, user: Option<&UserId>) -> Map<String, Value> {
        let named: Vec<&UserId> = self.users.iter().take(MAX_NAMED).collect();
        let of_user = user.into_iter().flat_map(|user| {
            let id = json!(self.id.to_string());
            [("reactionId", id), ("state", json!(self.users.contains(user)))]
        });
        let of_all = [
            ("reaction", json!(self.text)),
            ("count", json!(self.users.len())),
            ("userList", json!(named)),
        ];
        of_all.into_iter().chain(of_user).map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

impl Changed<'_> {
    /// The reactions as `member` sees them, or as nobody does, with what was done to one of them.
    fn seen_by(&self, member: Option<&UserId>) -> Vec<Value> {
        let operation = if self.is_added { "create" } else { "delete" };
        let seen = |reaction: &Reaction| {
            let mut fields = reaction.fields(member);
            if reaction.text == self.text {
                let by = json!([{ "operator": self.by, "reactionType": operation }]);
                fields.insert("op".to_owned(), by);
            }
            Value::Object(fields)
        };
        self.after.iter().map(seen).collect()
    }
}

impl App {
    /// The reactions to `id`, if `user` may see the message.
    pub(crate) fn reactions(&self, user: &UserId, id: u64) -> Result<&Reactions, HttpRefusal> {
        let (channel, message) = self.history.find(id).ok_or_else(|| not_found(id))?;
        self.require_access(user, channel).map_err(|_| refused("The user not in this group!"))?;
        Ok(&message.reactions)
    }

    /// The reaction `text` to `id`, if there is one.
    pub(crate) fn reaction(
        &self,
        user: &UserId,
        id: u64,
        text: &str,
    ) -> Result<Option<&Reaction>, HttpRefusal> {
        Ok(self.reactions(user, id)?.0.iter().find(|reaction| reaction.text == text))
    }

    /// `user` reacts to a message, or takes that back.
    pub(crate) fn react(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserId,
        id: u64,
        text: &str,
        is_added: bool,
        acting: Option<&Resource>,
    ) -> Result<Reaction, HttpRefusal> {
        self.reactions(user, id)?;
        let (now, fresh_id) = (cx.now, cx.next_id());
        let message = self.history.find_mut(id).ok_or_else(|| not_found(id))?;
        let sender = message.sender.clone();
        let reactions = &mut message.reactions.0;
        let n_kinds = reactions.len();
        let known = reactions.iter_mut().find(|reaction| reaction.text == text);
        let reaction = match (known, is_added) {
            (Some(reaction), true) if reaction.users.contains(user) => {
                return Err(refused("the user is already operation this message"));
            }
            (Some(reaction), true) => {
                reaction.users.push(user.clone());
                reaction.updated_ms = now;
                reaction.clone()
            }
            (None, true) if text.is_empty() || text.chars().count() > MAX_CHARS => {
                return Err(refused("the user operation is illegal!"));
            }
            (None, true) if n_kinds >= MAX_KINDS => {
                return Err(refused("The quantity has exceeded the limit!"));
            }
            (None, true) => {
                let reaction = Reaction {
                    id: fresh_id,
                    text: text.to_owned(),
                    users: vec![user.clone()],
                    created_ms: now,
                    updated_ms: now,
                };
                reactions.push(reaction.clone());
                reaction
            }
            (Some(reaction), false) if reaction.users.contains(user) => {
                reaction.users.retain(|other| other != user);
                reaction.updated_ms = now;
                reaction.clone()
            }
            (Some(_) | None, false) => return Err(refused("the user operation is illegal!")),
        };
        let after = reactions.clone();
        reactions.retain(|reaction| !reaction.users.is_empty());
        let changed = Changed { id, text, sender, by: user, is_added, after };
        self.tell_reactions(cx, &changed, acting);
        Ok(reaction)
    }

    /// Tells all who see the message, each from where they stand.
    fn tell_reactions(
        &mut self,
        cx: &mut Cx<'_>,
        changed: &Changed<'_>,
        acting: Option<&Resource>,
    ) {
        let Some(channel) = self.history.find(changed.id).map(|(channel, _)| channel.clone())
        else {
            return;
        };
        let (kind, to) = match &channel {
            Channel::Muc(id) => ("groupchat", id.as_str()),
            Channel::Pair(one, other) if *one == changed.sender => ("chat", other.as_str()),
            Channel::Pair(one, _) => ("chat", one.as_str()),
        };
        let audience: BTreeSet<UserId> = self.audience_of(&channel).into_iter().collect();
        let (by, now) = (changed.by, cx.now);
        let notice = |member: Option<&UserId>| {
            json!({ "type": "reaction", "data": [{
                "channel_type": kind,
                "from": changed.sender,
                "to": to,
                "messageId": changed.id.to_string(),
                "reactions": changed.seen_by(member),
                "ts": now,
            }]})
        };
        self.tell_of_notice(cx, CallbackEvent::Reaction, by, to, || notice(None));
        for member in audience {
            let notice = notice(Some(&member));
            let except = acting.filter(|_| member == *changed.by);
            let queue = channel.queue_of(&member);
            self.notify(cx, &member, Notice { queue, json: &notice, except });
        }
    }
}

/// What became of a message's reactions.
struct Changed<'a> {
    id: u64,
    text: &'a str,
    sender: UserId,
    by: &'a UserId,
    is_added: bool,
    /// All of them, one that nobody has any more among them.
    after: Vec<Reaction>,
}

pub(super) fn not_found(id: u64) -> HttpRefusal {
    HttpRefusal::new(404, "resource_not_found", format!("not_found msg: {id}"))
}

fn refused(text: &str) -> HttpRefusal {
    HttpRefusal::new(400, "Bad Request", text)
}

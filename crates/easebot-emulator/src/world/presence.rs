//! Presence: what users say of themselves, and who wants to hear of it.

use std::collections::BTreeMap;

use easebot_model::{Resource, UserId};
use serde_json::{Map, Value, json};

use super::{App, Cx, User, mailbox::QueueName, notices::Notice};
use crate::refusal::HttpRefusal;

/// What a user says of themselves, and who wants to hear.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presence {
    ext: String,
    /// When it last changed, in seconds since 1970.
    changed_secs: u64,
    /// What a device says of itself instead of "1", online.
    states: BTreeMap<Resource, String>,
    /// Who subscribed, until when in seconds since 1970.
    watchers: BTreeMap<UserId, u64>,
}

/// Longest life of a subscription. Source: Easemob's REST documentation, "presence".
const MAX_EXPIRY_SECS: u64 = 30 * 24 * 60 * 60;
/// Largest number of users in one request. Source: as above.
const MAX_NAMES: usize = 100;

impl Presence {
    /// `device` is online and says nothing yet.
    pub(super) fn came_online(&mut self, device: &Resource) {
        self.states.remove(device);
    }

    /// There is no `user` any more.
    pub(super) fn forget(&mut self, user: &UserId) {
        self.watchers.remove(user);
    }
}

impl App {
    /// A device of `user` says something of itself.
    pub(crate) fn publish_presence(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserId,
        device: &Resource,
        state: &str,
        ext: &str,
    ) {
        if let Some(owner) = self.user_mut(user) {
            ext.clone_into(&mut owner.presence.ext);
            owner.presence.states.insert(device.clone(), state.to_owned());
        }
        self.presence_changed(cx, user);
    }

    /// Tells the subscribers of `user`: they said something, or one of their devices came or went.
    pub(super) fn presence_changed(&mut self, cx: &mut Cx<'_>, user: &UserId) {
        let now_secs = cx.now / 1000;
        let Some(owner) = self.user_mut(user) else { return };
        owner.presence.changed_secs = now_secs;
        owner.presence.watchers.retain(|_, until| *until > now_secs);
        let watchers = owner.presence.watchers.clone();
        for (watcher, until) in watchers {
            let value = self.presence_of(user, Some(until));
            // One user per notice: the official SDK mixes up the devices of several.
            let notice = json!({ "type": "presence", "data": { "values": [value] } });
            let queue = QueueName::System;
            self.notify(cx, &watcher, Notice { queue, json: &notice, except: None });
        }
    }

    /// Makes `user` hear of `others` for `expiry_secs`, and says how these are.
    pub(crate) fn subscribe_presence(
        &mut self,
        cx: &Cx<'_>,
        user: &UserId,
        others: &[UserId],
        expiry_secs: u64,
    ) -> Result<Vec<Value>, HttpRefusal> {
        check_names(others)?;
        if expiry_secs == 0 || expiry_secs > MAX_EXPIRY_SECS {
            let text = format!("expiry must be 1 to {MAX_EXPIRY_SECS} seconds");
            return Err(HttpRefusal::bad(text));
        }
        let until = cx.now / 1000 + expiry_secs;
        for other in others {
            if let Some(other) = self.user_mut(other) {
                other.presence.watchers.insert(user.clone(), until);
            }
        }
        Ok(others.iter().map(|other| self.presence_of(other, Some(until))).collect())
    }

    pub(crate) fn unsubscribe_presence(&mut self, user: &UserId, others: &[UserId]) {
        for other in others {
            if let Some(other) = self.user_mut(other) {
                other.presence.watchers.remove(user);
            }
        }
    }

    /// Of whom `user` hears, and until when in seconds since 1970.
    pub(crate) fn presence_subscriptions(&self, now: u64, user: &UserId) -> Vec<(&UserId, u64)> {
        self.users()
            .filter_map(|(name, other)| Some((name, *other.presence.watchers.get(user)?)))
            .filter(|(_, until)| *until > now / 1000)
            .collect()
    }

    /// How `others` are.
    pub(crate) fn presences(&self, others: &[UserId]) -> Result<Vec<Value>, HttpRefusal> {
        check_names(others)?;
        Ok(others.iter().map(|other| self.presence_of(other, None)).collect())
    }

    /// `{uid, last_time, expiry, ext, status}`, all of them texts. Source: Easemob's REST documentation, "presence".
    fn presence_of(&self, name: &UserId, until_secs: Option<u64>) -> Value {
        let user = self.user(name);
        let presence = user.map(|user| &user.presence);
        let mut value = json!({
            "uid": name,
            "last_time": presence.map_or(0, |presence| presence.changed_secs).to_string(),
            "ext": presence.map_or("", |presence| presence.ext.as_str()),
            "status": user.map(states).unwrap_or_default(),
        });
        if let (Some(until), Some(fields)) = (until_secs, value.as_object_mut()) {
            fields.insert("expiry".to_owned(), json!(until.to_string()));
        }
        value
    }
}

/// What the devices of `user` say: "0" of one that is offline, "1" of one that says nothing.
fn states(user: &User) -> Map<String, Value> {
    let said = user.presence.states.iter().map(|(device, state)| (device, state.as_str()));
    let mut states: BTreeMap<&Resource, &str> = said.collect();
    for (resource, device) in &user.devices {
        if device.link.is_none() {
            states.insert(resource, "0");
        } else {
            states.entry(resource).or_insert("1");
        }
    }
    states.into_iter().map(|(device, state)| (device.to_string(), json!(state))).collect()
}

fn check_names(names: &[UserId]) -> Result<(), HttpRefusal> {
    if names.is_empty() || names.len() > MAX_NAMES {
        return Err(HttpRefusal::bad(format!("usernames must hold 1 to {MAX_NAMES} names")));
    }
    Ok(())
}

//! Silent mode: of what a user wants no push. Nothing is pushed here; devices are told of each other's settings.

use std::collections::BTreeMap;

use easebot_model::{Conversation, Resource, UserId};
use serde_json::{Map, Value, json};

use super::{App, Cx};
use crate::refusal::HttpRefusal;

/// The settings of one user.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silence {
    pub(crate) all: SilentMode,
    pub(crate) conversations: BTreeMap<Conversation, SilentMode>,
    /// The language of pushes.
    pub(crate) language: Option<String>,
}

/// The settings for all conversations, or for one.
#[derive(Clone, Debug, Default)]
pub(crate) struct SilentMode {
    /// `ALL`, `AT` or `NONE`: which messages are pushed.
    pub(crate) kind: Option<String>,
    /// Until when nothing is, in milliseconds since 1970.
    until_ms: Option<u64>,
    /// Between which times of the day nothing is, as `H:M-H:M`.
    interval: Option<String>,
}

/// One change of the settings. Source: Easemob's REST documentation, "push".
#[derive(Clone, Debug)]
pub(crate) enum SilentChange {
    /// For so many milliseconds.
    For(u64),
    Interval(String),
    Kind(String),
    /// As for all conversations.
    Reset,
}

impl SilentMode {
    fn change(&mut self, now: u64, change: SilentChange) {
        match change {
            SilentChange::For(0) => self.until_ms = None,
            SilentChange::For(duration_ms) => self.until_ms = Some(now.saturating_add(duration_ms)),
            SilentChange::Interval(interval) => self.interval = Some(interval),
            SilentChange::Kind(kind) => self.kind = Some(kind),
            SilentChange::Reset => self.kind = None,
        }
    }

    /// `{type, ignoreDuration, ignoreInterval}`, only what was set.
    pub(crate) fn shown(&self, now: u64) -> Map<String, Value> {
        let until = self.until_ms.filter(|until| *until > now);
        let fields = [
            ("type", self.kind.as_ref().map(|kind| json!(kind))),
            ("ignoreDuration", until.map(|until| json!(until))),
            ("ignoreInterval", self.interval.as_ref().map(|interval| json!(interval))),
        ];
        fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }
}

impl App {
    /// Changes what `user` wants no push of, for all conversations or for one, and tells their other devices.
    pub(crate) fn set_silent(
        &mut self,
        cx: &mut Cx<'_>,
        user: &UserId,
        conversation: Option<&Conversation>,
        change: SilentChange,
        acting: Option<&Resource>,
    ) -> Result<Map<String, Value>, HttpRefusal> {
        let now = cx.now;
        let owner = self.user_mut(user).ok_or_else(|| HttpRefusal::no_user(user.as_str()))?;
        let mode = match conversation {
            None => &mut owner.silence.all,
            Some(one) => owner.silence.conversations.entry(one.clone()).or_default(),
        };
        mode.change(now, change);
        let shown = mode.shown(now);
        let mut told = shown.clone();
        if conversation.is_some() {
            // With an interval the official SDK takes it for the setting of all conversations.
            told.remove("ignoreInterval");
        } else {
            told.entry("ignoreInterval").or_insert_with(|| json!(""));
        }
        let mut value = json!({
            "operator_resource": acting.map(Resource::as_str).unwrap_or_default(),
            "data": told,
        });
        if let (Some(one), Some(fields)) = (conversation, value.as_object_mut()) {
            let key = if matches!(one, Conversation::User(_)) { "user" } else { "group" };
            fields.insert(key.to_owned(), json!(one.name()));
        }
        let notice = json!({ "type": "user_notification_mute", "values": [value] });
        self.notify_own(cx, user, &notice, acting);
        Ok(shown)
    }
}

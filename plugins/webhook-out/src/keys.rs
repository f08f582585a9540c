//! The keys of the plugin in `bots.toml`.

use std::time::Duration;

use easebot_model::{BodyKind, ConversationKind, EventKind};
use easebot_plugin::{At, SecretSource};
use easebot_role::webhook::Posting;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// The keys of a `[[bot.plugin]]` with `kind = "webhook-out"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookOutKeys {
    /// Where events are posted: an `https` address, or an `http` one within a network that you trust.
    #[schemars(length(min = 10))]
    pub(crate) url: At<String>,
    /// What requests are signed with, as Standard Webhooks has it: `whsec_` and the base64 of 24 to 64 random bytes. It may be
    /// left out for an address of this machine alone.
    pub(crate) secret: Option<At<SecretSource>>,
    /// The secret of before: requests are signed with it as well, so that a receiver can change over in its own time.
    pub(crate) old_secret: Option<At<SecretSource>>,
    /// What goes along as `Authorization: Bearer …`, for a receiver that wants that.
    pub(crate) token: Option<At<SecretSource>>,
    /// Which events are posted: `"message"` for messages of every kind, a kind of message such as `"image"`, or a kind of event
    /// such as `"recalled"`.
    #[serde(default = "messages")]
    #[schemars(length(min = 1), extend("items" = event_items()))]
    pub(crate) events: Vec<At<String>>,
    /// Whether what the bot itself says is posted as well, as far as `events` names it: with `"said": true`, once the server has
    /// it. Replies to that are not said.
    #[serde(default)]
    pub(crate) said: bool,
    /// Kinds of conversation of which events are posted; all if it is left out.
    #[serde(rename = "in")]
    #[schemars(length(min = 1))]
    pub(crate) within: Option<Vec<Place>>,
    /// Whether the bot says what the receiver answers with (`replies`).
    #[serde(default = "yes")]
    pub(crate) replies: bool,
    /// Conversations that a reply may name besides that of the event, written `user:NAME`, `group:ID` or `room:ID`; `"*"` for
    /// any.
    #[serde(default)]
    pub(crate) allowed: Vec<At<String>>,
    /// Whether the address, and those of files in replies, may belong to this machine or its network.
    #[serde(default)]
    pub(crate) allow_private: bool,
    /// How long one request may take.
    #[serde(default = "request_secs")]
    #[schemars(range(min = 1, max = 60))]
    pub(crate) request_secs: At<u64>,
    /// How many requests are under way at the same time, of different conversations.
    #[serde(default = "parallel")]
    #[schemars(range(min = 1, max = 64))]
    pub(crate) parallel: At<usize>,
    /// The waits between tries, at most 20. Each is lengthened by a random part of up to a fifth. After the last try the event is a dead
    /// letter.
    #[serde(default = "retry_secs")]
    #[schemars(length(max = 20), inner(range(min = 1, max = 604_800)))]
    pub(crate) retry_secs: At<Vec<u64>>,
    /// Up to which wait for a further try later events of its conversation wait behind an event. In a longer one they overtake
    /// it. 0 lets them overtake at once.
    #[serde(default = "hold_secs")]
    #[schemars(range(max = 604_800))]
    pub(crate) hold_secs: At<u64>,
    /// How many events may wait. What comes more is a dead letter of the inbox, which `easebot inbox retry` brings back.
    #[serde(default = "queue")]
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) queue: At<usize>,
    /// How many events that were given up are kept. What comes more pushes the oldest out.
    #[serde(default = "dead_letters")]
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) dead_letters: At<usize>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    User,
    Group,
    Room,
}

impl From<Place> for ConversationKind {
    fn from(place: Place) -> Self {
        match place {
            Place::User => Self::User,
            Place::Group => Self::Group,
            Place::Room => Self::Room,
        }
    }
}

/// What one of `events` means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Chosen {
    Body(BodyKind),
    Event(EventKind),
}

impl Chosen {
    pub(crate) fn named(name: &str) -> Option<Self> {
        let body = BodyKind::ALL.into_iter().find(|kind| kind.as_str() == name);
        body.map(Self::Body).or_else(|| {
            let mut kinds = EventKind::ALL.iter().copied();
            kinds.find(|kind| kind.as_str() == name && is_posted(*kind)).map(Self::Event)
        })
    }
}

/// Every name that may stand in `events`.
pub(crate) fn event_names() -> Vec<&'static str> {
    let kinds = EventKind::ALL.iter().copied().filter(|kind| is_posted(*kind));
    let bodies = BodyKind::ALL.into_iter().map(BodyKind::as_str);
    std::iter::once("message")
        .chain(bodies)
        .chain(kinds.filter(|kind| *kind != EventKind::Message).map(EventKind::as_str))
        .collect()
}

fn event_items() -> Value {
    json!({ "type": "string", "enum": event_names() })
}

/// An event that cannot be read has nothing to tell, and its name is that of a message that cannot be read.
fn is_posted(kind: EventKind) -> bool {
    kind != EventKind::Unknown
}

const fn yes() -> bool {
    true
}

fn messages() -> Vec<At<String>> {
    vec![At::nowhere("message".to_owned())]
}

fn request_secs() -> At<u64> {
    At::nowhere(15)
}

fn parallel() -> At<usize> {
    At::nowhere(Posting::default().parallel)
}

fn retry_secs() -> At<Vec<u64>> {
    At::nowhere(Posting::default().retries.iter().map(Duration::as_secs).collect())
}

fn hold_secs() -> At<u64> {
    At::nowhere(Posting::default().hold.as_secs())
}

fn queue() -> At<usize> {
    At::nowhere(Posting::default().queue)
}

fn dead_letters() -> At<usize> {
    At::nowhere(Posting::default().dead_letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_an_event_is_known_and_none_is_there_twice() {
        let names = event_names();
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len());
        assert!(names.iter().all(|name| Chosen::named(name).is_some()), "{names:?}");
        assert_eq!(Chosen::named("unknown"), Some(Chosen::Body(BodyKind::Unknown)));
        assert_eq!(Chosen::named("recalled"), Some(Chosen::Event(EventKind::Recalled)));
        assert_eq!(Chosen::named("Text"), None);
    }

    #[test]
    fn the_waits_are_those_of_the_standard() {
        let hours: u64 = retry_secs().iter().sum::<u64>() / 3600;
        assert_eq!((retry_secs().len(), hours), (9, 75));
    }
}

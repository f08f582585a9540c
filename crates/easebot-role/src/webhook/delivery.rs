//! What is saved: events that wait to be posted, and those that were given up.

use std::fmt;

use easebot_model::{Conversation, Timestamp};
use serde::{Deserialize, Serialize};

/// An event on its way to an endpoint, as it is saved on the plugin's shelf under one of the keys of [`shelf`].
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Delivery {
    /// The `webhook-id`.
    pub id: String,
    /// Place in the order in which events came, over restarts.
    pub seq: u64,
    /// When it was queued.
    pub time: Timestamp,
    /// Where it happened, if anywhere.
    #[serde(default)]
    pub conversation: Option<Conversation>,
    /// What is posted, byte for byte.
    pub body: String,
    /// Where it is posted, if not where the others are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The headers of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// Another bot answers the event, or the bot itself said it: replies are not said.
    #[serde(default)]
    pub is_onlooker: bool,
    /// How often it was tried.
    #[serde(default)]
    pub n_tries: u32,
    /// When it is to be tried next; in the past for as soon as possible.
    #[serde(default)]
    pub due: Timestamp,
    /// Why the last try failed.
    #[serde(default)]
    pub last: Option<Failure>,
}

/// Without what is posted and where: it holds what people wrote, and may hold secrets.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("n_bytes", &self.body.len())
            .field("n_tries", &self.n_tries)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

/// Why a try failed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Failure {
    /// When.
    pub time: Timestamp,
    /// What the endpoint answered, if it did.
    #[serde(default)]
    pub status: Option<u16>,
    /// In words, with nothing of the event or of the answer in them.
    pub reason: String,
}

/// That an endpoint was switched off, as it is saved under [`shelf::OFF`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Off {
    /// When.
    pub time: Timestamp,
}

impl Off {
    pub(crate) const fn at(time: Timestamp) -> Self {
        Self { time }
    }
}

impl Delivery {
    pub(crate) fn new(
        id: String,
        seq: u64,
        time: Timestamp,
        conversation: Option<Conversation>,
        body: String,
    ) -> Self {
        Self {
            id,
            seq,
            time,
            conversation,
            body,
            url: None,
            headers: Vec::new(),
            is_onlooker: false,
            n_tries: 0,
            due: time,
            last: None,
        }
    }

    /// The same after a further try.
    #[must_use]
    pub(crate) fn failed(self, last: Failure, due: Timestamp) -> Self {
        Self { n_tries: self.n_tries.saturating_add(1), due, last: Some(last), ..self }
    }

    /// The same as if it had not been tried yet.
    #[must_use]
    pub fn as_new(self) -> Self {
        Self { n_tries: 0, due: self.time, last: None, ..self }
    }
}

/// The keys of a plugin's shelf under which a [`Poster`](super::Poster) keeps what is posted. They are those that the plugin kind
/// `webhook-out` has always had.
pub mod shelf {
    use super::Delivery;

    /// Events that wait begin with this; their id follows.
    pub const QUEUE: &str = "webhook-out/queue/";
    /// Events that were given up begin with this, oldest first.
    pub const DEAD: &str = "webhook-out/dead/";
    /// Events that are to be taken up by the plugin that runs begin with this; their id follows. It looks every 2 s.
    pub const AGAIN: &str = "webhook-out/again/";
    /// Here stands since when the endpoint is switched off, if it is.
    pub const OFF: &str = "webhook-out/off";

    /// Where the event of this id waits.
    #[must_use]
    pub fn queue(id: &str) -> String {
        format!("{QUEUE}{id}")
    }

    /// Where the event of this id is to be put, to be taken up.
    #[must_use]
    pub fn again(id: &str) -> String {
        format!("{AGAIN}{id}")
    }

    /// Where `delivery` is kept once it is given up.
    #[must_use]
    pub fn dead(delivery: &Delivery) -> String {
        let time = delivery.last.as_ref().map_or(delivery.time, |last| last.time);
        format!("{DEAD}{:016}/{}", time.0, delivery.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_letters_stand_in_the_order_in_which_they_were_given_up() {
        let dead = |id: &str, time: u64| {
            let delivery = Delivery::new(id.to_owned(), 1, Timestamp(5), None, "{}".to_owned());
            let last = Failure { time: Timestamp(time), status: None, reason: String::new() };
            shelf::dead(&delivery.failed(last, Timestamp(0)))
        };
        assert!(dead("evt_b", 999) < dead("evt_a", 1_000));
        assert!(dead("evt_b", 1_000) > dead("evt_a", 1_000));
    }

    #[test]
    fn what_an_older_version_saved_is_read() {
        let saved = r#"{"id":"evt_1","seq":1,"time":5,"body":"{}"}"#;
        let delivery: Delivery = serde_json::from_str(saved).unwrap();
        assert_eq!((delivery.n_tries, delivery.due, &delivery.last), (0, Timestamp(0), &None));
        assert_eq!((&delivery.url, &delivery.headers), (&None, &Vec::new()));
    }

    #[test]
    fn what_is_posted_as_ever_is_saved_as_ever() {
        let saved = r#"{"id":"evt_1","seq":1,"time":5,"conversation":"user:ann","body":"{}","is_onlooker":false,"n_tries":1,"due":9,"last":{"time":8,"status":503,"reason":"the endpoint answered 503"}}"#;
        let delivery: Delivery = serde_json::from_str(saved).unwrap();
        assert_eq!(serde_json::to_string(&delivery).unwrap(), saved);
    }
}

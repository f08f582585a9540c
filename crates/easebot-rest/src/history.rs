//! Messages that the server keeps.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use easebot_model::{Conversation, Message, Timestamp, UserId};
use serde_json::{Value, json};

use crate::{Api, ApiError, Call, Fields};

/// Which messages of a conversation are asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HistoryQuery {
    /// From which end.
    pub direction: Direction,
    /// Messages of one page, from 1 to 50; 0 counts as 50.
    pub n_messages: u32,
    /// Only messages of this user (groups).
    pub from: Option<UserId>,
    /// Only messages of these kinds, in the service's words: `txt`, `img`, `audio`, `video`, `file`, `loc`, `cmd`,
    /// `custom`, `combine`. All if empty.
    pub kinds: Vec<String>,
    /// Only messages from this time on.
    pub since: Option<Timestamp>,
    /// Only messages up to this time.
    pub until: Option<Timestamp>,
}

/// From which end history is read.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Direction {
    /// From the latest message back.
    #[default]
    NewestFirst,
    /// From the oldest message on.
    OldestFirst,
}

/// The history of one conversation, page by page.
#[derive(Clone, Debug)]
#[must_use = "nothing is asked before `next`"]
pub struct History {
    api: Api,
    conversation: Conversation,
    query: HistoryQuery,
    place: Place,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Place {
    Cursor(String),
    End,
    Start,
}

/// Most messages of one page. Source: observed with the official SDK.
const MAX_MESSAGES: u32 = 50;

/// Largest answer: 50 messages of 5 KB, their envelopes, base64, and room for more.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

impl Api {
    /// The history of a conversation as the server keeps it. A feature that an app may have switched off.
    pub fn history(&self, conversation: &Conversation, query: HistoryQuery) -> History {
        let (api, conversation) = (self.clone(), conversation.clone());
        History { api, conversation, query, place: Place::Start }
    }
}

impl History {
    /// [`next`](Self::next) with each message as the encoded `Meta` that it is kept as, for who reads it as what comes over the
    /// link. Cancel-safe: a page that was not given is given next.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_raw(&mut self) -> Result<Option<Vec<Bytes>>, ApiError> {
        if self.place == Place::End {
            return Ok(None);
        }
        let value = self.api.json(&self.call()).await?;
        let data = Fields::of(&value).at("data");
        let items = data
            .objects("msgs")
            .filter_map(|item| BASE64_STANDARD.decode(item.text("msg")?).ok().map(Bytes::from));
        let metas = items.collect();
        let n_items = data.list("msgs").count();
        self.place = match data.text("next_key").map(Place::Cursor) {
            Some(next) if n_items > 0 && !data.is_set("is_last") && next != self.place => next,
            _ => Place::End,
        };
        Ok(Some(metas))
    }

    /// The next page in the order of the query; `None` after the last one. Items that are no messages are left out, so a
    /// page may be empty. Cancel-safe: a page that was not given is given next.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::FeatureOff`](crate::Meaning::FeatureOff). The same page is asked for next time.
    pub async fn next(&mut self) -> Result<Option<Vec<Message>>, ApiError> {
        let Some(metas) = self.next_raw().await? else { return Ok(None) };
        Ok(Some(metas.into_iter().filter_map(|raw| self.api.read_message(raw)).collect()))
    }

    /// Where the next page begins, in the server's words; `None` before the first page and after the last one.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        match &self.place {
            Place::Cursor(cursor) => Some(cursor),
            Place::End | Place::Start => None,
        }
    }

    /// Goes on where another run with the same query [was](Self::cursor).
    pub fn from_cursor(self, cursor: impl Into<String>) -> Self {
        Self { place: Place::Cursor(cursor.into()), ..self }
    }

    fn call(&self) -> Call {
        let HistoryQuery { direction, n_messages, from, kinds, since, until } = &self.query;
        let n_messages = if *n_messages == 0 { MAX_MESSAGES } else { *n_messages };
        let mut body = json!({
            "queue": queue(&self.conversation),
            "start": match &self.place {
                Place::Cursor(cursor) => json!(cursor),
                Place::End | Place::Start => json!(-1),
            },
            "end": -1,
            "pull_number": n_messages.min(MAX_MESSAGES),
            "is_positive": *direction == Direction::OldestFirst,
        });
        let mut set = |key: &str, value: Option<Value>| {
            if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
                body.insert(key.to_owned(), value);
            }
        };
        set("msgType", (!kinds.is_empty()).then(|| json!(kinds.join(","))));
        set("startTime", since.map(|time| json!(time)));
        set("endTime", until.map(|time| json!(time)));
        set("userId", from.as_ref().map(|user| json!(user)));
        Call::post(&["users", self.api.user().as_str(), "messageroaming"])
            .json(&body)
            .limit_bytes(MAX_ANSWER_BYTES)
            .repeatable()
    }
}

/// The name of a conversation in roaming calls. Source: observed with the official SDK.
fn queue(conversation: &Conversation) -> String {
    match conversation {
        Conversation::Group(_) | Conversation::Room(_) => {
            format!("{}@conference.easemob.com", conversation.name())
        }
        Conversation::User(user) => format!("{user}@easemob.com"),
    }
}

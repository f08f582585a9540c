//! `[[test]]`: what people write, and what the bots shall say.

use std::{borrow::Cow, collections::BTreeMap, fmt, path::PathBuf};

use easebot_plugin::At;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

/// A conversation that has to go as it is written. `easebot test` holds it with the bots of this file, against an emulator
/// within the process, in a time of its own: waits take none, and nothing leaves the machine.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestKeys {
    /// What it shows, such as `a stranger is greeted`. Unique in this file.
    #[schemars(required, with = "String", length(min = 1))]
    pub(crate) name: Option<At<String>>,
    /// The bot that people write to, by its name; the first one of the file by default.
    #[schemars(with = "Option<String>")]
    pub(crate) bot: Option<At<String>>,
    /// When it begins, as date and time with offset. By default noon of a Monday.
    #[serde(default = "monday")]
    pub(crate) at: At<String>,
    /// Groups in which somebody has to be more than a member. Others are there when a step names them, with all people and all
    /// bots in them.
    #[serde(default)]
    pub(crate) group: Vec<GroupKeys>,
    /// Servers that plugins ask. No other one can be asked in a test, and none of them is: what stands here is their answer.
    #[serde(default)]
    pub(crate) server: Vec<ServerKeys>,
    /// What happens, in order.
    #[schemars(required, with = "Vec<StepKeys>", length(min = 1))]
    #[serde(default)]
    pub(crate) step: Vec<At<StepKeys>>,
}

/// What stands in for a server in a test. Of several that fit, the first one answers.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerKeys {
    /// The address that is asked. Without a `?`, whatever follows one in the request.
    #[schemars(required, with = "String", example = &"https://weather.example/v1/cities/Shanghai")]
    pub(crate) url: Option<At<String>>,
    /// Only requests with this method, such as `POST`.
    pub(crate) method: Option<String>,
    /// Only requests with this in their body.
    pub(crate) when: Option<String>,
    /// The status of the answer.
    #[serde(default = "ok")]
    #[schemars(range(min = 100, max = 599))]
    pub(crate) status: u16,
    /// Its headers.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// Its body.
    #[serde(default)]
    pub(crate) body: String,
}

/// A group of a test. Besides those who are named, all bots and all people of the test are in it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupKeys {
    /// Its id, as in `group:ID`.
    #[schemars(required, with = "String", length(min = 1))]
    pub(crate) id: Option<At<String>>,
    /// Whose it is.
    #[serde(default = "somebody")]
    pub(crate) owner: At<String>,
    /// Who helps the owner.
    #[serde(default)]
    pub(crate) admins: Vec<At<String>>,
}

/// One thing that somebody writes or does, and what the bots shall say to it. At most one of `text`, `image`, `audio`, `video`, `file`,
/// `custom`, `edit`, `recall`, `react` and `post`; without one of them it only waits.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepKeys {
    /// Who writes.
    #[serde(rename = "as", default = "you")]
    pub(crate) by: At<String>,
    /// Where: `group:ID` or `room:ID`. Without it, to the bot alone.
    #[serde(rename = "in")]
    #[schemars(with = "Option<String>")]
    pub(crate) within: Option<At<String>>,
    /// The bot that is written to, if it is another one than that of the test.
    #[schemars(with = "Option<String>")]
    pub(crate) bot: Option<At<String>>,
    /// How long nothing happens before it is written.
    #[serde(default)]
    #[schemars(range(max = 2_678_400))]
    pub(crate) wait_secs: u32,
    /// A text.
    pub(crate) text: Option<String>,
    /// An image, from this file.
    pub(crate) image: Option<PathBuf>,
    /// A voice message, from this file.
    pub(crate) audio: Option<PathBuf>,
    /// A video, from this file.
    pub(crate) video: Option<PathBuf>,
    /// Any other file.
    pub(crate) file: Option<PathBuf>,
    /// A custom message with this event.
    pub(crate) custom: Option<String>,
    /// The message that whoever it is wrote there last is changed to this text.
    pub(crate) edit: Option<String>,
    /// The message that whoever it is wrote there last is taken back.
    #[serde(default)]
    pub(crate) recall: bool,
    /// A reaction, such as `"👍"`, to what a bot said there last.
    pub(crate) react: Option<String>,
    /// The text of the message that `edit`, `recall` or `react` is about, if that is not the last one. Whoever reacts may name anybody's.
    #[schemars(with = "Option<String>")]
    pub(crate) of: Option<At<String>>,
    /// A request to this path of a plugin, such as `/hooks/alerts`, in place of something that somebody writes. In it and in
    /// `headers`, `{secret}` is what stands in for each secret in a test, which reads none. If there is no header `authorization`,
    /// it is `Bearer {secret}`. Requests that have to be signed cannot be made.
    #[schemars(with = "Option<String>", example = &"/hooks/alerts")]
    pub(crate) post: Option<At<String>>,
    /// The body of the request.
    #[serde(default)]
    pub(crate) body: String,
    /// Headers of the request. Without `content-type` a body that is JSON is sent as such, and any other as plain text.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// The status that the request has to be answered with; any that begins with 2 by default.
    #[schemars(range(min = 100, max = 599))]
    pub(crate) status: Option<u16>,
    /// Pairs that go along, such as `{ em_at_list = ["concierge"] }`.
    #[serde(default)]
    pub(crate) ext: BTreeMap<String, Value>,
    /// What the bots shall say then, all of it, and in each conversation in this order: a text that has to be exactly this one; a table that has to
    /// hold, of `text`, `contains`, `regex`, `kind` (`"image"` and the like), `in` (where it is said if not here, such as
    /// `"group:ops"` or `"user:boss"`) and `from` (which bot says it), or of `edited` (a message of the bot is changed to this text) or
    /// `recalled` (the bot takes back the message with this text) with `in` and `from`; or a list of these. `[]` is nothing at all. Without the key
    /// it does not matter.
    pub(crate) expect: Option<ExpectKeys>,
}

/// All that the bots shall say.
#[derive(Debug)]
pub(crate) struct ExpectKeys(pub(crate) Vec<ReplyKeys>);

/// One thing that a bot shall say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplyKeys {
    pub(crate) text: Option<String>,
    pub(crate) contains: Option<String>,
    pub(crate) regex: Option<At<String>>,
    pub(crate) kind: Option<At<String>>,
    pub(crate) edited: Option<At<String>>,
    pub(crate) recalled: Option<At<String>>,
    #[serde(rename = "in")]
    pub(crate) within: Option<At<String>>,
    pub(crate) from: Option<At<String>>,
}

/// A text or a table.
struct OneReply;

/// One of these, or a list of them.
struct Replies;

const EXPECTING: &str = "a text, a table such as `{ contains = \"…\" }`, or a list of these";

impl<'de> Visitor<'de> for OneReply {
    type Value = ReplyKeys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTING)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ReplyKeys, E> {
        Ok(ReplyKeys { text: Some(text.to_owned()), ..ReplyKeys::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ReplyKeys, A::Error> {
        ReplyKeys::deserialize(MapAccessDeserializer::new(map))
    }
}

impl<'de> de::DeserializeSeed<'de> for OneReply {
    type Value = ReplyKeys;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<ReplyKeys, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Replies {
    type Value = ExpectKeys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTING)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ExpectKeys, E> {
        OneReply.visit_str(text).map(|reply| ExpectKeys(vec![reply]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ExpectKeys, A::Error> {
        OneReply.visit_map(map).map(|reply| ExpectKeys(vec![reply]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ExpectKeys, A::Error> {
        let mut replies = Vec::new();
        while let Some(reply) = list.next_element_seed(OneReply)? {
            replies.push(reply);
        }
        Ok(ExpectKeys(replies))
    }
}

impl<'de> Deserialize<'de> for ExpectKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Replies)
    }
}

impl JsonSchema for ExpectKeys {
    fn schema_name() -> Cow<'static, str> {
        "Expect".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let text = |about: &str| serde_json::json!({ "type": "string", "description": about });
        let table = serde_json::json!({
            "type": "object",
            "properties": {
                "text": text("It is exactly this text."),
                "contains": text("This text is in it."),
                "regex": text("This regular expression is found in it."),
                "kind": text("It is a message of this kind, such as `image`."),
                "edited": text("A message of the bot is changed to exactly this text."),
                "recalled": text("The bot takes back the message with exactly this text."),
                "in": text("It is said here: `user:NAME`, `group:ID` or `room:ID`."),
                "from": text("This bot says it."),
            },
            "additionalProperties": false,
            "anyOf": [
                { "required": ["text"] },
                { "required": ["contains"] },
                { "required": ["regex"] },
                { "required": ["kind"] },
                { "required": ["edited"] },
                { "required": ["recalled"] },
            ],
        });
        json_schema!({
            "oneOf": [
                { "type": "string" },
                table,
                { "type": "array", "items": { "oneOf": [{ "type": "string" }, table] } },
            ],
        })
    }
}

const fn ok() -> u16 {
    200
}

fn monday() -> At<String> {
    At::nowhere("2026-01-05T12:00:00Z".to_owned())
}

fn you() -> At<String> {
    At::nowhere("you".to_owned())
}

fn somebody() -> At<String> {
    At::nowhere("owner".to_owned())
}

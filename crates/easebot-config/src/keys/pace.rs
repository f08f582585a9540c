//! `pace`: a word or a table.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// How fast a bot may send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PaceKeys {
    Off,
    PerSecond(RateKeys),
}

/// Messages a second, by kind of conversation.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RateKeys {
    #[serde(rename = "directed_per_sec")]
    pub(crate) directed: u32,
    #[serde(rename = "groups_per_sec")]
    pub(crate) groups: u32,
    #[serde(rename = "rooms_per_sec")]
    pub(crate) rooms: u32,
    #[serde(rename = "users_per_sec")]
    pub(crate) users: u32,
}

impl RateKeys {
    /// The documented limits.
    const DOCUMENTED: Self = Self { directed: 100, groups: 20, rooms: 100, users: 100 };
}

impl Default for RateKeys {
    fn default() -> Self {
        Self::DOCUMENTED
    }
}

impl Default for PaceKeys {
    fn default() -> Self {
        Self::PerSecond(RateKeys::DOCUMENTED)
    }
}

impl Serialize for PaceKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_str("off"),
            Self::PerSecond(RateKeys::DOCUMENTED) => serializer.serialize_str("documented"),
            Self::PerSecond(rates) => rates.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for PaceKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrTable;

        impl<'de> Visitor<'de> for WordOrTable {
            type Value = PaceKeys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`documented`, `off` or a table such as `{ groups_per_sec = 20 }`")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<PaceKeys, E> {
                match word {
                    "documented" => Ok(PaceKeys::default()),
                    "off" => Ok(PaceKeys::Off),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PaceKeys, A::Error> {
                RateKeys::deserialize(MapAccessDeserializer::new(map)).map(PaceKeys::PerSecond)
            }
        }

        deserializer.deserialize_any(WordOrTable)
    }
}

impl JsonSchema for PaceKeys {
    fn schema_name() -> Cow<'static, str> {
        "Pace".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let rate = |about: &str, default: u32| {
            serde_json::json!({
                "type": "integer", "description": about, "default": default,
                "minimum": 1, "maximum": 100_000,
            })
        };
        let RateKeys { directed, groups, rooms, users } = RateKeys::DOCUMENTED;
        json_schema!({
            "oneOf": [
                { "type": "string", "const": "documented", "description": "Easemob's documented limits: 100 messages a second to users, 20 to groups, 100 to rooms, 100 to named members" },
                { "type": "string", "const": "off", "description": "as fast as they can" },
                {
                    "type": "object",
                    "properties": {
                        "directed_per_sec": rate("To named members of groups and rooms.", directed),
                        "groups_per_sec": rate("To groups.", groups),
                        "rooms_per_sec": rate("To chat rooms.", rooms),
                        "users_per_sec": rate("To users.", users),
                    },
                    "additionalProperties": false,
                },
            ],
        })
    }
}

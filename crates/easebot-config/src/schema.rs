//! The JSON Schema of a whole `bots.toml`: the one description that the reader, editors and the manual go by.

use easebot_plugin::PluginKind;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::keys::{BotKeys, PLUGIN_KEYS, PluginKeys, RuntimeKeys, TestKeys};

/// The JSON Schema (draft 2020-12) of a file that may use the plugin kinds `kinds`, for editors.
#[must_use]
pub fn schema(kinds: &[PluginKind]) -> Value {
    let mut schema = keys(kinds);
    let var = json!({
        "description": "The value of a variable in `[vars]`.",
        "type": "object",
        "properties": { "var": { "type": "string", "description": "Its name." } },
        "required": ["var"],
        "additionalProperties": false,
    });
    if let Some(object) = schema.as_object_mut() {
        if let Some(runtime) = object.get_mut("properties").and_then(|keys| keys.get_mut("runtime"))
        {
            take_vars(runtime);
        }
        if let Some(definitions) = object.get_mut("$defs").and_then(Value::as_object_mut) {
            definitions.values_mut().for_each(take_vars);
            definitions.insert("Var".to_owned(), var);
        }
    }
    schema
}

/// Lets a variable stand where a value of a key can stand, in `schema` and below.
fn take_vars(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                match (key.as_str(), value) {
                    ("properties", Value::Object(keys)) => keys.values_mut().for_each(or_var),
                    ("items", item) => or_var(item),
                    (_, other) => take_vars(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(take_vars),
        _ => {}
    }
}

fn or_var(schema: &mut Value) {
    // What tells one kind of table from another stands there itself.
    if schema.get("const").is_some() {
        return;
    }
    take_vars(schema);
    let mut outside = Map::new();
    if let Some(object) = schema.as_object_mut() {
        for key in ["description", "default", "examples"] {
            outside.extend(object.remove(key).map(|value| (key.to_owned(), value)));
        }
    }
    outside.insert("anyOf".to_owned(), json!([schema.take(), { "$ref": "#/$defs/Var" }]));
    *schema = outside.into();
}

/// The keys of a file as it is once its variables have their values: what the reader goes by.
pub(crate) fn keys(kinds: &[PluginKind]) -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let plugins: Vec<Value> = kinds.iter().map(|kind| plugin(kind, &mut generator)).collect();
    let runtime = inline::<RuntimeKeys>(&mut generator);
    let test = inline::<TestKeys>(&mut generator);
    let mut bot = inline::<BotKeys>(&mut generator);
    if let Some(properties) = bot.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(
            "plugin".to_owned(),
            json!({
                "description": "What the bot does: its plugins, in the order in which they see a message.",
                "type": "array",
                "items": { "oneOf": plugins },
                "default": [],
            }),
        );
    }
    let mut definitions = generator.take_definitions(true);
    definitions.insert("Bot".to_owned(), bot);
    definitions.insert("Test".to_owned(), test);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bots.toml",
        "description": "A deployment of Easebot: the bots, and what they run in.",
        "type": "object",
        "properties": {
            "runtime": runtime,
            "vars": {
                "description": "Values that several places share: `{ var = \"NAME\" }` stands for one.",
                "type": "object",
                "additionalProperties": true,
            },
            "bot": {
                "description": "The bots; a file has at least one `[[bot]]`.",
                "type": "array",
                "items": { "$ref": "#/$defs/Bot" },
                "minItems": 1,
            },
            "test": {
                "description": "Conversations that have to go as they are written; `easebot test` holds them.",
                "type": "array",
                "items": { "$ref": "#/$defs/Test" },
                "default": [],
            },
        },
        "required": ["bot"],
        "additionalProperties": false,
        "$defs": definitions,
    });
    close(&mut schema);
    schema
}

fn inline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    T::json_schema(generator).to_value()
}

/// The keys of one plugin kind, with those that every plugin has.
fn plugin(kind: &PluginKind, generator: &mut SchemaGenerator) -> Value {
    let mut own = kind.schema(generator).to_value();
    let common = match inline::<PluginKeys>(generator).get_mut("properties").map(Value::take) {
        Some(Value::Object(common)) => common,
        _ => Map::new(),
    };
    let mut properties = Map::new();
    properties.insert(
        "kind".to_owned(),
        json!({ "description": "Which plugin it is.", "type": "string", "const": kind.kind() }),
    );
    properties.extend(common.get_key_value("name").map(|(key, name)| (key.clone(), name.clone())));
    let mut required = vec![json!("kind")];
    if let Some(own) = own.as_object_mut() {
        if let Some(Value::Object(more)) = own.remove("properties") {
            // The runtime's own keys win: they never reach the plugin.
            let is_free = |(key, _): &(String, Value)| !PLUGIN_KEYS.contains(&key.as_str());
            properties.extend(more.into_iter().filter(is_free));
        }
        for (key, common) in common {
            properties.entry(key).or_insert(common);
        }
        if let Some(Value::Array(more)) = own.remove("required") {
            required.extend(more);
        }
        own.insert("title".to_owned(), kind.kind().into());
        own.insert("description".to_owned(), kind.about().into());
        own.insert("type".to_owned(), "object".into());
        own.insert("properties".to_owned(), properties.into());
        own.insert("required".to_owned(), required.into());
        own.entry("additionalProperties").or_insert(false.into());
    }
    own
}

/// Refuses unknown keys in every table that names its keys, also where a plugin's author forgot to.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let names_keys = object.get("properties").is_some_and(Value::is_object)
                && object.get("type").is_some_and(|kind| kind == "object");
            if names_keys {
                object.entry("additionalProperties").or_insert(false.into());
            }
            object.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

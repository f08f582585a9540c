//! The manual of the keys, made from the schema.

use easebot_plugin::PluginKind;
use serde_json::{Map, Value};

use crate::{keys::PLUGIN_KEYS, schema::keys};

/// All keys of a file that may use the plugin kinds `kinds`, as a Markdown page: a table of keys for each table of the file.
#[must_use]
pub fn reference(kinds: &[PluginKind]) -> String {
    let schema = keys(kinds);
    let mut page = Page { schema: &schema, text: String::new(), has_common: false };
    page.text.push_str(INTRODUCTION);
    if let Some(root) = schema.as_object() {
        page.tables(root, "", None);
    }
    page.text
}

const INTRODUCTION: &str = r#"# Keys of `bots.toml`

Made from the types that read the file; `easebot schema` prints the same as JSON Schema.
A key with an empty default has to be there; `–` means none. Unknown keys are refused. Relative paths start at the folder of
the file.

`--config` takes a folder as well: its files `*.toml`, in the order of their names, are read as if they were one. Bots, tests and
variables may stand in all of them, `[runtime]` in one.

A value that several places share can be a variable, of any type. `{ var = "NAME" }`, and nothing else in the table, stands for it:

```toml
[vars]
app = "easebot#demo"

[[bot]]
app_key = { var = "app" }
```

A variable cannot be made of another one; one that is not there is an error, and one that nothing uses is a notice.
"#;

/// What stands above the keys of every plugin.
const COMMON: &str =
    "Keys of every plugin, besides `kind` and those of its kind, which follow below.";

struct Page<'s> {
    schema: &'s Value,
    text: String,
    /// Whether it has the keys of every plugin.
    has_common: bool,
}

/// A table of the file below another one.
struct Below<'s> {
    heading: String,
    kind: Option<&'s str>,
    path: String,
    about: Option<&'s str>,
    keys: &'s Map<String, Value>,
}

impl<'s> Page<'s> {
    /// A section for each table of the file below the table `keys`, which is at `path`.
    /// `kind` is the plugin kind that they belong to.
    fn tables(&mut self, keys: &'s Map<String, Value>, path: &str, kind: Option<&str>) {
        for below in self.below(keys, path) {
            if below.kind.is_some() && !self.has_common {
                self.has_common = true;
                self.text.push_str(&format!("\n## {}\n\n{COMMON}\n\n", below.heading));
                self.rows(below.keys, |key| key != "kind" && PLUGIN_KEYS.contains(&key));
            }
            let kind = below.kind.or(kind);
            let of = kind.map(|kind| format!(" of `kind = \"{kind}\"`")).unwrap_or_default();
            self.text.push_str(&format!("\n## {}{of}\n\n", below.heading));
            if let Some(about) = below.about {
                self.text.push_str(&format!("{about}\n\n"));
            }
            let is_own =
                |key: &str| below.kind.is_none() || key == "kind" || !PLUGIN_KEYS.contains(&key);
            self.rows(below.keys, is_own);
            self.tables(below.keys, &below.path, kind);
        }
    }

    fn below(&self, keys: &'s Map<String, Value>, path: &str) -> Vec<Below<'s>> {
        let mut below = Vec::new();
        for (key, schema) in properties(keys) {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let mut shapes = self.shapes(schema);
            // A table that may be left out.
            shapes.retain(|shape| shape.get("type").is_none_or(|kind| kind != "null"));
            let (items, header) = match shapes.as_slice() {
                [shape] if shape.contains_key("items") => {
                    (shape.get("items"), format!("`[[{path}]]`"))
                }
                [shape] if shape.contains_key("properties") => {
                    (Some(schema), format!("`[{path}]`"))
                }
                _ => continue,
            };
            let shapes = items.map_or_else(Vec::new, |items| self.shapes(items));
            for shape in shapes.iter().copied().filter(|shape| shape.contains_key("properties")) {
                let kind = constant(shape, "kind");
                let own = shape.get("description").and_then(Value::as_str);
                below.push(Below {
                    heading: header.clone(),
                    kind,
                    path: path.clone(),
                    about: if kind.is_some() { own } else { about(schema).or(own) },
                    keys: shape,
                });
            }
        }
        below
    }

    /// The table of those of `keys` that are wanted.
    fn rows(&mut self, keys: &'s Map<String, Value>, is_wanted: impl Fn(&str) -> bool) {
        let required: Vec<&str> = keys
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.text.push_str("| key | type | default | meaning |\n|---|---|---|---|\n");
        for (key, schema) in properties(keys).filter(|(key, _)| is_wanted(key)) {
            let default = match schema.get("default") {
                _ if required.contains(&key.as_str()) => String::new(),
                None | Some(Value::Null) => "–".to_owned(),
                Some(value) => format!("`{value}`"),
            };
            let mut meaning = about(schema).map(str::to_owned).unwrap_or_default();
            for shape in self.shapes(schema) {
                let word = shape.get("const").filter(|_| key != "kind");
                if let (Some(word), Some(about)) =
                    (word, shape.get("description").and_then(Value::as_str))
                {
                    meaning.push_str(&format!("<br>`{word}`: {about}"));
                }
            }
            let bounds = self.bounds(schema);
            if !bounds.is_empty() {
                meaning.push_str(&format!(" {bounds}."));
            }
            let examples = schema.get("examples").and_then(Value::as_array);
            if let Some(example) = examples.and_then(|examples| examples.first()) {
                meaning.push_str(&format!(" Example: `{example}`."));
            }
            let cell = |text: String| text.replace('\n', " ").replace('|', "\\|");
            let kind = self.kind(schema);
            self.text.push_str(&format!(
                "| `{key}` | {} | {} | {} |\n",
                cell(kind),
                cell(default),
                cell(meaning)
            ));
        }
    }

    fn bounds(&self, schema: &'s Value) -> String {
        for shape in self.shapes(schema) {
            let bound = |key: &str| shape.get(key).filter(|bound| bound.is_number());
            match (bound("minimum"), bound("maximum")) {
                (Some(least), Some(most)) => return format!("{least} to {most}"),
                (Some(least), None) if least != 0 => return format!("At least {least}"),
                (None, Some(most)) => return format!("At most {most}"),
                _ => {}
            }
        }
        String::new()
    }

    /// The type of a value in words.
    fn kind(&self, schema: &'s Value) -> String {
        let mut words: Vec<String> = Vec::new();
        let shapes = self.shapes(schema);
        if shapes.is_empty() || schema == &Value::Bool(true) {
            return "any".to_owned();
        }
        for shape in shapes {
            let required: Vec<String> = shape
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(|key| format!("{key} = …"))
                .collect();
            let types: Vec<&str> = match shape.get("type") {
                Some(Value::String(kind)) => vec![kind.as_str()],
                Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
                _ => vec!["any"],
            };
            for kind in types {
                let word =
                    match (kind, shape.get("const"), shape.get("enum").and_then(Value::as_array)) {
                        (_, Some(word), _) => format!("`{word}`"),
                        (_, _, Some(words)) => words
                            .iter()
                            .map(|word| format!("`{word}`"))
                            .collect::<Vec<_>>()
                            .join(", "),
                        ("array", ..) => match shape.get("items").map(|items| self.kind(items)) {
                            Some(items)
                                if items.starts_with("table") || items.starts_with("`{") =>
                            {
                                "tables".to_owned()
                            }
                            Some(items) => format!("list of: {items}"),
                            None => "list".to_owned(),
                        },
                        ("boolean", ..) => "`true`, `false`".to_owned(),
                        ("integer", ..) => "integer".to_owned(),
                        ("null", ..) => continue,
                        ("object", ..) if required.is_empty() => "table".to_owned(),
                        ("object", ..) => format!("`{{ {} }}`", required.join(", ")),
                        (kind, ..) => kind.to_owned(),
                    };
                if !words.contains(&word) {
                    words.push(word);
                }
            }
        }
        words.join(", ")
    }

    /// The alternatives of a schema, references resolved.
    fn shapes(&self, schema: &'s Value) -> Vec<&'s Map<String, Value>> {
        let Some(object) = schema.as_object() else { return Vec::new() };
        if let Some(target) = object.get("$ref").and_then(Value::as_str) {
            let target = target.strip_prefix('#').and_then(|pointer| self.schema.pointer(pointer));
            return target.map_or_else(Vec::new, |target| self.shapes(target));
        }
        if object.contains_key("properties") {
            return vec![object];
        }
        match ["oneOf", "anyOf"].iter().find_map(|key| object.get(*key)?.as_array()) {
            Some(alternatives) => {
                alternatives.iter().flat_map(|schema| self.shapes(schema)).collect()
            }
            None => vec![object],
        }
    }
}

fn properties(keys: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    keys.get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn about(schema: &Value) -> Option<&str> {
    schema.get("description")?.as_str()
}

fn constant<'s>(keys: &'s Map<String, Value>, key: &str) -> Option<&'s str> {
    keys.get("properties")?.get(key)?.get("const")?.as_str()
}

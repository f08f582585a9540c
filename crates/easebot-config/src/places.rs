//! Which key stands where: from a place in the file to words such as `bot.concierge.user`.

use easebot_plugin::Span;
use toml::de::{DeTable, DeValue};

/// Every key and value of a file with its place.
pub(crate) struct Places(Vec<Place>);

pub(crate) struct Place {
    span: Span,
    pub(crate) path: String,
    /// The table that the key is in.
    pub(crate) table: Span,
}

impl Places {
    pub(crate) fn of(root: &DeTable<'_>, span: Span) -> Self {
        let mut places = Self(Vec::new());
        places.add_table(root, span, "");
        places
    }

    /// What is exactly at `span`, else the smallest value around it.
    pub(crate) fn find(&self, span: Span) -> Option<&Place> {
        // A list of tables and its first table are at one place; the later entry is the inner one.
        self.0
            .iter()
            .rev()
            .filter(|place| place.span.start <= span.start && span.end <= place.span.end)
            .min_by_key(|place| place.span.end - place.span.start)
    }

    fn add_table(&mut self, table: &DeTable<'_>, span: Span, path: &str) {
        for (key, value) in table {
            let path = join(path, key.get_ref());
            self.0.push(Place { span: key.span().into(), path: path.clone(), table: span });
            self.add_value(value.get_ref(), value.span().into(), &path, span);
        }
    }

    fn add_value(&mut self, value: &DeValue<'_>, span: Span, path: &str, table: Span) {
        self.0.push(Place { span, path: path.to_owned(), table });
        match value {
            DeValue::Table(keys) => self.add_table(keys, span, path),
            DeValue::Array(array) => {
                for (index, item) in array.iter().enumerate() {
                    let path = element(path, index, item.get_ref());
                    self.add_value(item.get_ref(), item.span().into(), &path, table);
                }
            }
            DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Float(_)
            | DeValue::Integer(_)
            | DeValue::String(_) => {}
        }
    }
}

/// The path of a key in a table.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The path of an element of a list: by its `name` or `kind` if it is a table with one, else by its number from 1.
pub(crate) fn element(path: &str, index: usize, value: &DeValue<'_>) -> String {
    let label = value.as_table().and_then(|table| {
        let label = table.get("name").or_else(|| table.get("kind"))?.get_ref().as_str()?;
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        (!label.is_empty() && label.chars().all(is_plain)).then(|| label.to_owned())
    });
    match label {
        Some(label) => format!("{path}.{label}"),
        None => format!("{path}#{}", index + 1),
    }
}

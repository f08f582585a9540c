//! Where a secret of `bots.toml` comes from.

use std::{
    borrow::Cow,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use easebot_model::Secret;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use thiserror::Error;

use crate::{At, Span};

/// Where a secret comes from. The file itself holds it only for the emulator.
///
/// Reading the configuration does not read the secret: [`resolve`](Self::resolve) does, when it is needed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SecretSource {
    /// `{ env = "NAME" }`: an environment variable.
    Env {
        /// Its name.
        name: String,
    },
    /// `{ file = "PATH" }`: a file that holds nothing else.
    File {
        /// Its path; a relative one starts at the folder of the configuration file.
        path: PathBuf,
    },
    /// The secret itself.
    Plain(Secret),
}

/// What is wrong with a secret that was read, in words that hold nothing of it. None if nothing is.
pub type SecretFault = fn(&Secret) -> Option<String>;

/// A secret that a plugin will read, and what it has to look like.
#[derive(Clone, Debug)]
pub struct NamedSecret {
    source: At<SecretSource>,
    fault: Option<SecretFault>,
}

impl NamedSecret {
    pub(crate) const fn new(source: At<SecretSource>, fault: Option<SecretFault>) -> Self {
        Self { source, fault }
    }

    /// Where it stands in the file.
    #[must_use]
    pub const fn span(&self) -> Option<Span> {
        self.source.span()
    }

    /// Reads it, looks at it and forgets it again. `folder` and `env` are as for [`SecretSource::resolve`].
    ///
    /// # Errors
    /// [`SecretError`]: not there, empty, or of no use to its plugin.
    pub fn check(
        &self,
        folder: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), SecretError> {
        let secret = self.source.resolve(folder, env)?;
        match self.fault.and_then(|fault| fault(&secret)) {
            None => Ok(()),
            Some(reason) => Err(SecretError::Unusable { reason }),
        }
    }
}

/// Why a secret cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The variable or the file is empty.
    #[error("{place} is empty")]
    Empty {
        /// Which variable or file.
        place: String,
    },
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    File {
        /// The path that was tried.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The environment has no such variable, or it is no Unicode text.
    #[error("the environment variable `{name}` is not set")]
    NotSet {
        /// Its name.
        name: String,
    },
    /// It is there, but its plugin can do nothing with it.
    #[error("{reason}")]
    Unusable {
        /// What is wrong with it, with nothing of it.
        reason: String,
    },
}

impl SecretSource {
    /// Reads the secret. `folder` is where relative paths start, `env` looks up environment variables.
    ///
    /// White space around a variable's value stays, because it may be meant; of a file one line break at the end is cut off.
    ///
    /// # Errors
    /// [`SecretError`]: not there, or empty. It never holds the secret.
    pub fn resolve(
        &self,
        folder: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Secret, SecretError> {
        match self {
            Self::Env { name } => match env(name) {
                Some(value) if value.is_empty() => {
                    Err(SecretError::Empty { place: format!("the environment variable `{name}`") })
                }
                Some(value) => Ok(Secret::new(value)),
                None => Err(SecretError::NotSet { name: name.clone() }),
            },
            Self::File { path } => {
                let path = folder.join(path);
                let text = fs::read_to_string(&path)
                    .map_err(|source| SecretError::File { path: path.clone(), source })?;
                let line = text.strip_suffix('\n').unwrap_or(&text);
                let line = line.strip_suffix('\r').unwrap_or(line);
                if line.is_empty() {
                    return Err(SecretError::Empty { place: format!("`{}`", path.display()) });
                }
                Ok(Secret::new(line))
            }
            Self::Plain(secret) => Ok(secret.clone()),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reference {
    Env(String),
    File(PathBuf),
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrTable;

        impl<'de> Visitor<'de> for TextOrTable {
            type Value = SecretSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`{ env = \"…\" }`, `{ file = \"…\" }` or a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<SecretSource, E> {
                Ok(SecretSource::Plain(Secret::new(text)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretSource, A::Error> {
                Ok(match Reference::deserialize(MapAccessDeserializer::new(map))? {
                    Reference::Env(name) => SecretSource::Env { name },
                    Reference::File(path) => SecretSource::File { path },
                })
            }
        }

        deserializer.deserialize_any(TextOrTable)
    }
}

impl JsonSchema for SecretSource {
    fn schema_name() -> Cow<'static, str> {
        "SecretSource".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::SecretSource").into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let table = |key: &str, about: &str| {
            json_schema!({
                "type": "object",
                "properties": { key: { "type": "string", "description": about, "minLength": 1 } },
                "required": [key],
                "additionalProperties": false,
            })
        };
        json_schema!({
            "description": "Where a secret comes from: `{ env = \"NAME\" }` or `{ file = \"PATH\" }`. Plain text is taken with \
                            `endpoint = \"emulator\"` alone.",
            "oneOf": [
                table("env", "Name of an environment variable that holds the secret."),
                table("file", "Path of a file that holds the secret; a line break at its end is cut off."),
                // `writeOnly` is how a schema says "not to be shown".
                { "type": "string", "writeOnly": true, "minLength": 1 },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> SecretSource {
        #[derive(Deserialize)]
        struct Config {
            secret: SecretSource,
        }
        toml::from_str::<Config>(&format!("secret = {text}")).unwrap().secret
    }

    #[test]
    fn the_three_forms_are_read() {
        assert_eq!(read("{ env = 'X' }"), SecretSource::Env { name: "X".to_owned() });
        assert_eq!(read("{ file = 'x' }"), SecretSource::File { path: "x".into() });
        assert_eq!(read("'hunter2'"), SecretSource::Plain(Secret::new("hunter2")));
    }

    #[test]
    fn a_variable_is_looked_up_when_the_secret_is_needed() {
        let source = read("{ env = 'X' }");
        let env = |value: Option<&'static str>| {
            move |name: &str| value.filter(|_| name == "X").map(str::to_owned)
        };
        let resolve = |value| source.resolve(Path::new("."), &env(value));
        assert_eq!(resolve(Some(" s ")).unwrap().reveal(), " s ");
        assert_eq!(
            resolve(Some("")).unwrap_err().to_string(),
            "the environment variable `X` is empty"
        );
        assert_eq!(
            resolve(None).unwrap_err().to_string(),
            "the environment variable `X` is not set"
        );
    }

    #[test]
    fn a_secret_is_looked_at_if_its_plugin_says_how() {
        let short = |secret: &Secret| (secret.reveal().len() < 8).then(|| "too short".to_owned());
        let check = |fault, value: &str| {
            let named = NamedSecret::new(At::nowhere(read("{ env = 'X' }")), fault);
            let value = value.to_owned();
            named.check(Path::new("."), &move |_| Some(value.clone())).map_err(|e| e.to_string())
        };
        assert_eq!(check(None, "hunter2"), Ok(()));
        assert_eq!(check(Some(short), "hunter22"), Ok(()));
        assert_eq!(check(Some(short), "hunter2"), Err("too short".to_owned()));
        let empty = "the environment variable `X` is empty".to_owned();
        assert_eq!(check(Some(short), ""), Err(empty));
    }

    #[test]
    fn of_a_file_one_line_break_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let source = read("{ file = 'secret' }");
        let resolve = || source.resolve(folder.path(), &|_| None);
        for (content, expected) in
            [("s", "s"), ("s\n", "s"), ("s\r\n", "s"), ("s\n\n", "s\n"), (" s ", " s ")]
        {
            fs::write(folder.path().join("secret"), content).unwrap();
            assert_eq!(resolve().unwrap().reveal(), expected, "{content:?}");
        }
        fs::write(folder.path().join("secret"), "\n").unwrap();
        assert!(matches!(resolve(), Err(SecretError::Empty { .. })));
        fs::remove_file(folder.path().join("secret")).unwrap();
        assert!(matches!(resolve(), Err(SecretError::File { .. })));
    }
}

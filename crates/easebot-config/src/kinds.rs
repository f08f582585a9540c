//! Whether plugin kinds of several authors can stand in one table.

use easebot_plugin::PluginKind;
use schemars::SchemaGenerator;
use thiserror::Error;

use crate::{keys::PLUGIN_KEYS, read::is_legal};

/// Why a plugin kind cannot be in a table of kinds. It names the Rust type behind each, because that leads to its author.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum KindError {
    /// What it is called cannot be the name of a plugin, which it is where the file names none.
    #[error(
        "the plugin kind of `{type_name}` is called `{kind}`: must be 1 to 64 ASCII letters, digits, `.`, `_` and `-`"
    )]
    Name {
        /// What it is called.
        kind: &'static str,
        /// The type behind it.
        type_name: &'static str,
    },
    /// A key of its own is one that the runtime takes for itself, so that it would never get it.
    #[error(
        "the plugin kind `{kind}` of `{type_name}` has a key `{key}`, which every plugin has already"
    )]
    TakenKey {
        /// What it is called.
        kind: &'static str,
        /// The type behind it.
        type_name: &'static str,
        /// The key.
        key: &'static str,
    },
    /// An earlier one of the table is called so.
    #[error("two plugin kinds are called `{kind}`: that of `{first}` and that of `{second}`")]
    Twice {
        /// What both are called.
        kind: &'static str,
        /// The type behind the one that stands first.
        first: &'static str,
        /// The type behind the other one.
        second: &'static str,
    },
}

/// Everything that is wrong with a table of plugin kinds, for whoever puts one together of kinds that others wrote; nothing if
/// it can be used. It depends on the program alone, so once at its start is enough. Without it the first of two kinds with
/// one name is the one that [`Config::read`](crate::Config::read) finds.
#[must_use]
pub fn check_kinds(kinds: &[PluginKind]) -> Vec<KindError> {
    let mut errors = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        let (name, type_name) = (kind.kind(), kind.type_name());
        if !is_legal(name) {
            errors.push(KindError::Name { kind: name, type_name });
        }
        let is_so_called = |other: &&PluginKind| other.kind().eq_ignore_ascii_case(name);
        if let Some(first) = kinds.iter().take(index).find(is_so_called) {
            let (first, second) = (first.type_name(), type_name);
            errors.push(KindError::Twice { kind: name, first, second });
        }
        let schema = kind.schema(&mut SchemaGenerator::default());
        let own = schema.get("properties").and_then(|keys| keys.as_object());
        let taken = PLUGIN_KEYS.iter().filter(|key| own.is_some_and(|own| own.contains_key(**key)));
        errors.extend(taken.map(|key| KindError::TakenKey { kind: name, type_name, key }));
    }
    errors
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use easebot_model::Event;
    use easebot_plugin::{
        BuildEnv, Configured, Context, Flow, Interest, Plugin, PluginError, Problems,
    };
    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;

    /// One of several kinds.
    struct Nth<const N: usize>;

    const NAMES: [&str; 4] = ["echo", "dice", "Echo", "out of order"];

    #[derive(Deserialize, JsonSchema)]
    struct Keys {
        #[expect(dead_code, reason = "only its name counts")]
        prefix: String,
    }

    #[derive(Deserialize, JsonSchema)]
    struct Greedy {
        #[expect(dead_code, reason = "only its name counts")]
        retries: u32,
    }

    #[async_trait]
    impl<const N: usize> Plugin for Nth<N> {
        fn name(&self) -> &str {
            "nth"
        }

        fn interest(&self) -> Interest {
            Interest::none()
        }

        async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
            Ok(Flow::Continue)
        }
    }

    impl<const N: usize> Configured for Nth<N> {
        const KIND: &'static str = NAMES[N];
        const ABOUT: &'static str = "is there";
        type Config = Keys;

        fn build(_keys: Keys, _env: &BuildEnv, _problems: &mut Problems) -> Option<Self> {
            Some(Self)
        }
    }

    struct Taker;

    #[async_trait]
    impl Plugin for Taker {
        fn name(&self) -> &str {
            "taker"
        }

        fn interest(&self) -> Interest {
            Interest::none()
        }

        async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
            Ok(Flow::Continue)
        }
    }

    impl Configured for Taker {
        const KIND: &'static str = "taker";
        const ABOUT: &'static str = "takes what is not its own";
        type Config = Greedy;

        fn build(_keys: Greedy, _env: &BuildEnv, _problems: &mut Problems) -> Option<Self> {
            Some(Self)
        }
    }

    fn said(kinds: &[PluginKind]) -> Vec<String> {
        check_kinds(kinds).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn kinds_with_names_and_keys_of_their_own_share_a_table() {
        assert_eq!(said(&[PluginKind::of::<Nth<0>>(), PluginKind::of::<Nth<1>>()]), [""; 0]);
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_the_types_behind_it() {
        let kinds = [
            PluginKind::of::<Nth<0>>(),
            PluginKind::of::<Nth<2>>(),
            PluginKind::of::<Nth<3>>(),
            PluginKind::of::<Taker>(),
            PluginKind::of::<Taker>(),
        ];
        let here = module_path!();
        assert_eq!(
            said(&kinds),
            [
                format!(
                    "two plugin kinds are called `Echo`: that of `{here}::Nth<0>` and that of `{here}::Nth<2>`"
                ),
                format!(
                    "the plugin kind of `{here}::Nth<3>` is called `out of order`: must be 1 to 64 ASCII letters, digits, `.`, `_` and `-`"
                ),
                format!(
                    "the plugin kind `taker` of `{here}::Taker` has a key `retries`, which every plugin has already"
                ),
                format!(
                    "two plugin kinds are called `taker`: that of `{here}::Taker` and that of `{here}::Taker`"
                ),
                format!(
                    "the plugin kind `taker` of `{here}::Taker` has a key `retries`, which every plugin has already"
                ),
            ]
        );
    }
}

//! The plugins of a bot: the runtime's own keys of each, then the plugin itself from the rest.

use std::time::Duration;

use easebot_plugin::{At, BuildEnv, PluginKind, PluginTable, Problem, Problems, Span};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{bot::is_legal, hook::Hooks, read_keys, table};
use crate::{
    config::{FailureReply, PluginConfig},
    keys::{PLUGIN_KEYS, PluginKeys},
};

/// The names of a bot's plugins so far. One that is not written is at the header.
#[derive(Default)]
struct Names(Vec<At<String>>);

/// Makes the plugins of a bot. None if one of them cannot be made.
pub(super) fn read(
    tables: Vec<Spanned<DeValue<'_>>>,
    kinds: &[PluginKind],
    broken: &[Span],
    env: &BuildEnv,
    hooks: &mut Hooks,
    problems: &mut Problems,
) -> Option<Vec<PluginConfig>> {
    let mut plugins = Vec::new();
    let mut names = Names::default();
    let mut is_whole = true;
    for value in tables {
        let is_broken = broken.contains(&value.span().into());
        let keys = table(value).filter(|_| !is_broken);
        let plugin = keys.and_then(|keys| one(keys, kinds, env, &mut names, hooks, problems));
        is_whole &= plugin.is_some();
        plugins.extend(plugin);
    }
    is_whole.then_some(plugins)
}

fn one(
    mut keys: Spanned<DeTable<'_>>,
    kinds: &[PluginKind],
    env: &BuildEnv,
    names: &mut Names,
    hooks: &mut Hooks,
    problems: &mut Problems,
) -> Option<PluginConfig> {
    let header = Span::from(keys.span());
    let kind = keys.get_mut().remove("kind")?.into_inner();
    let kind = kinds.iter().find(|known| Some(known.kind()) == kind.as_str())?;
    let own: PluginKeys = read_keys(take_common(&mut keys), problems)?;
    let name = names.take(own.name, kind.kind(), header, problems);
    // Without a name of its own the plugin's problems are worth knowing all the same.
    let env = env.of_plugin(name.clone().unwrap_or_default());
    let failure_reply = match &own.on_failure_reply {
        Some(source) => FailureReply::new(source, &env, problems).map(Some),
        None => Some(None),
    };
    let plugin = kind.build(PluginTable::new(keys), &env, problems)?;
    hooks.mount(&*plugin, header, problems);
    name?;
    Some(PluginConfig {
        plugin,
        timeout: own.timeout_secs.map(|secs| Duration::from_secs(secs.into())),
        n_retries: own.retries,
        failure_reply: failure_reply?,
        n_failures_to_pause: own.pause_after_failures,
        secrets: env.secrets(),
    })
}

/// Takes the keys that every plugin has out of `table`.
fn take_common<'i>(table: &mut Spanned<DeTable<'i>>) -> Spanned<DeTable<'i>> {
    let span = table.span();
    let taken = PLUGIN_KEYS.iter().filter_map(|key| table.get_mut().remove_entry(*key));
    Spanned::new(span, taken.collect())
}

impl Names {
    /// The name of a plugin of the kind `kind` whose header is at `header`. None if it cannot have it: `problems` says why.
    fn take(
        &mut self,
        written: Option<At<String>>,
        kind: &str,
        header: Span,
        problems: &mut Problems,
    ) -> Option<String> {
        let is_written = written.is_some();
        let name = written.unwrap_or_else(|| At::new(kind.to_owned(), header));
        if is_written && !is_legal(&name) {
            let message = "must be 1 to 64 ASCII letters, digits, `.`, `_` and `-`";
            problems.push(Problem::error(name.span(), message));
            return None;
        }
        let Some(first) = self.find(&name) else {
            self.0.push(name.clone());
            return Some(name.into_inner());
        };
        let problem = if is_written {
            Problem::error(name.span(), "another plugin of this bot has this name already")
        } else {
            // Numbered by their order, two would swap what they have saved when they are swapped in the file.
            let message = format!("there is a plugin `{kind}` already, so this one needs a `name`");
            let mut names = (2_usize..).map(|number| format!("{kind}-{number}"));
            let free = names.find(|name| self.find(name).is_none()).unwrap_or_default();
            Problem::error(name.span(), message)
                .hint(format!("such as `name = \"{free}\"`; what it saves is kept under its name"))
                // A misspelt `name` says it all.
                .perhaps_a_consequence()
        };
        problems.push(problem.related(first.span(), "first used"));
        None
    }

    fn find(&self, name: &str) -> Option<&At<String>> {
        self.0.iter().find(|taken| taken.eq_ignore_ascii_case(name))
    }
}

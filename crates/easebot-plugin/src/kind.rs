//! The table of plugin kinds: what `kind = "…"` in `bots.toml` can name.

use std::{
    any, fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use easebot_model::{AppKey, Timestamp, UserId};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, de::DeserializeOwned};
use toml::{Spanned, de::DeTable};

use crate::{At, NamedSecret, Plugin, Problem, Problems, SecretFault, SecretSource, Span};

/// A plugin that can be made from a table of `bots.toml`.
///
/// The doc comments of [`Config`](Self::Config) are the reference manual of its keys. Give it
/// `#[serde(deny_unknown_fields)]`, and an [`At`](crate::At) around each value that [`build`](Self::build) may refuse. The
/// keys `kind`, `name`, `timeout_secs`, `retries`, `on_failure_reply` and `pause_after_failures` are the runtime's own and never
/// reach it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no plugin kind of `bots.toml`",
    label = "`Configured` is not implemented for it",
    note = "write `impl Configured for {Self}` with `KIND`, `ABOUT`, `Config` and `build`"
)]
pub trait Configured: Plugin + Sized {
    /// What `kind` says, such as `auto-reply`. Unique in a table of kinds.
    const KIND: &'static str;
    /// What it does, in one line.
    const ABOUT: &'static str;
    /// Its keys.
    type Config: DeserializeOwned + JsonSchema;

    /// Makes the plugin, or adds every problem of `config` to `problems`. Nothing is started here and no secret is read.
    fn build(config: Self::Config, env: &BuildEnv, problems: &mut Problems) -> Option<Self>;
}

/// What a plugin knows while it is made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BuildEnv {
    /// Name of the plugin within its bot: what [`Plugin::name`] has to return.
    pub plugin: String,
    /// Name of the bot.
    pub bot: String,
    /// The user that the bot logs in as.
    pub user: UserId,
    /// The app that the user belongs to.
    pub app_key: AppKey,
    /// Folder of the configuration file: relative paths in it start here.
    pub folder: PathBuf,
    /// Whether a secret may stand in the file as plain text: the bot's servers are on this machine. By default it may not.
    pub takes_plain_secrets: bool,
    /// The time, to tell what is past; the machine's, as by default.
    pub now: Timestamp,
    /// Names of all bots of the file, this one among them; empty, as by default, if they are not known.
    pub bots: Arc<[String]>,
    /// What was given to [`check_secret`](Self::check_secret) and [`check_secret_of`](Self::check_secret_of).
    secrets: Arc<Mutex<Vec<NamedSecret>>>,
}

impl BuildEnv {
    /// The environment of the plugin `plugin` of the bot `bot`.
    pub fn new(
        plugin: impl Into<String>,
        bot: impl Into<String>,
        user: UserId,
        app_key: AppKey,
        folder: impl Into<PathBuf>,
    ) -> Self {
        Self {
            plugin: plugin.into(),
            bot: bot.into(),
            user,
            app_key,
            folder: folder.into(),
            takes_plain_secrets: false,
            now: now(),
            bots: Arc::new([]),
            secrets: Arc::default(),
        }
    }

    /// The same for the plugin `plugin`, which has named no secrets yet.
    #[must_use]
    pub fn of_plugin(&self, plugin: impl Into<String>) -> Self {
        Self { plugin: plugin.into(), secrets: Arc::default(), ..self.clone() }
    }

    /// The secrets that the plugin has named so far, so that whoever starts it can see whether they are there.
    #[must_use]
    pub fn secrets(&self) -> Vec<NamedSecret> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether `secret` may stand where it stands; if not, `problems` says so. It is not read here; a plugin names all that it
    /// will read, so that those that are missing are found before anything starts.
    pub fn check_secret(&self, secret: &At<SecretSource>, problems: &mut Problems) -> bool {
        self.name_secret(secret, None, problems)
    }

    /// As [`check_secret`](Self::check_secret), for a secret that has to be of some form: `fault` is asked wherever secrets are
    /// read before anything starts, and what it says is shown with the place.
    pub fn check_secret_of(
        &self,
        secret: &At<SecretSource>,
        fault: SecretFault,
        problems: &mut Problems,
    ) -> bool {
        self.name_secret(secret, Some(fault), problems)
    }

    fn name_secret(
        &self,
        secret: &At<SecretSource>,
        fault: Option<SecretFault>,
        problems: &mut Problems,
    ) -> bool {
        let named = NamedSecret::new(secret.clone(), fault);
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).push(named);
        let is_misplaced = matches!(**secret, SecretSource::Plain(_)) && !self.takes_plain_secrets;
        if is_misplaced {
            problems.push(
                Problem::error(secret.span(), "a secret does not belong into this file").hint(
                    "write `{ env = \"NAME\" }` or `{ file = \"PATH\" }`; plain text is for servers on this machine, or with `allow_plain_secrets`",
                ),
            );
        }
        !is_misplaced
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The keys of one plugin with their places in the file.
#[derive(Clone, Debug)]
pub struct PluginTable<'i> {
    table: Spanned<DeTable<'i>>,
}

impl<'i> PluginTable<'i> {
    /// Wraps a table that holds the keys of [`Configured::Config`] and no others.
    #[must_use]
    pub const fn new(table: Spanned<DeTable<'i>>) -> Self {
        Self { table }
    }

    /// Reads a text that holds nothing but the keys of one plugin, for tests and for embedders. None if it is no TOML, which
    /// then is among `problems`.
    pub fn parse(text: &'i str, problems: &mut Problems) -> Option<Self> {
        DeTable::parse(text)
            .map_err(|error| problems.push(toml_problem(&error, None)))
            .map(Self::new)
            .ok()
    }

    /// Reads the keys and makes the plugin. None if there was an error, which then is among `problems`.
    pub fn build<P: Configured>(self, env: &BuildEnv, problems: &mut Problems) -> Option<P> {
        let span = Span::from(self.table.span());
        let config = match P::Config::deserialize(toml::Deserializer::from(self.table)) {
            Ok(config) => config,
            Err(error) => {
                problems.push(toml_problem(&error, Some(span)));
                return None;
            }
        };
        let mut found = Problems::new();
        let plugin = P::build(config, env, &mut found);
        let is_refused = found.has_errors();
        if plugin.is_none() && !is_refused {
            found
                .push(Problem::error(Some(span), "the plugin cannot be made and does not say why"));
        }
        problems.extend(
            found
                .into_iter()
                .map(|problem| Problem { span: problem.span.or(Some(span)), ..problem }),
        );
        plugin.filter(|_| !is_refused)
    }
}

/// What `toml` says about a value, as a problem; at `fallback` if it does not say where.
#[must_use]
pub fn toml_problem(error: &toml::de::Error, fallback: Option<Span>) -> Problem {
    Problem::error(error.span().map(Span::from).or(fallback), error.message())
}

type Build = fn(PluginTable<'_>, &BuildEnv, &mut Problems) -> Option<Arc<dyn Plugin>>;

/// One row of the table of plugin kinds.
///
/// ```
/// # use easebot_plugin::{Configured, PluginKind};
/// # const fn table<A: Configured, B: Configured>() -> [PluginKind; 2] {
/// [PluginKind::of::<A>(), PluginKind::of::<B>()]
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct PluginKind {
    kind: &'static str,
    about: &'static str,
    type_name: fn() -> &'static str,
    schema: fn(&mut SchemaGenerator) -> Schema,
    build: Build,
}

impl PluginKind {
    /// The row of the plugin `P`.
    #[must_use]
    pub const fn of<P: Configured>() -> Self {
        Self {
            kind: P::KIND,
            about: P::ABOUT,
            type_name: any::type_name::<P>,
            schema: P::Config::json_schema,
            build: |table, env, problems| {
                table.build::<P>(env, problems).map(|plugin| Arc::new(plugin) as Arc<dyn Plugin>)
            },
        }
    }

    /// What `kind` says in `bots.toml`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// What plugins of this kind do, in one line.
    #[must_use]
    pub const fn about(&self) -> &'static str {
        self.about
    }

    /// The Rust type behind it with its path, such as `thanks::Thanks`, for people: the compiler may write it otherwise.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        (self.type_name)()
    }

    /// JSON Schema of the keys; shared definitions go to `generator`.
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }

    /// Makes a plugin of this kind. None if there was an error, which then is among `problems`.
    pub fn build(
        &self,
        table: PluginTable<'_>,
        env: &BuildEnv,
        problems: &mut Problems,
    ) -> Option<Arc<dyn Plugin>> {
        (self.build)(table, env, problems)
    }
}

impl fmt::Debug for PluginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginKind").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use easebot_model::Event;

    use super::*;
    use crate::{Context, Flow, Interest, PluginError};

    struct Dice {
        name: String,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct DiceConfig {
        /// How many sides it has.
        sides: At<u32>,
    }

    #[async_trait]
    impl Plugin for Dice {
        fn name(&self) -> &str {
            &self.name
        }

        fn interest(&self) -> Interest {
            Interest::texts()
        }

        async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
            Ok(Flow::Continue)
        }
    }

    impl Configured for Dice {
        const KIND: &'static str = "dice";
        const ABOUT: &'static str = "throws dice";
        type Config = DiceConfig;

        fn build(config: DiceConfig, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
            match *config.sides {
                0 => problems
                    .push(Problem::error(config.sides.span(), "a die has sides").hint("try 6")),
                1 => {
                    problems.push(Problem::notice(config.sides.span(), "it always shows the same"))
                }
                13 => return None,
                _ => {}
            }
            Some(Self { name: env.plugin.clone() })
        }
    }

    const KINDS: &[PluginKind] = &[PluginKind::of::<Dice>()];

    fn build(text: &str) -> (Option<Arc<dyn Plugin>>, Vec<Problem>) {
        let env =
            BuildEnv::new("dice-2", "croupier", "bot".into(), "easebot#demo".parse().unwrap(), ".");
        let mut problems = Problems::new();
        let plugin = PluginTable::parse(text, &mut problems)
            .and_then(|table| KINDS[0].build(table, &env, &mut problems));
        (plugin, problems.into_iter().collect())
    }

    #[test]
    fn a_row_describes_and_builds_its_kind() {
        assert_eq!((KINDS[0].kind(), KINDS[0].about()), ("dice", "throws dice"));
        assert_eq!(KINDS[0].type_name(), "easebot_plugin::kind::tests::Dice");
        let schema = KINDS[0].schema(&mut SchemaGenerator::default());
        assert_eq!(
            schema.pointer("/properties/sides/description").unwrap(),
            "How many sides it has."
        );
        let (plugin, problems) = build("sides = 6");
        assert_eq!(plugin.unwrap().name(), "dice-2");
        assert_eq!(problems, []);
    }

    #[test]
    fn a_problem_of_a_value_points_at_it() {
        let (plugin, problems) = build("sides = 0");
        assert!(plugin.is_none(), "an error refuses the plugin even if build returned one");
        assert_eq!(
            problems,
            [Problem::error(Some((8..9).into()), "a die has sides").hint("try 6")]
        );
        let (plugin, problems) = build("sides = 1");
        assert!(plugin.is_some(), "a notice refuses nothing");
        assert_eq!(problems, [Problem::notice(Some((8..9).into()), "it always shows the same")]);
    }

    #[test]
    fn what_serde_refuses_is_a_problem_with_a_place() {
        let (plugin, problems) = build("sides = 'six'");
        assert!(plugin.is_none());
        let [problem] = &problems[..] else { panic!("{problems:?}") };
        assert_eq!(problem.span, Some((8..13).into()));
        assert_eq!(problem.message, "invalid type: string \"six\", expected u32");
    }

    #[test]
    fn what_is_no_toml_is_a_problem_with_a_place() {
        let (plugin, problems) = build("sides 6");
        assert!(plugin.is_none());
        let expected = "key with no value, expected `=`";
        assert_eq!(problems, [Problem::error(Some((6..6).into()), expected)]);
    }

    #[test]
    fn a_secret_stands_in_the_file_for_servers_on_this_machine_alone() {
        let mut env = BuildEnv::new("p", "b", "u".into(), "easebot#demo".parse().unwrap(), ".");
        let mut problems = Problems::new();
        let plain = At::new(SecretSource::Plain("s".into()), (0..3).into());
        let named = At::nowhere(SecretSource::Env { name: "S".to_owned() });
        assert!(env.check_secret(&named, &mut problems) && problems.is_empty());
        assert!(!env.check_secret(&plain, &mut problems));
        assert_eq!(problems.iter().next().unwrap().span, Some((0..3).into()));
        env.takes_plain_secrets = true;
        assert!(env.check_secret(&plain, &mut problems) && problems.len() == 1);
    }

    #[test]
    fn a_refusal_without_a_reason_is_reported_as_one() {
        let (plugin, problems) = build("sides = 13");
        assert!(plugin.is_none());
        assert_eq!(problems.len(), 1);
    }
}

//! The program as its author and its user see it.

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use easebot_config::check_kinds;
use easebot_plugin::PluginKind;
use easebot_store::Shelf;

use crate::{
    WRONG_CONFIG, archive,
    args::{Args, Command},
    check, dev, emulator, explain, hooks, init,
    log::{self, Filter},
    plugins::{self, BUILT_IN},
    run, send, shelf, speech, test, usage,
};

/// A program with the whole command line of `easebot`, and the plugin kinds that its `bots.toml` can name: the built-in ones,
/// and those of [`kinds`](Self::kinds).
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `main`"]
pub struct Program {
    name: &'static str,
    version: &'static str,
    about: &'static str,
    kinds: Vec<PluginKind>,
}

/// What a program is that does not say so.
const ABOUT: &str = "Bots for Easemob IM (环信) and Agora Chat.";

impl Program {
    /// The program that is called `name` by whoever types it, in the version `version`:
    /// `Program::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))`. Help, version, manual page, completions and hints
    /// name it so; usage lines name the file that was started.
    pub fn new(name: &'static str, version: &'static str) -> Self {
        Self { name, version, about: ABOUT, kinds: BUILT_IN.to_vec() }
    }

    /// What it is, in one line at the top of its help. By default what `easebot` says of itself.
    pub fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    /// More plugin kinds, behind those that it has: a configuration can name them, and they are in `plugins`, `schema` and
    /// `reference`. One whose name is taken, or that has a key which every plugin has, is told by [`main`](Self::main).
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = PluginKind>) -> Self {
        self.kinds.extend(kinds);
        self
    }

    /// All of `main`: reads the command line and the environment, installs a log on stderr and a Ctrl-C that ends politely, and
    /// does what was asked for. Data goes to stdout, speech to stderr.
    ///
    /// The code is 0 if it was done, 1 if it failed, and 2 if usage or configuration are wrong, or the table of plugin kinds,
    /// of which everything is told before anything else is done. A wrong command line, `--help` and `--version` end the
    /// process here, as they do everywhere.
    #[must_use = "it is the exit code of the process"]
    pub fn main(self) -> ExitCode {
        let errors = check_kinds(&self.kinds);
        if !errors.is_empty() {
            errors.iter().for_each(speech::error);
            return ExitCode::from(WRONG_CONFIG);
        }
        self.obey(&self.command().get_matches())
    }

    fn obey(&self, matches: &ArgMatches) -> ExitCode {
        let args = match Args::from_arg_matches(matches) {
            Ok(args) => args,
            Err(error) => error.format(&mut self.command()).exit(),
        };
        // What goes wrong is shown in their result.
        let tells_itself = matches!(args.command, Some(Command::Send(_) | Command::Test(_)));
        let is_quiet = tells_itself && args.verbose == 0;
        let filter = args.log.or_else(|| is_quiet.then(Filter::errors));
        log::start(args.log_format, filter, args.verbose, &self.crates());
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let error = anyhow::Error::new(error).context("cannot start the async runtime");
                return speech::failed(&error, self);
            }
        };
        let result = runtime.block_on(self.carry_out(args.command.unwrap_or_default()));
        // A prompt that waits for a line in a thread of its own must not keep the process.
        runtime.shutdown_background();
        result.unwrap_or_else(|error| speech::failed(&error, self))
    }

    async fn carry_out(&self, command: Command) -> anyhow::Result<ExitCode> {
        match command {
            Command::Archive(args) => archive::archive(self, &args.command),
            Command::Check(args) => check::check(self, &args),
            Command::Completions(args) => usage::completions(self, &args),
            Command::Dev(args) => dev::dev(self, args).await,
            Command::Emulator(args) => emulator::emulator(args).await,
            Command::Explain(args) => explain::explain(self, &args),
            Command::Hooks(args) => hooks::hooks(self, &args.command).await,
            Command::Inbox(args) => shelf::shelf(self, Shelf::Inbox, &args.command).await,
            Command::Init(args) => init::init(self, &args),
            Command::Man => usage::manual(self),
            Command::Outbox(args) => shelf::shelf(self, Shelf::Outbox, &args.command).await,
            Command::Plugins => plugins::plugins(self),
            Command::Reference => plugins::reference(self),
            Command::Run(args) => run::run(self, &args).await,
            Command::Schema => plugins::schema(self),
            Command::Send(args) => send::send(self, args).await,
            Command::Test(args) => test::test(self, args).await,
        }
    }

    /// The command line, with the names of this program in it.
    pub(crate) fn command(&self) -> clap::Command {
        let (about, without) = (self.about, "Without a command it does what `easebot dev` does.");
        let command = Args::command().name(self.name).version(self.version);
        // In a list there is no full stop.
        let command = command.about(about.trim_end_matches('.'));
        command.long_about(format!("{about}\n\n{}", self.in_its_words(without)))
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// The plugin kinds that a configuration can name.
    pub(crate) fn plugin_kinds(&self) -> &[PluginKind] {
        &self.kinds
    }

    /// A text of ours that tells to type `easebot …`, with the name of this program.
    pub(crate) fn in_its_words(&self, text: &str) -> String {
        text.replace("`easebot ", &format!("`{} ", self.name))
    }

    /// The crates that its plugin kinds are written in, as the targets of their log lines begin.
    fn crates(&self) -> Vec<&'static str> {
        let mut crates: Vec<_> =
            self.kinds.iter().filter_map(|kind| kind.type_name().split("::").next()).collect();
        crates.sort_unstable();
        crates.dedup();
        crates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_kinds_can_stand_beside_each_other() {
        assert_eq!(check_kinds(Program::new("easebot", "1.0.0").plugin_kinds()), []);
    }

    #[test]
    fn a_kind_whose_name_is_taken_ends_the_program_before_it_reads_its_command_line() {
        let twice = Program::new("thanks", "1.0.0").kinds(BUILT_IN.first().copied());
        let errors = check_kinds(twice.plugin_kinds());
        let said = errors.first().map(ToString::to_string).unwrap();
        let archive = "easebot_plugin_archive::plugin::Archive";
        let expected = format!(
            "two plugin kinds are called `archive`: that of `{archive}` and that of `{archive}`"
        );
        assert_eq!(said, expected);
        // The command line is that of the test, which it would not understand.
        assert_eq!(twice.main(), ExitCode::from(WRONG_CONFIG));
    }

    #[test]
    fn help_version_and_hints_name_the_program() {
        let program = Program::new("thanks", "1.2.3").about("Says thanks.");
        let mut command = program.command();
        assert_eq!(command.render_version(), "thanks 1.2.3\n");
        let help = command.render_long_help().to_string();
        assert!(
            help.starts_with("Says thanks.\n\nWithout a command it does what `thanks dev` does.\n"),
            "{help}"
        );
        assert_eq!(program.in_its_words("`easebot run` of Easebot"), "`thanks run` of Easebot");
    }

    #[test]
    fn the_log_knows_the_crates_of_all_kinds() {
        let crates = Program::new("easebot", "1.0.0").crates();
        assert!(crates.contains(&"easebot_plugin_webhook_in") && crates.is_sorted(), "{crates:?}");
    }
}

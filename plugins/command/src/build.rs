//! From the keys to the plugin, or to what is wrong with them.

use std::collections::HashMap;

use easebot_command::folded;
use easebot_plugin::{
    At, BotInfo, BuildEnv, Configured, Problem, Problems, Span, Templates, Values,
};
use easebot_role::command::CommandSet;
use jiff::tz::TimeZone;

use crate::{
    allow::read_user,
    entry::{Entry, Making},
    keys::{CommandKeys, Recall},
    plugin::{Command, HELP},
    said::Said,
    undo::LastAnswers,
};

impl Configured for Command {
    const KIND: &'static str = "command";
    const ABOUT: &'static str = "Answers commands such as `/ping`, and lists them with `/help`.";
    type Config = CommandKeys;

    fn build(keys: CommandKeys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        for prefix in keys.prefix.iter() {
            if prefix.is_empty() || prefix.contains(char::is_whitespace) {
                let message = "the prefix must not be empty and have no white space in it";
                problems.push(Problem::error(prefix.span(), message));
            }
        }
        if keys.prefix.is_empty() {
            problems.push(Problem::error(None, "there is no prefix"));
        }
        if keys.command.is_empty() {
            problems.push(
                Problem::error(None, "there are no commands")
                    .hint("add a `[[bot.plugin.command]]`"),
            );
        }
        for user in keys.lists.values().flatten() {
            read_user(user, problems);
        }
        let zone = TimeZone::get(&keys.time_zone).unwrap_or_else(|_| {
            let problem =
                Problem::error(keys.time_zone.span(), "there is no time zone of this name");
            problems.push(problem.hint("such as `Asia/Shanghai` or `UTC`"));
            TimeZone::UTC
        });
        let bot =
            BotInfo { name: env.bot.clone(), user: env.user.clone(), app_key: env.app_key.clone() };
        let mut templates = Templates::new().with_open_conditions();
        let said = [
            (Said::Suggestion, keys.suggestion),
            (Said::Wrong, keys.wrong),
            (Said::Denied, keys.denied),
            (Said::Cooling, keys.cooling),
            (Said::Failed, keys.failed),
        ]
        .into_iter()
        .map(|(said, source)| {
            let usual = || At::nowhere(said.usual(keys.language).to_owned());
            (said, source.unwrap_or_else(usual))
        })
        .filter(|(_, source)| !source.trim().is_empty())
        .map(|(said, source)| {
            let sample = said
                .variables()
                .iter()
                .fold(Values::sample(&bot), |values, name| values.text(*name, ""));
            templates.add(said.template(), &source, &sample, problems);
            said
        })
        .collect();
        let mut names = Names::default();
        let (mut entries, mut commands) = (Vec::new(), Vec::new());
        for entry in keys.command {
            names.add(&entry.name, entries.len(), problems);
            for alias in entry.aliases.iter().flat_map(|aliases| aliases.iter()) {
                names.add(alias, entries.len(), problems);
            }
            let (bot, lists) = (&bot, &keys.lists);
            let mut making = Making {
                env,
                bot,
                lists,
                zone: &zone,
                templates: &mut templates,
                problems: &mut *problems,
            };
            let (entry, declared) = Entry::build(entry, entries.len(), &mut making);
            entries.push(entry);
            commands.push(declared);
        }
        // What is wrong with names and arguments is known already, each with its place.
        if problems.has_errors() {
            return None;
        }
        let prefixes = keys.prefix.iter().map(|prefix| prefix.to_string());
        let set = CommandSet::of(prefixes, commands)
            .map_err(|error| problems.push(Problem::error(None, easebot_model::chain(&error))))
            .ok()?
            .telling_denied();
        Some(Self {
            name: env.plugin.clone(),
            folder: env.folder.clone(),
            shows_typing: keys.typing,
            language: keys.language,
            help: keys.help.unwrap_or_else(|| {
                keys.language.pick("lists the commands", "列出所有命令").to_owned()
            }),
            has_help: !names.0.contains_key(HELP),
            said,
            undoes: entries.iter().any(|entry| entry.recall == Some(Recall::Last)),
            entries,
            set,
            templates,
            zone,
            last: LastAnswers::default(),
        })
    }
}

/// Each name in lower case, with its entry and its place.
#[derive(Default)]
struct Names(HashMap<String, (usize, Option<Span>)>);

impl Names {
    fn add(&mut self, name: &At<String>, entry: usize, problems: &mut Problems) {
        if name.is_empty() || name.contains(['@', '＠']) || name.contains(char::is_whitespace) {
            let message =
                "a command's name must not be empty and have no `@` and no white space in it";
            problems.push(Problem::error(name.span(), message));
            return;
        }
        if let Some((_, first)) = self.0.get(&folded(name)) {
            let message = format!("the name `{}` is taken already", name.as_str());
            problems.push(
                Problem::error(name.span(), message)
                    .related(*first, "first used")
                    .hint("upper and lower case are the same"),
            );
            return;
        }
        self.0.insert(folded(name), (entry, name.span()));
    }
}

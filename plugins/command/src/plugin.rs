//! The plugin itself.

use std::collections::HashMap;

use async_trait::async_trait;
use easebot_model::{ConversationKind, Draft, Event, Ext, Message};
use easebot_plugin::{
    At, BotInfo, BuildEnv, Configured, Context, Flow, Interest, Plugin, PluginError, Problem,
    Problems, RenderError, Span, Templates, Values, nearest,
};

use crate::{
    call::Call,
    keys::{CommandKeys, EntryKeys},
};

/// Answers commands.
#[derive(Debug)]
pub struct Command {
    name: String,
    prefix: String,
    shows_typing: bool,
    /// What the generated `help` says about itself; none if the file has a command of that name.
    help: Option<String>,
    suggests: bool,
    entries: Vec<Entry>,
    /// Entries by each of their names, in lower case.
    by_name: HashMap<String, usize>,
    templates: Templates,
}

#[derive(Debug)]
struct Entry {
    /// As it stands in the file; also the name of its template.
    name: String,
    aliases: Vec<String>,
    help: String,
    ext: Ext,
    is_hidden: bool,
}

/// Name of the generated command.
const HELP: &str = "help";
/// Name of the template of suggestions. No command is called so, because of the space.
const SUGGESTION: &str = "the suggestion";

#[async_trait]
impl Plugin for Command {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let Some(message) = event.as_message() else { return Ok(Flow::Continue) };
        let call = Call::parse(message.text(), &self.prefix).filter(|call| is_for(call, cx.bot()));
        let Some(call) = call else { return Ok(Flow::Continue) };
        let Some(draft) = self.answer(&call, message, cx.bot())? else { return Ok(Flow::Continue) };
        if draft.body.as_text().is_some_and(|text| !text.trim().is_empty()) {
            if self.shows_typing && message.conversation.kind() != ConversationKind::Room {
                cx.show_typing();
            }
            cx.reply(draft).await?;
        }
        Ok(Flow::Stop)
    }
}

/// Whether a call is for this bot: it names nobody, or this one by its user name or its name in the configuration.
fn is_for(call: &Call<'_>, bot: &BotInfo) -> bool {
    call.bot.is_none_or(|name| {
        name.eq_ignore_ascii_case(bot.user.as_str()) || name.eq_ignore_ascii_case(&bot.name)
    })
}

impl Command {
    /// What to say to `call`. None if it is no command of this plugin, but perhaps one of another bot.
    fn answer(
        &self,
        call: &Call<'_>,
        message: &Message,
        bot: &BotInfo,
    ) -> Result<Option<Draft>, RenderError> {
        let name = call.name.to_lowercase();
        if let Some(entry) = self.entry(&name) {
            let args = call.args();
            let values = Values::of(message, bot)
                .list("args", args.iter().map(String::as_str))
                .text("rest", call.rest);
            let text = self.templates.render(&entry.name, &values)?;
            return Ok(Some(Draft { ext: entry.ext.clone(), ..Draft::new(text) }));
        }
        if let Some(about) = self.help.as_deref().filter(|_| name == HELP) {
            return Ok(Some(Draft::new(self.help_text(about, call.rest))));
        }
        let Some(close) = nearest(&name, self.visible_names()).filter(|_| self.suggests) else {
            return Ok(None);
        };
        let values = Values::of(message, bot)
            .text("name", &format!("{}{}", self.prefix, call.name))
            .text("nearest", &format!("{}{close}", self.prefix));
        let text = self.templates.render(SUGGESTION, &values)?;
        Ok(Some(Draft::new(text)))
    }

    fn entry(&self, lower_name: &str) -> Option<&Entry> {
        self.entries.get(*self.by_name.get(lower_name)?)
    }

    fn visible(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.is_hidden)
    }

    fn visible_names(&self) -> impl Iterator<Item = &str> {
        let names =
            self.visible().flat_map(|entry| std::iter::once(&entry.name).chain(&entry.aliases));
        names.map(String::as_str).chain(self.help.iter().map(|_| HELP))
    }

    /// The list of commands, or one of them with its aliases if `wanted` names it.
    fn help_text(&self, about: &str, wanted: &str) -> String {
        let wanted = wanted.strip_prefix(&self.prefix).unwrap_or(wanted).to_lowercase();
        if let Some(entry) = self.entry(&wanted).filter(|entry| !entry.is_hidden) {
            let names = std::iter::once(&entry.name).chain(&entry.aliases);
            let names: Vec<String> = names.map(|name| format!("{}{name}", self.prefix)).collect();
            return line(&names.join(", "), &entry.help);
        }
        let mut lines: Vec<String> = self
            .visible()
            .map(|entry| line(&format!("{}{}", self.prefix, entry.name), &entry.help))
            .collect();
        lines.push(line(&format!("{}{HELP}", self.prefix), about));
        lines.join("\n")
    }
}

fn line(name: &str, about: &str) -> String {
    if about.is_empty() { name.to_owned() } else { format!("{name} – {about}") }
}

impl Configured for Command {
    const KIND: &'static str = "command";
    const ABOUT: &'static str = "Answers commands such as `/ping`, and lists them with `/help`.";
    type Config = CommandKeys;

    fn build(keys: CommandKeys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        if keys.prefix.is_empty() || keys.prefix.contains(char::is_whitespace) {
            let message = "the prefix must not be empty and have no white space in it";
            problems.push(Problem::error(keys.prefix.span(), message));
        }
        if keys.command.is_empty() {
            problems.push(
                Problem::error(None, "there are no commands")
                    .hint("add a `[[bot.plugin.command]]`"),
            );
        }
        let bot =
            BotInfo { name: env.bot.clone(), user: env.user.clone(), app_key: env.app_key.clone() };
        let mut templates = Templates::new();
        let suggests = !keys.suggestion.trim().is_empty();
        if suggests {
            let sample = Values::sample(&bot).text("name", "").text("nearest", "");
            templates.add(SUGGESTION, &keys.suggestion, &sample, problems);
        }
        let mut names = Names::default();
        let mut entries = Vec::new();
        for entry in keys.command {
            let entry = entry.into_inner();
            names.add(&entry.name, entries.len(), problems);
            for alias in entry.aliases.iter().flat_map(|aliases| aliases.iter()) {
                names.add(alias, entries.len(), problems);
            }
            entries.push(build_entry(entry, &bot, &mut templates, problems));
        }
        let by_name: HashMap<_, _> =
            names.0.into_iter().map(|(name, (entry, _))| (name, entry)).collect();
        Some(Self {
            name: env.plugin.clone(),
            prefix: keys.prefix.into_inner(),
            shows_typing: keys.typing,
            help: (!by_name.contains_key(HELP)).then_some(keys.help),
            suggests,
            entries,
            by_name,
            templates,
        })
    }
}

fn build_entry(
    keys: EntryKeys,
    bot: &BotInfo,
    templates: &mut Templates,
    problems: &mut Problems,
) -> Entry {
    let sample = Values::sample(bot).list("args", []).text("rest", "");
    templates.add(&keys.name, &keys.reply, &sample, problems);
    Entry {
        name: keys.name.into_inner(),
        aliases: keys
            .aliases
            .iter()
            .flat_map(|aliases| aliases.iter().map(|alias| alias.to_string()))
            .collect(),
        help: keys.help,
        ext: keys.ext.into_iter().collect(),
        is_hidden: keys.hidden,
    }
}

/// Each name in lower case, with its entry and its place.
#[derive(Default)]
struct Names(HashMap<String, (usize, Option<Span>)>);

impl Names {
    fn add(&mut self, name: &At<String>, entry: usize, problems: &mut Problems) {
        if name.is_empty() || name.contains('@') || name.contains(char::is_whitespace) {
            let message =
                "a command's name must not be empty and have no `@` and no white space in it";
            problems.push(Problem::error(name.span(), message));
            return;
        }
        if let Some((_, first)) = self.0.get(&name.to_lowercase()) {
            let message = format!("the name `{}` is taken already", name.as_str());
            problems.push(
                Problem::error(name.span(), message)
                    .related(*first, "first used")
                    .hint("upper and lower case are the same"),
            );
            return;
        }
        self.0.insert(name.to_lowercase(), (entry, name.span()));
    }
}

#[cfg(test)]
mod tests;

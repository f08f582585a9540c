//! Help, and what a slip of the keyboard may have meant: both show what whoever asks may use.

use easebot_plugin::{Flow, PluginError, Values, nearest};

use crate::{
    entry::Entry,
    plugin::{Asked, Command, HELP},
};

impl Command {
    /// What help shows to whoever asks. While roles cannot be looked up, what needs one is not shown.
    pub(crate) async fn visible(&self, asked: Asked<'_>) -> Vec<&Entry> {
        let mut visible = Vec::new();
        for entry in
            self.entries.iter().filter(|entry| !entry.is_hidden && entry.is_in(asked.message))
        {
            if self.may(entry, asked).await.unwrap_or(false) {
                visible.push(entry);
            }
        }
        visible
    }

    pub(crate) async fn suggest(&self, asked: Asked<'_>) -> Result<Flow, PluginError> {
        let Asked { call, message, cx } = asked;
        let all = self.entries.iter().filter(|entry| !entry.is_hidden && entry.is_in(message));
        // Nobody's role is looked up for a word that is no slip of anything.
        if self.nearest(call.name, all).is_none() {
            return Ok(Flow::Continue);
        }
        let visible = self.visible(asked).await;
        let Some(close) = self.nearest(call.name, visible) else { return Ok(Flow::Continue) };
        let answer = self.suggestion(&call, &close, Values::of(message, cx.bot()))?;
        let Some(answer) = answer else { return Ok(Flow::Continue) };
        self.say(answer.into(), asked).await?;
        Ok(Flow::Stop)
    }

    /// The name that `name` is a slip of, among those of `entries` and the generated one.
    pub(crate) fn nearest<'a>(
        &'a self,
        name: &str,
        entries: impl IntoIterator<Item = &'a Entry>,
    ) -> Option<String> {
        let names = entries.into_iter().flat_map(Entry::names);
        nearest(name, names.chain(self.help.iter().map(|_| HELP))).map(str::to_owned)
    }

    /// The list of commands, or all about the one that `wanted` names.
    pub(crate) fn help_text(&self, prefix: &str, wanted: &str, visible: &[&Entry]) -> String {
        let wanted = wanted.strip_prefix(prefix).unwrap_or(wanted).to_lowercase();
        let is_wanted = |entry: &&&Entry| entry.names().any(|name| name.to_lowercase() == wanted);
        if let Some(entry) = visible.iter().find(is_wanted) {
            return entry.help_text(prefix);
        }
        let mut lines: Vec<String> = visible
            .iter()
            .map(|entry| line(&format!("{prefix}{}", entry.name), &entry.help))
            .collect();
        lines.extend(self.help.iter().map(|about| line(&format!("{prefix}{HELP}"), about)));
        lines.join("\n")
    }
}

impl Entry {
    /// Its names, its usage, and a line for each argument.
    fn help_text(&self, prefix: &str) -> String {
        let names: Vec<String> = self.names().map(|name| format!("{prefix}{name}")).collect();
        let mut text = line(&names.join(", "), &self.help);
        if let Some(syntax) = self.syntax.as_ref().filter(|syntax| !syntax.args().is_empty()) {
            text.push_str(&format!("\nusage: {prefix}{} {}", self.name, syntax.usage()));
            for argument in syntax.describe() {
                text.push_str("\n  ");
                text.push_str(&argument);
            }
        }
        text
    }
}

fn line(name: &str, about: &str) -> String {
    if about.is_empty() { name.to_owned() } else { format!("{name} – {about}") }
}

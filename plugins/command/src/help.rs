//! Help, as the plugin writes it.

use easebot_command::folded;
use easebot_plugin::Language;
use easebot_role::command::Declared;

use crate::{
    entry::Picked,
    language::described,
    plugin::{Command, HELP},
};

impl Command {
    /// The list of commands, or all about the one that `wanted` names, folded.
    pub(crate) fn help_text(
        &self,
        prefix: &str,
        wanted: &str,
        visible: &[&Declared<Picked>],
    ) -> String {
        let is_wanted =
            |command: &&&Declared<Picked>| command.names().any(|name| folded(name) == wanted);
        if let Some(command) = visible.iter().find(is_wanted) {
            return about(command, prefix, self.language);
        }
        let mut lines: Vec<String> = visible
            .iter()
            .map(|command| line(&format!("{prefix}{}", command.name), &command.about))
            .collect();
        if self.has_help {
            lines.push(line(&format!("{prefix}{HELP}"), &self.help));
        }
        lines.join("\n")
    }
}

/// Its names, its usage, and a line for each argument.
fn about(command: &Declared<Picked>, prefix: &str, language: Language) -> String {
    let names: Vec<String> = command.names().map(|name| format!("{prefix}{name}")).collect();
    let mut text = line(&names.join(", "), &command.about);
    if let Some(syntax) = command.syntax().filter(|syntax| !syntax.args().is_empty()) {
        let usage = language.pick("usage: ", "用法：");
        text.push_str(&format!("\n{usage}{prefix}{} {}", command.name, syntax.usage()));
        let arguments: Vec<String> = match language {
            Language::Zh => syntax.args().iter().map(described).collect(),
            _ => syntax.describe().collect(),
        };
        for argument in arguments {
            text.push_str("\n  ");
            text.push_str(&argument);
        }
    }
    text
}

fn line(name: &str, about: &str) -> String {
    if about.is_empty() { name.to_owned() } else { format!("{name} – {about}") }
}

//! What the plugin would do with a message, for the operator.

use easebot_command::Call;
use easebot_model::{Event, Message};
use easebot_plugin::{BotInfo, Explanation, Plugin, Values, Verdict};

use crate::{
    allow::Permission,
    entry::Entry,
    plugin::{Command, named},
    said::Said,
};

impl Command {
    pub(crate) fn explanation(&self, event: &Event, bot: &BotInfo) -> Explanation {
        if let Some(reason) = self.interest().refuses(event, &bot.user) {
            return Explanation::leaves(reason);
        }
        let Some(message) = event.as_message() else {
            return Explanation::leaves("it only hears of who runs the group");
        };
        let Some(any) = Call::parse(message.text(), &self.prefixes) else {
            let prefixes = self.prefixes.join("` or `");
            return Explanation::leaves(format!(
                "the text does not begin with `{prefixes}` and a name"
            ));
        };
        let Some(call) = self.call(message, bot) else {
            let other = any.bot.unwrap_or_default();
            return Explanation::leaves(format!("the command is for the bot `{other}`"));
        };
        let name = named(&call);
        if let Some((_, entry)) = self.find(&call, message) {
            return self.explain_entry(entry, &call, message, bot);
        }
        if self.is_help(&call) {
            return self.explain_help(&call, message);
        }
        if let Some(entry) = self.by_name.get(&call.name.to_lowercase()) {
            let reason = format!("`in` leaves {} out", message.conversation);
            let explained =
                Explanation::leaves(format!("there is no {name} in {}", message.conversation));
            return match self.entries.get(*entry) {
                Some(entry) => explained.rule(
                    format!("{}{}", call.prefix, entry.name),
                    Verdict::Leaves,
                    reason,
                ),
                None => explained,
            };
        }
        let visible = self.entries.iter().filter(|entry| !entry.is_hidden && entry.is_in(message));
        let visible = visible.filter(|entry| self.permission(entry, message) != Permission::No);
        let close = self.nearest(call.name, visible);
        let none = format!("there is no command {name}");
        match close {
            Some(close) => match self.suggestion(&call, &close, Values::of(message, bot)) {
                Ok(Some(text)) => {
                    Explanation::takes(format!("{none}, but {}{close} is close", call.prefix))
                        .says(text)
                }
                Ok(None) | Err(_) => Explanation::leaves(none),
            },
            None => Explanation::leaves(none),
        }
    }

    fn permission(&self, entry: &Entry, message: &Message) -> Permission {
        let allow = entry.allow.as_ref();
        allow.map_or(Permission::Yes, |allow| allow.permits(&message.from, &message.conversation))
    }

    fn explain_help(&self, call: &Call<'_>, message: &Message) -> Explanation {
        let mut explained = Explanation::takes(format!("{} is the generated help", named(call)));
        let mut visible = Vec::new();
        for entry in self.entries.iter().filter(|entry| !entry.is_hidden && entry.is_in(message)) {
            match self.permission(entry, message) {
                Permission::No => {}
                Permission::Roles { .. } => {
                    let what =
                        format!("{}{} is listed for {}", call.prefix, entry.name, runs(message));
                    explained = explained.depends_on(what);
                }
                Permission::Yes => visible.push(entry),
            }
        }
        explained.says(self.help_text(call.prefix, call.rest, &visible))
    }

    fn explain_entry(
        &self,
        entry: &Entry,
        call: &Call<'_>,
        message: &Message,
        bot: &BotInfo,
    ) -> Explanation {
        let (name, from) = (named(call), &message.from);
        let rule = format!("{}{}", call.prefix, entry.name);
        let values = || Values::of(message, bot);
        let permission = self.permission(entry, message);
        if permission == Permission::No {
            let reason = format!("`allow` does not name {from}");
            if entry.is_hidden {
                let explained =
                    Explanation::leaves(format!("{from} may not use {name}, which is hidden"));
                return explained.rule(rule, Verdict::Leaves, reason);
            }
            let explained = Explanation::takes(format!("{from} may not use {name}"));
            let denied = self.render(Said::Denied, &values().text("name", &name));
            return says(explained.rule(rule, Verdict::Leaves, reason), denied.ok().flatten());
        }
        let values = match self.values(entry, call, values(), message.time) {
            Ok(values) => values,
            Err(error) => {
                let wrong = self.wrong(entry, call, message, &error, values());
                let explained =
                    Explanation::takes(format!("the arguments of {name} do not fit: {error}"));
                return says(
                    explained.rule(rule, Verdict::Leaves, error.to_string()),
                    wrong.ok().flatten(),
                );
            }
        };
        let reason = if rule == name {
            "it has this name".to_owned()
        } else {
            format!("{name} is another name of it")
        };
        let mut explained = Explanation::takes(format!("the text is the command {rule}")).rule(
            rule,
            Verdict::Takes,
            reason,
        );
        if let Permission::Roles { .. } = permission {
            explained = explained.depends_on(format!("{from} is {}", runs(message)));
        }
        for (secs, who) in [
            (entry.cooldown.user.as_secs(), from.to_string()),
            (entry.cooldown.conversation.as_secs(), format!("nobody in {}", message.conversation)),
        ] {
            if secs > 0 {
                let has = if who.starts_with("nobody") { "has" } else { "has not" };
                explained =
                    explained.depends_on(format!("{who} {has} used {name} in the last {secs} s"));
            }
        }
        self.explain_acts(entry, explained, &values)
    }

    fn explain_acts(&self, entry: &Entry, explained: Explanation, values: &Values) -> Explanation {
        let mut explained = explained;
        if entry.http.is_some() {
            explained = explained.depends_on("the server that it calls answers");
        }
        let text = |name: &str| {
            let text = entry.http.is_none().then(|| self.templates.render(name, values).ok());
            text.flatten().map(|text| text.trim().to_owned())
        };
        if entry.recall.is_some() {
            explained = explained.says("(takes a message back)");
        }
        if entry.replies {
            let reply =
                text(&entry.name).unwrap_or_else(|| "(a text with what comes back)".to_owned());
            explained = says(explained, Some(reply).filter(|text| !text.is_empty()));
        }
        for path in entry.image.iter().chain(&entry.file) {
            explained = explained.says(format!("({})", path.display()));
        }
        if let Some(to) = &entry.forward {
            let said = text(&entry.forward_name())
                .unwrap_or_else(|| "(a text with what comes back)".to_owned());
            explained = explained.says(format!("(in {to}) {said}"));
        }
        explained
    }
}

fn runs(message: &Message) -> String {
    format!("the owner or an admin of {}, as `allow` says", message.conversation)
}

fn says(explained: Explanation, text: Option<String>) -> Explanation {
    match text {
        Some(text) => explained.says(text),
        None => explained,
    }
}

//! What a set of commands would do with a message, for the operator.

use std::time::Duration;

use easebot_command::{Args, Call};
use easebot_model::{Event, Message};
use easebot_plugin::{BotInfo, Explanation, Verdict};

use super::{CommandBot, CommandSet, Declared, Permission, Told};

pub(super) fn explain<B: CommandBot + ?Sized>(it: &B, event: &Event, bot: &BotInfo) -> Explanation {
    let set = it.commands();
    if let Some(reason) = it.interest().refuses(event, &bot.user) {
        return Explanation::leaves(reason);
    }
    let Some(message) = event.as_message() else {
        return Explanation::leaves("it only hears of who runs the group");
    };
    let Some(any) = Call::parse(message.text(), &set.prefixes) else {
        let prefixes = set.prefixes.join("` or `");
        return Explanation::leaves(format!(
            "the text does not begin with `{prefixes}` and a name"
        ));
    };
    let Some(call) = set.call(message, bot) else {
        let other = any.bot.unwrap_or_default();
        return Explanation::leaves(format!("the command is for the bot `{other}`"));
    };
    let asks = Asks { it, set, call: &call, message, bot };
    if let Some((_, command)) = set.find(&call, message) {
        return asks.command(command);
    }
    if set.is_help(&call) {
        return asks.help();
    }
    if let Some(command) = set.find_anywhere(&call) {
        let reason = format!("`in` leaves {} out", message.conversation);
        let name = named(&call);
        let explained =
            Explanation::leaves(format!("there is no {name} in {}", message.conversation));
        let rule = format!("{}{}", call.prefix, command.name);
        return explained.rule(rule, Verdict::Leaves, reason);
    }
    asks.nothing()
}

/// The command as it was written, with the prefix.
fn named(call: &Call<'_>) -> String {
    format!("{}{}", call.prefix, call.name)
}

fn says(explained: Explanation, text: Option<String>) -> Explanation {
    match text {
        Some(text) => explained.says(text),
        None => explained,
    }
}

/// What is asked, and whom.
struct Asks<'a, B: CommandBot + ?Sized> {
    it: &'a B,
    set: &'a CommandSet<B::Command>,
    call: &'a Call<'a>,
    message: &'a Message,
    bot: &'a BotInfo,
}

impl<B: CommandBot + ?Sized> Asks<'_, B> {
    fn permission(&self, command: &Declared<B::Command>) -> Permission {
        command.permits(&self.message.from, &self.message.conversation)
    }

    /// What would be said by itself, as far as it can be told.
    fn told(&self, told: &Told<'_, B::Command>) -> Option<String> {
        self.it.tell(told, self.call, self.message, self.bot).ok().flatten()
    }

    fn runs(&self) -> String {
        format!("the owner or an admin of {}, as `allow` says", self.message.conversation)
    }

    /// A call of what is not there.
    fn nothing(&self) -> Explanation {
        let visible = self.set.shown(self.message);
        let visible = visible.filter(|command| self.permission(command) != Permission::No);
        let none = format!("there is no command {}", named(self.call));
        let Some(nearest) = self.set.nearest(self.call.name, visible) else {
            return Explanation::leaves(none);
        };
        let close = format!("{none}, but {}{nearest} is close", self.call.prefix);
        match self.told(&Told::Suggestion { nearest }) {
            Some(text) => Explanation::takes(close).says(text),
            None => Explanation::leaves(none),
        }
    }

    fn help(&self) -> Explanation {
        let mut explained =
            Explanation::takes(format!("{} is the generated help", named(self.call)));
        let mut visible = Vec::new();
        for command in self.set.shown(self.message) {
            match self.permission(command) {
                Permission::No => {}
                Permission::Roles { .. } => {
                    let name = format!("{}{}", self.call.prefix, command.name);
                    let what = format!("{name} is listed for {}", self.runs());
                    explained = explained.depends_on(what);
                }
                Permission::Yes => visible.push(command),
            }
        }
        let about = self.set.help_about(self.call);
        let found = self.set.called(&about, self.message);
        let found = found.filter(|command| self.permission(command) == Permission::Yes);
        says(explained, self.told(&Told::Help { about, visible, found }))
    }

    fn command(&self, command: &Declared<B::Command>) -> Explanation {
        let (name, from) = (named(self.call), &self.message.from);
        let rule = format!("{}{}", self.call.prefix, command.name);
        let permission = self.permission(command);
        if permission == Permission::No {
            let reason = format!("`allow` does not name {from}");
            if command.is_hidden {
                let explained =
                    Explanation::leaves(format!("{from} may not use {name}, which is hidden"));
                return explained.rule(rule, Verdict::Leaves, reason);
            }
            let why = format!("{from} may not use {name}");
            if !self.set.tells_denied() {
                return Explanation::leaves(why).rule(rule, Verdict::Leaves, reason);
            }
            let explained = Explanation::takes(why).rule(rule, Verdict::Leaves, reason);
            return says(explained, self.told(&Told::Denied { command }));
        }
        let read = match command.syntax() {
            Some(syntax) => syntax.read(self.call.rest),
            None => Ok(Args::default()),
        };
        let args = match read {
            Ok(args) => args,
            Err(error) => {
                let reason = error.to_string();
                let explained =
                    Explanation::takes(format!("the arguments of {name} do not fit: {reason}"))
                        .rule(rule, Verdict::Leaves, reason);
                let wrong = Told::Wrong { command, error: Some(error) };
                return says(explained, self.told(&wrong));
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
            explained = explained.depends_on(format!("{from} is {}", self.runs()));
        }
        explained = self.cooldowns(command, explained);
        match command.make(&args) {
            Some(made) => self.it.foresee(made, self.call, self.message, self.bot, explained),
            None => explained,
        }
    }

    fn cooldowns(&self, command: &Declared<B::Command>, explained: Explanation) -> Explanation {
        let (name, from, place) =
            (named(self.call), &self.message.from, &self.message.conversation);
        let waits: [(Duration, String); 3] = [
            (command.cooldown.user, format!("{from} has not used {name}")),
            (command.cooldown.each, format!("{from} has not used {name} in {place}")),
            (command.cooldown.conversation, format!("nobody in {place} has used {name}")),
        ];
        waits.into_iter().filter(|(wait, _)| !wait.is_zero()).fold(
            explained,
            |explained, (wait, what)| {
                explained.depends_on(format!("{what} in the last {} s", wait.as_secs()))
            },
        )
    }
}

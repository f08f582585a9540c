//! `easebot explain`: which plugin would take a message, and why the others would not.

use std::{process::ExitCode, time::SystemTime};

use easebot_config::{BotConfig, Config};
use easebot_model::{Conversation, Event, Message, MessageId, Timestamp};
use easebot_plugin::{BotInfo, Explanation, Verdict, nearest};

use crate::{
    Program,
    args::ExplainArgs,
    check,
    speech::{self, Complaint},
};

/// What would happen to a message that a bot gets, in lines.
struct Account {
    lines: Vec<String>,
}

pub(crate) fn explain(program: &Program, args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let config = match check::read(program, &args.config) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let bot = find(&config, args.bot.as_deref())?;
    let message = message(args, bot);
    let others = config.bots.iter().filter(|other| {
        other.app_key == bot.app_key && other.shares_groups && other.name != bot.name
    });
    let others: Vec<_> = others.map(|other| other.name.as_str()).collect();
    let account = Account::of(bot, &Event::Message(Box::new(message)), &others);
    account.lines.iter().for_each(speech::data);
    Ok(ExitCode::SUCCESS)
}

/// The bot of this name; the first one without a name.
pub(crate) fn find<'c>(config: &'c Config, name: Option<&str>) -> anyhow::Result<&'c BotConfig> {
    let found = match name {
        Some(name) => config.bots.iter().find(|bot| bot.name == name),
        None => config.bots.first(),
    };
    found.ok_or_else(|| {
        let name = name.unwrap_or_default();
        let names: Vec<_> = config.bots.iter().map(|bot| bot.name.as_str()).collect();
        let close = nearest(name, names.iter().copied());
        let hint = match close {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("there are `{}`", names.join("`, `")),
        };
        Complaint::wrong_usage(format!("there is no bot `{name}`; {hint}")).into()
    })
}

fn message(args: &ExplainArgs, bot: &BotConfig) -> Message {
    let place = args.within.clone().unwrap_or_else(|| Conversation::User(args.user.clone()));
    let now = args.at.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    });
    let body = args.text.as_str().into();
    let mut message = Message::new(MessageId(1), place, args.user.clone(), now, body);
    if args.mention {
        message.ext.insert("em_at_list", serde_json::json!([bot.user]));
    }
    message
}

impl Account {
    fn of(bot: &BotConfig, event: &Event, others: &[&str]) -> Self {
        let info = BotInfo {
            name: bot.name.clone(),
            user: bot.user.clone(),
            app_key: bot.app_key.clone(),
        };
        let mut account = Self { lines: Vec::new() };
        let is_shared = !matches!(event.conversation(), Some(Conversation::User(_)) | None);
        if is_shared && bot.shares_groups && !others.is_empty() {
            account.lines.push(format!(
                "{} answers if the message names it, or if it is the first one online that wants it; others of its app: {}",
                bot.name,
                others.join(", ")
            ));
        }
        let mut taker: Option<&str> = None;
        let mut is_perhaps_taken = false;
        for plugin in &bot.plugins {
            let (name, interest) = (plugin.name(), plugin.plugin.interest());
            let explanation = plugin.plugin.explain(event, &info);
            match taker {
                Some(taker) if !interest.is_observer() => {
                    account.lines.push(format!("{name} does not see it: {taker} keeps it"));
                    continue;
                }
                _ => {}
            }
            account.plugin(name, interest.is_observer(), &explanation, is_perhaps_taken);
            if interest.is_observer() {
                continue;
            }
            match explanation.verdict {
                Verdict::Takes if explanation.depends_on.is_empty() && !is_perhaps_taken => {
                    taker = Some(name);
                }
                Verdict::Leaves => {}
                _ => is_perhaps_taken = true,
            }
        }
        if bot.plugins.is_empty() {
            account.lines.push(format!("{} has no plugins", bot.name));
        } else if taker.is_none() && !is_perhaps_taken {
            account.lines.push("nobody takes it".to_owned());
        }
        account
    }

    fn plugin(&mut self, name: &str, observes: bool, explanation: &Explanation, is_late: bool) {
        let Explanation { verdict, reason, rules, says, depends_on, .. } = explanation;
        let how = match (verdict, observes) {
            (Verdict::Takes, true) => "sees it".to_owned(),
            (verdict, _) => verdict.to_string(),
        };
        let late = match (is_late, verdict) {
            (true, Verdict::Asked | Verdict::Takes) if !observes => ", if it gets there",
            _ => "",
        };
        self.lines.push(format!("{name} {how}{late}: {reason}"));
        for rule in rules {
            self.lines.push(format!("  {} {}: {}", rule.name, rule.verdict, rule.reason));
        }
        for text in says {
            self.lines.push(format!("  says: {}", text.replace('\n', "\n        ")));
        }
        for condition in depends_on {
            self.lines.push(format!("  if {condition}"));
        }
    }
}

//! What changed between two readings of a file: bot by bot, by what is written and not by what was made of it.

use std::fmt;

use toml::{Table, Value};

use crate::config::{BotConfig, Config, RuntimeConfig};

/// A bot as it was written. It may hold secrets, so it is never printed.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Written {
    /// Its own keys.
    pub(crate) keys: Table,
    /// Its plugins.
    pub(crate) plugins: Vec<Value>,
}

/// What a file said, to be compared with what it says later.
#[derive(Clone)]
pub struct Reading {
    runtime: RuntimeConfig,
    bots: Vec<(String, Written)>,
}

/// What is to be done so that the bots that run are those of a file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Difference {
    /// Keys of `[runtime]` that changed: they have no effect before the process starts again.
    pub runtime: Vec<&'static str>,
    /// The bots that are not as they were: those that are gone first, then in the order of the file.
    pub bots: Vec<BotChange>,
}

/// What became of a bot.
#[derive(Debug)]
#[non_exhaustive]
pub enum BotChange {
    /// It is new.
    Added(BotConfig),
    /// Its plugins, or options that touch neither its connection nor what is saved, changed.
    Reloaded(BotConfig),
    /// It is gone.
    Removed(String),
    /// Its account, its servers, how it talks to them, or what it saves changed.
    Restarted(BotConfig),
}

/// Keys of a bot that change in place. Any other that changes is a restart of the bot.
const IN_PLACE: &[&str] = &[
    "allow_plain_secrets",
    "delivery_receipts",
    "fill_gaps_after_hours",
    "handler_timeout_secs",
    "read_receipts",
];

impl Config {
    /// What the file said.
    #[must_use]
    pub fn reading(&self) -> Reading {
        let bots = self.bots.iter().map(|bot| (bot.name.clone(), bot.written.clone()));
        Reading { runtime: self.runtime.clone(), bots: bots.collect() }
    }
}

impl Reading {
    /// What changed from this reading to `new`. The content of other files and of the environment does not count, and
    /// neither do comments, white space and the order of bots.
    #[must_use]
    pub fn difference(&self, new: Config) -> Difference {
        let (was, is) = (&self.runtime, &new.runtime);
        let runtime = [
            ("data_dir", was.data_dir != is.data_dir),
            ("http", was.http != is.http),
            ("health_http", was.health_http != is.health_http),
            ("keep_days", was.keep != is.keep),
            ("logins_per_second", was.logins_per_second != is.logins_per_second),
            ("max_database_bytes", was.max_database_bytes != is.max_database_bytes),
        ];
        let runtime =
            runtime.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect();
        let is_gone = |name: &&String| new.bots.iter().all(|bot| bot.name != **name);
        let gone = self.bots.iter().map(|(name, _)| name).filter(is_gone);
        let mut bots: Vec<_> = gone.cloned().map(BotChange::Removed).collect();
        for bot in new.bots {
            let old = self.bots.iter().find(|(name, _)| *name == bot.name);
            match old.map(|(_, written)| written) {
                None => bots.push(BotChange::Added(bot)),
                Some(written) if *written == bot.written => {}
                Some(written) if link_keys(written) == link_keys(&bot.written) => {
                    bots.push(BotChange::Reloaded(bot));
                }
                Some(_) => bots.push(BotChange::Restarted(bot)),
            }
        }
        Difference { runtime, bots }
    }
}

impl Reading {
    /// Makes `bot` new: the next difference adds it.
    pub fn forget(&mut self, bot: &str) {
        self.bots.retain(|(name, _)| name != bot);
    }

    /// `bot` goes on as `old` has it: what it says here was not put in place. Nothing changes if one of them does not know it.
    pub fn put_back(&mut self, bot: &str, old: &Self) {
        let old = old.bots.iter().find(|(name, _)| name == bot);
        let new = self.bots.iter_mut().find(|(name, _)| name == bot);
        if let (Some((_, old)), Some((_, new))) = (old, new) {
            new.clone_from(old);
        }
    }
}

impl Difference {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runtime.is_empty() && self.bots.is_empty()
    }
}

/// The keys of a bot that touch its connection.
fn link_keys(written: &Written) -> Vec<(&String, &Value)> {
    let keys = written.keys.iter().filter(|(key, _)| !IN_PLACE.contains(&key.as_str()));
    let mut keys: Vec<_> = keys.collect();
    keys.sort_by_key(|(key, _)| *key);
    keys
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bots: Vec<_> = self.bots.iter().map(|(name, _)| name).collect();
        f.debug_struct("Reading")
            .field("runtime", &self.runtime)
            .field("bots", &bots)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A bot without plugins; `more` are further lines of it.
    fn bot(name: &str, more: &str) -> String {
        format!(
            "[[bot]]\nname = '{name}'\napp_key = 'easebot#demo'\nuser = '{name}'\npassword = {{ env = 'P' }}\n{more}\n"
        )
    }

    fn parse(text: &str) -> Config {
        Config::parse("bots.toml", text, Path::new(""), &[]).unwrap()
    }

    /// What changed, in words.
    fn changed(old: &str, new: &str) -> String {
        let Difference { runtime, bots } = parse(old).reading().difference(parse(new));
        let bots = bots.iter().map(|change| match change {
            BotChange::Added(bot) => format!("+{}", bot.name),
            BotChange::Reloaded(bot) => format!("~{}", bot.name),
            BotChange::Removed(name) => format!("-{name}"),
            BotChange::Restarted(bot) => format!("!{}", bot.name),
        });
        let runtime = runtime.into_iter().map(str::to_owned);
        runtime.chain(bots).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_file_that_says_the_same_in_other_words_changes_nothing() {
        let (a, b) = (bot("a", ""), bot("b", "read_receipts = true"));
        let other = format!("# a comment\n\n{b}{}", a.replace(" = ", "  =   "));
        assert_eq!(changed(&format!("{a}{b}"), &other), "");
    }

    #[test]
    fn bots_come_and_go() {
        let [a, b, c] = ["a", "b", "c"].map(|name| bot(name, ""));
        assert_eq!(changed(&format!("{a}{b}"), &format!("{c}{a}")), "-b +c");
    }

    #[test]
    fn what_touches_the_connection_restarts_the_bot_and_everything_else_does_not() {
        let a = bot("a", "");
        for (line, expected) in [
            ("read_receipts = true", "~a"),
            ("delivery_receipts = false", "~a"),
            ("allow_plain_secrets = true", "~a"),
            ("fill_gaps_after_hours = 5", "~a"),
            ("handler_timeout_secs = 5", "~a"),
            ("durability = 'power'", "!a"),
            ("in_doubt = 'hold'", "!a"),
            ("endpoint = 'agora'", "!a"),
            ("compression = 'lz4'", "!a"),
            ("ca_file = 'ca.pem'", "!a"),
        ] {
            assert_eq!(changed(&a, &bot("a", line)), expected, "{line}");
        }
        assert_eq!(changed(&a, &a.replace("user = 'a'", "user = 'x'")), "!a");
        assert_eq!(changed(&a, &a.replace("'P'", "'Q'")), "!a");
    }

    #[test]
    fn keys_of_the_runtime_are_named() {
        let a = bot("a", "");
        let new = format!(
            "[runtime]\ndata_dir = 'x'\nhttp = '127.0.0.1:1'\nhealth_http = '127.0.0.1:2'\nkeep_days = 9\nlogins_per_second = 7\nmax_database_bytes = 1000000000\n{a}"
        );
        let all = "data_dir http health_http keep_days logins_per_second max_database_bytes";
        assert_eq!(changed(&a, &new), all);
        assert_eq!(
            changed(&a, &format!("[runtime]\ndrain_secs = 1\n{a}")),
            "",
            "it has its effect"
        );
    }

    #[test]
    fn what_was_not_put_in_place_stays_different_and_what_is_forgotten_is_new() {
        let (old, text) = (parse(&bot("a", "")).reading(), bot("a", "read_receipts = true"));
        let mut reading = parse(&text).reading();
        reading.put_back("a", &old);
        reading.put_back("b", &old);
        let kind = |reading: &Reading| match &reading.difference(parse(&text)).bots[..] {
            [] => "same",
            [BotChange::Reloaded(_)] => "reloaded",
            [BotChange::Added(_)] => "added",
            _ => "other",
        };
        assert_eq!(kind(&reading), "reloaded");
        reading.forget("a");
        assert_eq!(kind(&reading), "added");
    }

    #[test]
    fn a_reading_does_not_show_what_is_written() {
        let a = bot("a", "").replace("{ env = 'P' }", "'hunter2'");
        let reading = parse(&a.replace("user", "endpoint = 'emulator'\nuser")).reading();
        assert!(!format!("{reading:?}").contains("hunter2"));
    }
}

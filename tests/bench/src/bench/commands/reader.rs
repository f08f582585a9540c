//! The side `reader`: one way to read a text as a command.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use anyhow::{bail, ensure};
use easebot_handler::CommandSet;
use easebot_model::Message;
use easebot_plugin::BotInfo;
use easebot_plugin_command::{Command, Picked};
use easebot_role::command::{CommandBot as _, Heard, Standing, Told};

use super::sets::{Fifty, keys, names};
use crate::bot;
use crate::console::Console;
use crate::corpus::{Corpus, Language};
use crate::cost::cost;
use crate::solo::{self, Words};

/// What a text was read as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Read {
    Command,
    Nothing,
    Suggestion,
}

/// # Errors
/// If the words are wrong, or a text is read as something else than it is.
pub(crate) fn side(words: &[String]) -> anyhow::Result<()> {
    let mut words = Words::new(words);
    let (strategy, window) = (words.text("strategy")?, words.window()?);
    match strategy {
        "configured" => {
            let plugin = bot::plugin::<Command>(&keys())?;
            let set: &CommandSet<Picked> = plugin.commands();
            measure(window, reader(set, bot::bot()?), Read::Suggestion)
        }
        "derived" => {
            let set = CommandSet::<Fifty>::new()?;
            measure(window, reader(&set, bot::bot()?), Read::Suggestion)
        }
        "first-word" => {
            let table: HashMap<String, usize> = names().into_iter().zip(0..).collect();
            measure(window, |message| first_word(&table, message), Read::Nothing)
        }
        other => bail!("`{other}` is no way to read"),
    }
}

/// What the role does with a text before the command is carried out.
fn reader<C>(set: &CommandSet<C>, bot: BotInfo) -> impl Fn(&Message) -> Read {
    move |message| {
        let Some(call) = set.call(message, &bot) else { return Read::Nothing };
        match set.hear(&call, message, &Standing::default(), bot::NOW) {
            Heard::Command(taken) => {
                black_box(&taken.command);
                Read::Command
            }
            Heard::Told(Told::Suggestion { .. }) => Read::Suggestion,
            _ => Read::Nothing,
        }
    }
}

fn first_word(table: &HashMap<String, usize>, message: &Message) -> Read {
    let name = message.text().strip_prefix('/').and_then(|text| text.split(' ').next());
    match name.and_then(|name| table.get(name)) {
        Some(command) => {
            black_box(command);
            Read::Command
        }
        None => Read::Nothing,
    }
}

fn measure(window: Duration, read: impl Fn(&Message) -> Read, slip: Read) -> anyhow::Result<()> {
    let mut corpus = Corpus::new(50);
    let talk = (0..50).map(|id| bot::message(id + 1, corpus.letters(Language::Chinese, 60)));
    let of = |messages: Vec<Message>, expected: Read| {
        for message in &messages {
            let found = read(message);
            ensure!(found == expected, "{} was read as {found:?}", message.text());
        }
        cost(window, messages.len(), |n| {
            messages.get(n).map(|message| black_box(read(black_box(message))));
            Ok(())
        })
    };
    let found = [
        ("talk", of(talk.collect(), Read::Nothing)?),
        ("command", of(calls(str::to_owned), Read::Command)?),
        ("slip", of(calls(swapped), slip)?),
    ];
    solo::tell(Console, &found)
}

/// A call of each of the fifty.
fn calls(spelt: impl Fn(&str) -> String) -> Vec<Message> {
    let calls = names().into_iter().zip(1..);
    calls.map(|(name, id)| bot::message(id, format!("/{} 订单 7", spelt(&name)))).collect()
}

/// With its second and third letter in each other's place, or with a letter more where they are the same.
fn swapped(name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    match letters.get(1..3) {
        Some([second, third]) if second != third => letters.swap(1, 2),
        _ => letters.push('x'),
    }
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sets_read_the_same_and_a_slip_is_seen() {
        let plugin = bot::plugin::<Command>(&keys()).unwrap();
        let (derived, bot) = (CommandSet::<Fifty>::new().unwrap(), bot::bot().unwrap());
        let (configured, derived) = (reader(plugin.commands(), bot.clone()), reader(&derived, bot));
        for (messages, expected) in [
            (calls(str::to_owned), Read::Command),
            (calls(swapped), Read::Suggestion),
            (vec![bot::message(1, "weather 订单 7")], Read::Nothing),
        ] {
            for message in &messages {
                assert_eq!(derived(message), expected, "{}", message.text());
                assert_eq!(configured(message), expected, "{}", message.text());
            }
        }
        assert_eq!(swapped("weather"), "waether");
        assert_eq!(swapped("coffee"), "cfofee");
    }
}

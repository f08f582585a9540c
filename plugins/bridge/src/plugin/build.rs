//! From the keys to the plugin, or to every problem in them.

use std::{sync::atomic::AtomicBool, time::Duration};

use easebot_model::{Conversation, UserId};
use easebot_plugin::{
    At, BotInfo, BuildEnv, Configured, Problem, Problems, Span, Templates, Values, nearest,
};
use tokio::sync::{Mutex, mpsc};

use super::{Bridge, N_QUEUED, Side, TEMPLATE, late::Late};
use crate::{
    filter::Filter,
    keys::{BridgeKeys, Direction, FilterKeys, SideKeys},
    names::Names,
    place::Place,
};

impl Configured for Bridge {
    const KIND: &'static str = "bridge";
    const ABOUT: &'static str = "Joins conversations, also of different bots and apps: what is said in one is said in the others.";
    type Config = BridgeKeys;

    fn build(keys: BridgeKeys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        let sides = build_sides(keys.side, env, problems);
        let bot =
            BotInfo { name: env.bot.clone(), user: env.user.clone(), app_key: env.app_key.clone() };
        let mut templates = Templates::new();
        let sample = ["name", "text", "kind", "side"]
            .into_iter()
            .fold(Values::sample(&bot), |values, name| values.text(name, "x"));
        templates.add(TEMPLATE, &keys.template, &sample, problems);
        problems.within(&keys.file_bytes, 1..=1 << 30);
        problems.within(&keys.keep_days, 1..=365);
        problems.within(&keys.keep_messages, 100..=1_000_000);
        let mut filters = |keys: Vec<FilterKeys>| -> Vec<Filter> {
            keys.into_iter().filter_map(|keys| Filter::build(keys, problems)).collect()
        };
        let (only, except) = (filters(keys.only), filters(keys.except));
        let (jobs, queue) = mpsc::channel(N_QUEUED);
        Some(Self {
            name: env.plugin.clone(),
            sides,
            only,
            except,
            templates,
            names: keys.nicknames.then(Names::default),
            language: keys.language,
            shows_typing: keys.typing,
            file_bytes: *keys.file_bytes,
            keep: Duration::from_secs(u64::from(*keys.keep_days) * 24 * 60 * 60),
            keep_messages: *keys.keep_messages,
            jobs,
            queue: Mutex::new(queue),
            // What an earlier run has left is taken up first.
            has_missed: AtomicBool::new(true),
            late: Late::default(),
        })
    }
}

fn build_sides(keys: Vec<At<SideKeys>>, env: &BuildEnv, problems: &mut Problems) -> Vec<Side> {
    let n_sides = keys.len();
    let mut sides: Vec<(Side, Option<Span>)> = Vec::new();
    let mut is_whole = true;
    for keys in keys {
        let span = keys.span();
        let Some(side) = build_side(keys.into_inner(), span, env, problems) else {
            is_whole = false;
            continue;
        };
        if let Some((_, first)) = sides.iter().find(|(other, _)| other.place == side.place) {
            let message = "two sides of the bridge are the same conversation";
            problems.push(Problem::error(span, message).related(*first, "first used"));
        }
        sides.push((side, span));
    }
    let sides: Vec<Side> = sides.into_iter().map(|(side, _)| side).collect();
    if n_sides < 2 {
        problems.push(
            Problem::error(None, "a bridge joins two conversations or more")
                .hint("add a `[[bot.plugin.side]]`"),
        );
    } else if is_whole && !sides.iter().any(|side| side.is_heard) {
        let message = format!("nothing is heard here: no side is the bot `{}`'s own", env.bot);
        problems.push(Problem::error(None, message).hint(
            "a bridge relays what its own bot hears; a side without `bot` and `direction = \"to\"` is one",
        ));
    } else if is_whole && !sides.iter().any(|side| side.is_told) {
        let message = "nothing is said anywhere: all sides have `direction = \"from\"`";
        problems.push(Problem::error(None, message));
    }
    sides
}

fn build_side(
    keys: SideKeys,
    span: Option<Span>,
    env: &BuildEnv,
    problems: &mut Problems,
) -> Option<Side> {
    let SideKeys { bot, group, room, user, direction, name } = keys;
    if let Some(bot) = &bot
        && !env.bots.is_empty()
        && !env.bots.contains(bot)
    {
        let known = env.bots.iter().map(String::as_str);
        let problem =
            Problem::error(bot.span(), format!("there is no bot `{}` in this file", **bot));
        problems.push(match nearest(bot, known) {
            Some(close) => problem.hint(format!("did you mean `{close}`?")),
            None => problem.hint("a side's `bot` is the `name` of a `[[bot]]`"),
        });
    }
    let is_own = bot.as_ref().is_none_or(|bot| **bot == env.bot);
    let (conversation, named) = match (group, room, user) {
        (Some(id), None, None) => (Conversation::group(&*id), id),
        (None, Some(id), None) => (Conversation::room(&*id), id),
        (None, None, Some(user)) => (Conversation::user(&*user), user),
        (None, None, None) => {
            problems.push(
                Problem::error(span, "the side is no conversation")
                    .hint("give it `group`, `room` or `user`"),
            );
            return None;
        }
        _ => {
            problems.push(Problem::error(span, "the side is more than one conversation"));
            return None;
        }
    };
    if conversation.name().is_empty() {
        problems.push(Problem::error(named.span(), "the conversation has no name"));
    }
    if is_own && conversation == Conversation::User(UserId::new(&env.user)) {
        problems.push(Problem::error(named.span(), "that is the bot itself"));
    }
    Some(Side {
        name: name.unwrap_or_else(|| conversation.to_string()),
        place: Place { bot: bot.map_or_else(|| env.bot.clone(), At::into_inner), conversation },
        is_heard: is_own && direction != Direction::To,
        is_told: direction != Direction::From,
    })
}

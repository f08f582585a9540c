//! `easebot hooks`: what webhook-out and other relays have not posted, seen and changed beside the bots.

use std::{
    collections::BTreeSet,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use anyhow::{Context, bail};
use easebot_model::Timestamp;
use easebot_role::webhook::{Delivery, Off, shelf};
use easebot_store::AccountKey;
use serde_json::{Map, Value, json};

use crate::{
    Program,
    args::{HookListArgs, HookPickArgs, HookShowArgs, HooksCommand},
    shelf::{
        place::Place,
        print::{age, align, short},
    },
    speech::{self, Complaint},
};

/// An event that is not posted.
struct Letter {
    account: AccountKey,
    plugin: String,
    /// Under which key of the plugin it is saved.
    key: String,
    is_dead: bool,
    delivery: Delivery,
}

pub(crate) async fn hooks(program: &Program, command: &HooksCommand) -> anyhow::Result<ExitCode> {
    let place = match command {
        HooksCommand::Drop(args) | HooksCommand::Retry(args) => &args.place,
        HooksCommand::List(args) => &args.place,
        HooksCommand::Schema => {
            speech::data(format_args!("{:#}", easebot_plugin_webhook_out::schema()));
            return Ok(ExitCode::SUCCESS);
        }
        HooksCommand::Show(args) => &args.place,
    };
    let place = match Place::find(program, place).await? {
        Ok(place) => place,
        Err(code) => return Ok(code),
    };
    match command {
        HooksCommand::Drop(args) => change(&place, args, false).await?,
        HooksCommand::List(args) => list(&place, args).await?,
        HooksCommand::Retry(args) => change(&place, args, true).await?,
        HooksCommand::Schema => {}
        HooksCommand::Show(args) => show(&place, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(place: &Place, args: &HookListArgs) -> anyhow::Result<()> {
    let mut letters = letters(place, args.plugin.as_deref()).await?;
    letters.retain(|letter| if letter.is_dead { !args.waiting } else { !args.dead });
    let n_more = letters.len().saturating_sub(args.limit);
    letters.truncate(args.limit);
    if args.json {
        letters.iter().for_each(|letter| speech::data(Value::Object(letter.fields(place))));
    } else if !letters.is_empty() {
        let head = ["ID", "BOT", "PLUGIN", "CONVERSATION", "AGE", "TRIES", "BYTES", "STATE"];
        let rows: Vec<[String; 8]> = std::iter::once(head.map(str::to_owned))
            .chain(letters.iter().map(|letter| letter.row(place)))
            .collect();
        align(&rows).iter().for_each(speech::data);
    }
    if letters.is_empty() {
        speech::say("nothing");
    } else if n_more > 0 {
        speech::say(format_args!("there are {n_more} more: --limit {}", args.limit + n_more));
    }
    say_off(place).await
}

async fn show(place: &Place, args: &HookShowArgs) -> anyhow::Result<()> {
    let mut letters = letters(place, args.plugin.as_deref()).await?;
    letters.retain(|letter| letter.delivery.id == args.id);
    let letter = only(place, &letters, &args.id)?;
    let mut fields = letter.fields(place);
    let body = &letter.delivery.body;
    // webhook-out posts JSON, others what they like.
    let event = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
    fields.insert("event".to_owned(), event);
    let value = Value::Object(fields);
    speech::data(if args.json { value.to_string() } else { format!("{value:#}") });
    Ok(())
}

/// Drops dead letters, or lays them out for the plugin to post them again.
async fn change(place: &Place, args: &HookPickArgs, is_retry: bool) -> anyhow::Result<()> {
    let mut letters = letters(place, args.plugin.as_deref()).await?;
    if let Some(id) = &args.id {
        letters.retain(|letter| letter.delivery.id == *id);
        let letter = only(place, &letters, id)?;
        if !letters.iter().any(|letter| letter.is_dead) {
            let id = &letter.delivery.id;
            return Err(Complaint::failure(format!("{id} is not dead: it waits to be posted"))
                .hint("what waits is posted by itself, or becomes a dead letter")
                .into());
        }
    }
    letters.retain(|letter| letter.is_dead);
    for letter in &letters {
        let Letter { account, plugin, key, delivery, .. } = letter;
        let mut values = vec![(key.clone(), None)];
        if is_retry {
            let again = serde_json::to_vec(&delivery.clone().as_new())?;
            values.push((shelf::again(&delivery.id), Some(again)));
        }
        let changed = place.desk.set_states(account, plugin, values, now()).await;
        changed.context("nothing more was changed")?;
    }
    let n_changed = letters.len();
    let plural = if n_changed == 1 { "" } else { "s" };
    let how = if is_retry { "to be posted again" } else { "dropped" };
    speech::say(format_args!("{n_changed} event{plural} {how}"));
    Ok(())
}

/// The first of `letters`, which are those with the id `id`: of one plugin, since each posts an event under the same id.
fn only<'l>(place: &Place, letters: &'l [Letter], id: &str) -> anyhow::Result<&'l Letter> {
    let first = letters.first().ok_or_else(|| missing(id))?;
    let names: BTreeSet<_> = letters
        .iter()
        .map(|letter| format!("`{}` of `{}`", letter.plugin, place.name(&letter.account)))
        .collect();
    if names.len() > 1 {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        bail!(
            Complaint::wrong_usage(format!("several plugins have {id}: {names}"))
                .hint("say which with `--plugin NAME`, and with `--bot NAME`")
        );
    }
    Ok(first)
}

/// Everything that is not posted, by the `wanted` plugin if one is, oldest first.
async fn letters(place: &Place, wanted: Option<&str>) -> anyhow::Result<Vec<Letter>> {
    let mut letters = Vec::new();
    for (account, plugin) in plugins(place).await? {
        if wanted.is_some_and(|wanted| wanted != plugin) {
            continue;
        }
        for (prefix, is_dead) in [(shelf::QUEUE, false), (shelf::AGAIN, false), (shelf::DEAD, true)]
        {
            const PAGE: usize = 200;
            let mut after: Option<String> = None;
            loop {
                let reading = place.desk.states(&account, &plugin, prefix, after.as_deref(), PAGE);
                let page = reading.await.context("cannot list")?;
                let is_last = page.len() < PAGE;
                after = page.last().map(|(key, _)| key.clone());
                letters.extend(page.into_iter().filter_map(|(key, value)| {
                    // One of another version is left alone.
                    let delivery = serde_json::from_slice(&value).ok()?;
                    let (account, plugin) = (account.clone(), plugin.clone());
                    Some(Letter { account, plugin, key, is_dead, delivery })
                }));
                if is_last {
                    break;
                }
            }
        }
    }
    letters.sort_by_key(|letter| (letter.delivery.time, letter.delivery.seq));
    Ok(letters)
}

/// Those that remember something, of the bots that were asked for.
async fn plugins(place: &Place) -> anyhow::Result<Vec<(AccountKey, String)>> {
    let accounts = match &place.account {
        Some(account) => vec![account.clone()],
        None => place.desk.accounts().await.context("cannot list")?,
    };
    let mut plugins = Vec::new();
    for account in accounts {
        let names = place.desk.plugins(&account).await.context("cannot list")?;
        plugins.extend(names.into_iter().map(|plugin| (account.clone(), plugin)));
    }
    Ok(plugins)
}

/// Says which endpoints want nothing any more.
async fn say_off(place: &Place) -> anyhow::Result<()> {
    for (account, plugin) in plugins(place).await? {
        let saved = place.desk.states(&account, &plugin, shelf::OFF, None, 1).await?;
        let off = saved.first().and_then(|(_, value)| serde_json::from_slice::<Off>(value).ok());
        if let Some(Off { time, .. }) = off {
            let (bot, since) = (place.name(&account), short(age(time)));
            speech::notice(format_args!(
                "the endpoint of {plugin} of {bot} answered 410 {since} ago and gets nothing more until the bot starts again"
            ));
        }
    }
    Ok(())
}

impl Letter {
    fn row(&self, place: &Place) -> [String; 8] {
        let delivery = &self.delivery;
        let conversation = delivery.conversation.as_ref();
        [
            delivery.id.clone(),
            place.name(&self.account).to_owned(),
            self.plugin.clone(),
            conversation.map_or_else(|| "-".to_owned(), ToString::to_string),
            short(age(delivery.time)),
            delivery.n_tries.to_string(),
            delivery.body.len().to_string(),
            self.state(),
        ]
    }

    fn state(&self) -> String {
        let reason = self.delivery.last.as_ref().map(|last| last.reason.as_str());
        match (self.is_dead, reason) {
            (true, reason) => format!("dead: {}", reason.unwrap_or_default()),
            (false, None) => "waiting".to_owned(),
            (false, Some(reason)) => {
                let wait = Duration::from_millis(self.delivery.due.0.saturating_sub(now().0));
                format!("waiting, again in {}: {reason}", short(wait))
            }
        }
    }

    fn fields(&self, place: &Place) -> Map<String, Value> {
        let delivery = &self.delivery;
        let last = delivery.last.as_ref();
        [
            ("id", json!(delivery.id)),
            ("bot", json!(place.name(&self.account))),
            ("account", json!(self.account.as_str())),
            ("plugin", json!(self.plugin)),
            ("conversation", json!(delivery.conversation)),
            ("time_ms", json!(delivery.time.0)),
            ("age_secs", json!(age(delivery.time).as_secs())),
            ("attempts", json!(delivery.n_tries)),
            ("state", json!(if self.is_dead { "dead" } else { "waiting" })),
            ("due_ms", json!((!self.is_dead).then_some(delivery.due.0))),
            ("status", json!(last.and_then(|last| last.status))),
            ("reason", json!(last.map(|last| last.reason.as_str()))),
            ("n_bytes", json!(delivery.body.len())),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }
}

fn missing(id: &str) -> Complaint {
    Complaint::failure(format!("there is no {id} that is not posted"))
        .hint("`easebot hooks list` shows what there is")
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

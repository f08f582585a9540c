//! The book as it is saved: a record for each entry, under its name.

use std::collections::BTreeMap;

use easebot_model::{Outgoing, Timestamp};
use easebot_plugin::{Env, StateError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;
use tracing::warn;

use super::{Book, Item, LOOK, What, beginning};
use crate::{Job, Plan, When, job::Deed, missed::Policy};

/// What the keys of all records begin with.
const PREFIX: &str = "schedule/";

/// How many records are read at a time.
const PAGE: usize = 500;

#[derive(Debug, Deserialize, Serialize)]
struct Record {
    when: When,
    upto: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<Timestamp>,
    /// Of what was planned; a job of the code has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    says: Option<Says>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Says {
    outgoing: Box<Outgoing>,
    #[serde(flatten)]
    policy: Policy,
}

/// A job whose parts are known to be right.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) name: String,
    pub(crate) when: When,
    pub(crate) policy: Policy,
    pub(crate) deed: Deed,
    pub(crate) limit: std::time::Duration,
}

impl Checked {
    pub(crate) fn new(job: Job, when: When) -> Self {
        let usual = Policy::of(&when);
        let within_ms = job.missed_within.map_or(usual.within_ms, crate::missed::ms);
        let policy = Policy { missed: job.missed, within_ms };
        Self { name: job.name, when, policy, deed: job.deed, limit: job.limit }
    }
}

impl Record {
    fn of(item: &Item) -> Self {
        let says = match &item.what {
            What::Do { .. } => None,
            What::Say(outgoing) => Some(Says { outgoing: outgoing.clone(), policy: item.policy }),
        };
        Self { when: item.when.clone(), upto: item.upto, last: item.last, says }
    }
}

impl Book {
    /// Reads what is saved, unless that was done within the last minute. What is in the book already stays as it is there, unless
    /// somebody else has planned it otherwise or cancelled it.
    pub(crate) async fn read(&mut self, env: &Env, jobs: &[Checked]) -> Result<(), StateError> {
        if self.read.is_some_and(|read| read.elapsed() < LOOK) {
            return Ok(());
        }
        let is_first = self.read.is_none();
        let (mut records, now) = (records(env, is_first).await?, env.now());
        let mut changes = Vec::new();
        for job in jobs {
            let record = records.remove(&job.name);
            if self.items.contains_key(&job.name) {
                continue;
            }
            let what = What::Do { deed: job.deed.clone(), limit: job.limit };
            let record = record.filter(|record| record.says.is_none() && record.when == job.when);
            let upto = record.as_ref().map_or_else(|| beginning(&job.when, now), |it| it.upto);
            let mut item = Item::new(job.when.clone(), job.policy, what, upto);
            match record {
                Some(record) => item.last = record.last,
                None => changes.push((key(&job.name), Some(Record::of(&item)))),
            }
            self.insert(job.name.clone(), item);
        }
        self.items.retain(|name, item| !item.is_plan() || records.contains_key(name));
        for (name, Record { when, upto, last, says }) in records {
            let Some(Says { outgoing, policy }) = says else {
                // A job that the code has no more.
                changes.push((key(&name), None));
                continue;
            };
            let plan = Plan { when, outgoing: *outgoing, policy };
            if !self.has(&name, &plan) {
                let item = Item { last, ..Item::planned(plan, upto) };
                self.insert(name, item);
            }
        }
        env.shelf().change(changes).await?;
        self.read = Some(Instant::now());
        Ok(())
    }

    /// Saves how far entries have come, and forgets what was planned and is through.
    pub(crate) async fn save(&mut self, env: &Env) -> Result<(), StateError> {
        let record = |item: &Item| (!item.is_through()).then(|| Record::of(item));
        let unsaved = self.items.iter().filter(|(_, item)| item.is_unsaved || item.is_through());
        let changes: Vec<_> = unsaved.map(|(name, item)| (key(name), record(item))).collect();
        env.shelf().change(changes).await?;
        self.items.retain(|_, item| !item.is_through());
        self.items.values_mut().for_each(|item| item.is_unsaved = false);
        Ok(())
    }

    /// Saves `plan` and puts it in the place of what was planned under this name.
    pub(crate) async fn put(
        &mut self,
        env: &Env,
        name: String,
        plan: Plan,
        upto: Timestamp,
    ) -> Result<(), StateError> {
        let item = Item::planned(plan, upto);
        env.shelf().save(&key(&name), &Record::of(&item)).await?;
        self.insert(name, item);
        Ok(())
    }

    /// Takes out what was planned under this name.
    pub(crate) async fn take(&mut self, env: &Env, name: &str) -> Result<(), StateError> {
        env.shelf::<Value>().remove(&key(name)).await?;
        self.items.remove(name);
        Ok(())
    }
}

impl Item {
    fn planned(plan: Plan, upto: Timestamp) -> Self {
        Self::new(plan.when, plan.policy, What::Say(Box::new(plan.outgoing)), upto)
    }
}

/// All records by name. One that cannot be read is told if `tells`, and left where it is.
async fn records(env: &Env, tells: bool) -> Result<BTreeMap<String, Record>, StateError> {
    let mut records = BTreeMap::new();
    let mut after: Option<String> = None;
    loop {
        let page = env.shelf::<Value>().list(PREFIX, after.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        for (key, value) in page {
            let name = key.strip_prefix(PREFIX).unwrap_or_default().to_owned();
            match serde_json::from_value(value) {
                Ok(record) => drop(records.insert(name, record)),
                Err(_) if tells => {
                    let (bot, plugin) = (&env.bot().name, env.plugin());
                    warn!(%bot, %plugin, job = %name, "what is saved of a job cannot be read and is left alone");
                }
                Err(_) => {}
            }
            after = Some(key);
        }
        if is_last {
            return Ok(records);
        }
    }
}

fn key(name: &str) -> String {
    format!("{PREFIX}{name}")
}

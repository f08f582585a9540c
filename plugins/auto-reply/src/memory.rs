//! What is remembered of a conversation, and for how long.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use easebot_model::{BodyKind, Conversation, ConversationKind, Message, Timestamp, UserId};
use easebot_plugin::{Env, PluginError};
use serde::{Deserialize, Serialize};
use tokio::{sync::Mutex, time::Instant};
use tracing::debug;

/// What is saved of a conversation. Times are those of messages.
#[derive(Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Memory {
    /// When a person last wrote who has taken it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) person: Option<Timestamp>,
    /// When each rule last answered, by what it looks for: its place in the list may be another one after a restart.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) answered: BTreeMap<String, Timestamp>,
}

/// How a person takes a conversation over and gives it back.
#[derive(Debug)]
pub(crate) struct Takeover {
    pub(crate) pause: Duration,
    pub(crate) agents: HashSet<UserId>,
    pub(crate) own_devices: bool,
    /// Texts that give it back.
    pub(crate) resume: Vec<String>,
}

/// What a person does with a conversation by writing in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    GivesBack,
    TakesOver,
}

impl Takeover {
    /// What `message` means for its conversation; none if it is of somebody else.
    pub(crate) fn step(&self, message: &Message, me: &UserId) -> Option<Step> {
        if matches!(message.body.kind(), BodyKind::Cmd | BodyKind::Unknown) {
            return None;
        }
        let is_shared = message.conversation.kind() != ConversationKind::User;
        let is_person = if message.from == *me {
            self.own_devices && !is_easebot(message)
        } else {
            is_shared && self.agents.contains(&message.from)
        };
        let text = message.text().trim();
        let gives_back = self.resume.iter().any(|word| word.trim() == text);
        is_person.then_some(if gives_back { Step::GivesBack } else { Step::TakesOver })
    }
}

/// Whether a process of Easebot wrote it, such as `easebot send` in a script, as far as the server says from where.
fn is_easebot(message: &Message) -> bool {
    message.from_resource.as_ref().is_some_and(|device| device.as_str().starts_with("easebot_"))
}

impl Memory {
    const PREFIX: &str = "in/";

    /// Where it is saved.
    pub(crate) fn key(conversation: &Conversation) -> String {
        format!("{}{conversation}", Self::PREFIX)
    }

    /// Whether a person has the conversation at `now`.
    pub(crate) fn is_paused(&self, now: Timestamp, pause: Duration) -> bool {
        self.person.is_some_and(|since| !is_over(since, pause, now))
    }

    /// Whether the rule that is saved as `rule` has answered so lately that it does not at `now`.
    pub(crate) fn is_cooling(&self, rule: &str, now: Timestamp, cooldown: Duration) -> bool {
        self.answered.get(rule).is_some_and(|since| !is_over(*since, cooldown, now))
    }

    /// Drops what does not count any more at `now`, if nothing counts for longer than `longest`.
    pub(crate) fn forget(&mut self, now: Timestamp, longest: Duration) {
        self.person = self.person.filter(|since| !is_over(*since, longest, now));
        self.answered.retain(|_, since| !is_over(*since, longest, now));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.person.is_none() && self.answered.is_empty()
    }
}

/// Whether `time` has gone by between `since` and `now`.
fn is_over(since: Timestamp, time: Duration, now: Timestamp) -> bool {
    u128::from(now.0) >= u128::from(since.0) + time.as_millis()
}

/// Takes away what was saved of conversations in which nothing counts any more, so that it does not pile up.
#[derive(Debug, Default)]
pub(crate) struct Sweeper {
    notes: Mutex<Notes>,
}

/// Where handlers have saved something lately, or are about to. They note it under the lock under which the sweeper looks
/// and removes.
#[derive(Debug, Default)]
struct Notes {
    by_key: HashMap<String, Instant>,
    /// How many there were when old ones were last dropped.
    n_kept: usize,
}

/// How many conversations are looked at in one go.
const PAGE: usize = 256;

impl Sweeper {
    /// Time between two rounds.
    const PERIOD: Duration = Duration::from_secs(3_600);
    /// How much longer things are kept than they count: the clocks of this machine and of the server may differ, and what waits
    /// in an offline queue is older than it looks.
    const SLACK: Duration = Duration::from_secs(24 * 3_600);

    /// How long a note counts: longer than a handler may take to save what it noted, and than a page takes to be swept.
    const NOTED: Duration = Duration::from_secs(180);

    /// A handler is about to save something under `key`: it is left alone for a while.
    pub(crate) async fn note(&self, key: &str) {
        let mut notes = self.notes.lock().await;
        notes.by_key.insert(key.to_owned(), Instant::now());
        if notes.by_key.len() > 1_024 + 2 * notes.n_kept {
            notes.by_key.retain(|_, noted| noted.elapsed() < Self::NOTED);
            notes.n_kept = notes.by_key.len();
        }
    }

    /// Sweeps again and again.
    pub(crate) async fn run(&self, env: &Env, longest: Duration) -> Result<(), PluginError> {
        loop {
            let n_removed = self.sweep(env, longest).await?;
            debug!(bot = %env.bot().name, plugin = %env.plugin(), n_removed, "swept");
            tokio::time::sleep(Self::PERIOD).await;
        }
    }

    /// One round. Gives the number of conversations that are forgotten.
    pub(crate) async fn sweep(&self, env: &Env, longest: Duration) -> Result<usize, PluginError> {
        let (shelf, now) = (env.shelf::<Memory>(), env.now());
        let (mut after, mut n_removed) = (None, 0);
        loop {
            let page = shelf.list(Memory::PREFIX, after.as_deref(), PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(n_removed) };
            after = Some(last.clone());
            for (key, mut memory) in page {
                memory.forget(now, longest + Self::SLACK);
                if !memory.is_empty() {
                    continue;
                }
                let notes = self.notes.lock().await;
                if notes.by_key.get(&key).is_none_or(|noted| noted.elapsed() >= Self::NOTED) {
                    shelf.remove(&key).await?;
                    n_removed += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

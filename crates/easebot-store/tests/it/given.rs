//! What the tests write.

use std::path::Path;

use easebot_model::{ClientMessageId, Conversation, EventKey, Timestamp};
use easebot_store::{
    AccountKey, Answer, Arrived, ArrivedOutcome, Commit, Database, Durability, Effects, EventRow,
    Finished, FinishedOutcome, NewEvent, NewOutgoing, Options, Priority, Retention, StateWrite,
};

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);
pub(crate) const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(crate) fn account(user: &str) -> AccountKey {
    AccountKey::new(&"easebot#demo".parse().unwrap(), &user.into())
}

pub(crate) fn database(folder: &Path, retention: Retention) -> Database {
    let options = Options { retention, ..Options::default() };
    Database::open_with(folder.join("easebot.sqlite"), options).unwrap()
}

/// An empty commit of the account `bot`.
pub(crate) fn commit() -> Commit {
    Commit::new(account("bot"), Durability::Process, NOW)
}

pub(crate) fn key(id: u64) -> EventKey {
    EventKey { ns: 1, id, seq: 0 }
}

pub(crate) fn event(key: EventKey) -> NewEvent {
    NewEvent {
        key,
        conversation: Some(Conversation::user("bob")),
        received: NOW,
        raw: format!("raw {}", key.id).into(),
    }
}

/// Pending.
pub(crate) fn arrived(key: EventKey) -> Arrived {
    Arrived { event: event(key), outcome: ArrivedOutcome::Pending, claim: None }
}

/// Its client id counts down from the largest.
pub(crate) fn outgoing(ordinal: u32, text: &str) -> NewOutgoing {
    NewOutgoing {
        conversation: Conversation::user("bob"),
        client_id: ClientMessageId(u64::MAX - u64::from(ordinal)),
        priority: Priority::Answer,
        payload: text.as_bytes().to_vec().into(),
    }
}

/// Of the plugin `echo`.
pub(crate) fn answer(ordinal: u32, text: &str) -> Answer {
    Answer { plugin: "echo".into(), ordinal, outgoing: outgoing(ordinal, text), is_followed: false }
}

pub(crate) fn state(namespace: &str, key: &str, value: Option<&str>) -> StateWrite {
    StateWrite { namespace: namespace.into(), key: key.to_owned(), value: value.map(Into::into) }
}

/// `echo` says each text, and remembers `value` under `k`.
pub(crate) fn effects(texts: &[&str], value: &str) -> Effects {
    Effects {
        answers: (0..).zip(texts).map(|(ordinal, text)| answer(ordinal, text)).collect(),
        state: vec![state("echo", "k", Some(value))],
    }
}

pub(crate) fn finished(event: EventRow, texts: &[&str], value: &str) -> Finished {
    Finished { event, outcome: FinishedOutcome::Done(effects(texts, value)) }
}

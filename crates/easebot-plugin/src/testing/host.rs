//! The runtime that a bench stands for.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use easebot_model::{Attachment, Combine, Conversation, Message, Outgoing, Timestamp};

use easebot_rest::testing::Script;

use super::{Said, Served, USER};
use crate::{Api, BoxError, FetchError, Host, SendError, TakeBack, TakenBack, Ticket, ticket};

#[derive(Default)]
pub(super) struct BenchHost {
    state: Mutex<BTreeMap<(String, String), Vec<u8>>>,
    pub(super) typing: Mutex<Vec<Conversation>>,
    pub(super) now: Mutex<Timestamp>,
    pub(super) said: Mutex<Vec<Said>>,
    pub(super) calls: Mutex<Option<Script>>,
    keys: Mutex<HashSet<(Option<String>, String, String)>>,
    pub(super) refusal: Mutex<Option<SendError>>,
    pub(super) folder: Mutex<Option<PathBuf>>,
    pub(super) variables: Mutex<BTreeMap<String, String>>,
    pub(super) files: Mutex<BTreeMap<String, Served>>,
    pub(super) fetched: Mutex<Vec<String>>,
}

impl BenchHost {
    fn served(&self, url: &str) -> Result<Served, FetchError> {
        lock(&self.fetched).push(url.to_owned());
        match lock(&self.files).get(url).cloned() {
            None => Err(FetchError::permanent("there is no such file")),
            Some(Served::Busy) => Err(FetchError::passing("the server is busy")),
            Some(served) => Ok(served),
        }
    }

    pub(super) fn write(&self, plugin: &str, values: Vec<(String, Option<Vec<u8>>)>) {
        let mut state = lock(&self.state);
        for (key, value) in values {
            let key = (plugin.to_owned(), key);
            match value {
                Some(value) => drop(state.insert(key, value)),
                None => drop(state.remove(&key)),
            }
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Host for BenchHost {
    fn now(&self) -> Timestamp {
        *lock(&self.now)
    }

    fn api(&self) -> Api {
        lock(&self.calls).as_ref().map_or_else(|| Api::not_connected(USER), Script::api)
    }

    fn split(&self, _outgoing: &Outgoing) -> Result<Option<Vec<Outgoing>>, SendError> {
        Ok(None)
    }

    fn typing(&self, to: &Conversation) {
        lock(&self.typing).push(to.clone());
    }

    async fn load(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, BoxError> {
        Ok(lock(&self.state).get(&(plugin.to_owned(), key.to_owned())).cloned())
    }

    async fn list(
        &self,
        plugin: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, BoxError> {
        let is_listed = |(of, key): &(String, String)| {
            of == plugin
                && key.starts_with(prefix)
                && after.is_none_or(|after| key.as_str() > after)
        };
        let state = lock(&self.state);
        let listed = state.iter().filter(|(key, _)| is_listed(key)).take(limit);
        Ok(listed.map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }

    async fn save(
        &self,
        plugin: &str,
        values: Vec<(String, Option<Vec<u8>>)>,
    ) -> Result<(), BoxError> {
        self.write(plugin, values);
        Ok(())
    }

    async fn send(
        &self,
        bot: Option<&str>,
        plugin: &str,
        key: Option<&str>,
        outgoing: Outgoing,
    ) -> Result<Ticket, SendError> {
        if let Some(refusal) = &*lock(&self.refusal) {
            return Err(refusal.clone());
        }
        let (bot, key) = (bot.map(str::to_owned), key.map(str::to_owned));
        let is_new = key.as_ref().is_none_or(|key| {
            lock(&self.keys).insert((bot.clone(), plugin.to_owned(), key.clone()))
        });
        if is_new {
            lock(&self.said).push(Said { bot, key, outgoing });
        }
        let (_, ticket) = ticket();
        Ok(ticket)
    }

    async fn recall(&self, plugin: &str, what: TakeBack) -> Result<TakenBack, SendError> {
        match what {
            // What the handler queued stays among what it said: nothing leaves a bench.
            TakeBack::Ticket(ticket) => Ok(TakenBack::new(ticket.n_parts(), 0)),
            TakeBack::Key(key) => {
                if !lock(&self.keys).contains(&(None, plugin.to_owned(), key.clone())) {
                    return Err(SendError::NothingSaid);
                }
                lock(&self.said)
                    .retain(|said| said.bot.is_some() || said.key.as_ref() != Some(&key));
                Ok(TakenBack::new(1, 0))
            }
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        lock(&self.variables).get(name).cloned()
    }

    fn folder(&self, plugin: &str) -> Option<PathBuf> {
        lock(&self.folder).as_ref().map(|folder| folder.join(plugin))
    }

    async fn download(
        &self,
        attachment: &Attachment,
        to: &Path,
        limit_bytes: Option<u64>,
    ) -> Result<u64, FetchError> {
        let Served::File(bytes) = self.served(&attachment.url)? else {
            return Err(FetchError::permanent("it holds messages"));
        };
        let n_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if limit_bytes.is_some_and(|limit| n_bytes > limit) {
            return Err(FetchError::permanent(format!("the file has {n_bytes} bytes or more")));
        }
        std::fs::write(to, bytes).map_err(FetchError::passing)?;
        Ok(n_bytes)
    }

    async fn open_combine(&self, combine: &Combine) -> Result<Vec<Message>, FetchError> {
        match self.served(&combine.attachment.url)? {
            Served::Messages(messages) => Ok(messages),
            _ => Err(FetchError::permanent("it holds no messages")),
        }
    }
}

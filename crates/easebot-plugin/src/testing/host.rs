//! The runtime that a bench stands for.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use easebot_model::{
    Attachment, ClientMessageId, Combine, Conversation, Message, MessageId, Outgoing, Receipt,
    Timestamp,
};

use easebot_rest::testing::Script;
use tokio::{io::AsyncReadExt, sync::watch};

use super::{FIRST_SAID, Said, Served, USER, bot};
use crate::{
    Api, BotInfo, BoxError, Busy, FetchError, FileStream, Host, SendError, TakeBack, TakenBack,
    Ticket, UploadError, ticket,
};

/// As which other bot, of which plugin, and its key.
type Key = (Option<String>, String, String);

#[derive(Default)]
pub(super) struct BenchHost {
    state: Mutex<BTreeMap<(String, String), Vec<u8>>>,
    pub(super) typing: Mutex<Vec<Conversation>>,
    pub(super) now: Mutex<Timestamp>,
    pub(super) said: Mutex<Vec<Said>>,
    pub(super) calls: Mutex<Option<Script>>,
    keys: Mutex<HashMap<Key, MessageId>>,
    n_said: Mutex<u64>,
    pub(super) others: Mutex<Vec<BotInfo>>,
    pub(super) typing_as: Mutex<Vec<(String, Conversation)>>,
    pub(super) refusal: Mutex<Option<SendError>>,
    /// What is said as these bots fails.
    pub(super) refusals_as: Mutex<BTreeMap<String, SendError>>,
    pub(super) folder: Mutex<Option<PathBuf>>,
    pub(super) variables: Mutex<BTreeMap<String, String>>,
    pub(super) files: Mutex<BTreeMap<String, Served>>,
    pub(super) fetched: Mutex<Vec<String>>,
    pub(super) n_busy: watch::Sender<usize>,
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

    fn refused_as(&self, bot: Option<&str>) -> Result<(), SendError> {
        bot.and_then(|bot| lock(&self.refusals_as).get(bot).cloned()).map_or(Ok(()), Err)
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

    fn bots(&self) -> Vec<BotInfo> {
        let me = bot().ok().map(|me| BotInfo::clone(&me));
        me.into_iter().chain(lock(&self.others).iter().cloned()).collect()
    }

    fn busy(&self) -> Busy {
        let n_busy = self.n_busy.clone();
        n_busy.send_modify(|n| *n += 1);
        Busy::new(move || n_busy.send_modify(|n| *n -= 1))
    }

    fn api(&self) -> Api {
        lock(&self.calls).as_ref().map_or_else(|| Api::not_connected(USER), Script::api)
    }

    fn split(&self, _outgoing: &Outgoing) -> Result<Option<Vec<Outgoing>>, SendError> {
        Ok(None)
    }

    fn typing(&self, bot: Option<&str>, to: &Conversation) {
        if let Some(bot) = bot {
            lock(&self.typing_as).push((bot.to_owned(), to.clone()));
            return;
        }
        lock(&self.typing).push(to.clone());
    }

    async fn load(
        &self,
        bot: Option<&str>,
        plugin: &str,
        key: &str,
    ) -> Result<Option<Vec<u8>>, BoxError> {
        match bot {
            Some(bot) if !self.bots().iter().any(|known| known.name == bot) => {
                return Err(SendError::UnknownBot { bot: bot.to_owned() }.into());
            }
            // The plugins of other bots have saved nothing.
            Some(bot) if bot != USER => return Ok(None),
            _ => {}
        }
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
        self.refused_as(bot)?;
        let (bot, key) = (bot.map(str::to_owned), key.map(str::to_owned));
        if let Some(bot) = bot.as_ref().filter(|bot| !self.bots().iter().any(|it| it.name == **bot))
        {
            return Err(SendError::UnknownBot { bot: bot.clone() });
        }
        let full = key.clone().map(|key| (bot.clone(), plugin.to_owned(), key));
        let known = full.as_ref().and_then(|full| lock(&self.keys).get(full).copied());
        let message = known.unwrap_or_else(|| {
            let mut n_said = lock(&self.n_said);
            *n_said += 1;
            MessageId(FIRST_SAID.0 + *n_said - 1)
        });
        let priority = outgoing.priority();
        if known.is_none() {
            full.map(|full| lock(&self.keys).insert(full, message));
            lock(&self.said).push(Said { bot, key, outgoing, message });
        }
        let (update, ticket) = ticket();
        update.settle(Ok(Receipt {
            client_id: ClientMessageId(message.0),
            message,
            time: self.now(),
            priority,
            replaced: None,
            edited: None,
            note: None,
            room: None,
        }));
        Ok(ticket)
    }

    async fn said(
        &self,
        bot: Option<&str>,
        plugin: &str,
        key: &str,
    ) -> Result<Vec<MessageId>, SendError> {
        self.refused_as(bot)?;
        let full = (bot.map(str::to_owned), plugin.to_owned(), key.to_owned());
        let known = lock(&self.keys).get(&full).copied();
        Ok(vec![known.ok_or(SendError::NothingSaid)?])
    }

    async fn recall(
        &self,
        bot: Option<&str>,
        plugin: &str,
        what: TakeBack,
    ) -> Result<TakenBack, SendError> {
        self.refused_as(bot)?;
        match what {
            // What the handler queued stays among what it said: nothing leaves a bench.
            TakeBack::Ticket(ticket) => Ok(TakenBack::new(ticket.n_parts(), 0)),
            TakeBack::Key(key) => {
                let full = (bot.map(str::to_owned), plugin.to_owned(), key);
                let known = lock(&self.keys).get(&full).copied();
                let message = known.ok_or(SendError::NothingSaid)?;
                lock(&self.said).retain(|said| said.message != message);
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

    async fn upload(
        &self,
        _to: &Conversation,
        file: FileStream,
    ) -> Result<Attachment, UploadError> {
        let (mut bytes, length_bytes) = (Vec::new(), file.length_bytes);
        let mut stream = file.reader.take(length_bytes);
        let n_bytes = stream.read_to_end(&mut bytes).await.map_err(UploadError::passing)?;
        if u64::try_from(n_bytes).ok() != Some(length_bytes) {
            let why = format!("the stream ended after {n_bytes} of {length_bytes} bytes");
            return Err(UploadError::passing(why));
        }
        let mut files = lock(&self.files);
        let url = format!("https://files.example/uploads/{}", files.len());
        files.insert(url.clone(), Served::File(bytes));
        let (name, length_bytes) = (Some(file.name), Some(length_bytes));
        Ok(Attachment { url, secret: None, name, length_bytes })
    }
}

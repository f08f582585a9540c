//! A backlog among the values of a plugin: a combined message is gathered there until all of it is there.

mod saved;

use std::{fs, io, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use easebot_model::{Message, Timestamp};
use easebot_plugin::{Env, PluginError};
use thiserror::Error;
use tokio::{sync::Mutex, task::spawn_blocking};
use tracing::warn;

use self::saved::{Have, Key, Role, Root, Wait};
use super::{
    Backlog, Due, Fetcher, MAX_LEVEL, MAX_TREE_BYTES, Next, Node, Wanted, Weighed, discard, ending,
};

/// Why nothing can be gathered.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GatherError {
    /// The bot keeps nothing on disk, so there is no place for files.
    #[error("files of messages need a folder, but the bot keeps nothing on disk")]
    NoFolder,
    /// The folder cannot be made.
    #[error("cannot make the folder `{}`", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What is opened of one combined message.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Messages, those of combined ones in it included. 3000 by default.
    pub n_messages: u64,
    /// What they take together, as JSON. 64 MiB by default.
    pub n_bytes: u64,
    /// How deep they may stand in each other. 10 by default.
    pub n_levels: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { n_messages: 3_000, n_bytes: MAX_TREE_BYTES, n_levels: MAX_LEVEL }
    }
}

/// Combined messages that are gathered among the values of the plugin, under keys that begin with `combine/`, with their files in its
/// folder: each is handed over once all of it is there. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gathered {
    env: Env,
    folder: PathBuf,
    limits: Limits,
    /// One change of a combined message at a time.
    turn: Arc<Mutex<()>>,
}

impl Gathered {
    /// What the plugin of `env` gathers, with the default limits.
    ///
    /// # Errors
    /// [`GatherError`] if there is no place for files.
    pub fn of(env: &Env) -> Result<Self, GatherError> {
        let folder = env.folder().ok_or(GatherError::NoFolder)?.join("combine");
        let part = folder.join("part");
        let made = fs::create_dir_all(&part);
        made.map_err(|source| GatherError::Folder { path: part, source })?;
        let (limits, turn) = (Limits::default(), Arc::default());
        Ok(Self { env: env.clone(), folder, limits, turn })
    }

    /// The same with other limits.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Gathers `message`, if it is a combined one that is not being gathered already, and wakes `fetcher`. It is saved when this
    /// returns.
    ///
    /// # Errors
    /// If it cannot be saved.
    pub async fn keep(&self, message: &Message, fetcher: &Fetcher) -> Result<(), PluginError> {
        let Some(Role::Messages) = saved::role(message) else { return Ok(()) };
        let now = self.env.now();
        let key = Key::root(message.id);
        if self.env.shelf::<Root>().load(&key.root_key()).await?.is_none() {
            let root = Root::new(message.clone());
            let changes = vec![
                saved::put(key.root_key(), &root)?,
                saved::put(key.wait_key(now), &Wait::of(message, Vec::new(), now))?,
            ];
            self.env.shelf().change(changes).await?;
        }
        fetcher.wake(self.env.busy());
        Ok(())
    }

    /// Something of a combined message is settled: `have` takes the place of what was waited for, and `more` is waited for.
    async fn settle(
        &self,
        due: &Due<String>,
        have: Have,
        more: Vec<(Key, Wait)>,
        now: Timestamp,
        change: impl FnOnce(&mut Root) + Send,
    ) -> Result<(), PluginError> {
        let _turn = self.turn.lock().await;
        let mut changes = vec![(due.id.clone(), None)];
        let key = Key::of_wait(&due.id);
        if let Some(key) = &key
            && let Some(mut root) = self.env.shelf::<Root>().load(&key.root_key()).await?
        {
            root.n_waiting = root.n_waiting.saturating_sub(1).saturating_add(more.len());
            change(&mut root);
            changes.push(saved::put(key.have_key(), &have)?);
            for (child, wait) in &more {
                changes.push(saved::put(child.wait_key(now), wait)?);
            }
            if root.n_waiting == 0 {
                let top = Key::root(root.message.id);
                changes.push(saved::put(top.whole_key(now), &Wait::whole(now))?);
            }
            changes.push(saved::put(key.root_key(), &root)?);
        }
        self.env.shelf().change(changes).await?;
        Ok(())
    }

    /// Removes all of the combined message of `due`.
    async fn forget(&self, due: &Due<String>) -> Result<(), PluginError> {
        let mut changes = vec![(due.id.clone(), None)];
        if let Some(key) = Key::of_wait(&due.id) {
            let haves = saved::haves::<serde_json::Value>(&self.env, &key).await?;
            changes.extend(haves.into_keys().map(|have| (have, None)));
            changes.push((key.root_key(), None));
            let folder = self.folder.join(key.id());
            // Files that cannot be removed stay, and do no harm but take room.
            drop(spawn_blocking(move || fs::remove_dir_all(folder)).await);
        }
        self.env.shelf::<serde_json::Value>().change(changes).await?;
        Ok(())
    }

    async fn node(&self, key: &Key) -> Result<Option<Node>, PluginError> {
        let Some(root) = self.env.shelf::<Root>().load(&key.root_key()).await? else {
            return Ok(None);
        };
        let haves = saved::haves(&self.env, key).await?;
        Ok(Some(saved::node(root.message, &Key::root_of(key), 0, &haves, &self.folder)))
    }
}

#[async_trait]
impl Backlog for Gathered {
    type Id = String;

    async fn due(
        &self,
        now: Timestamp,
        room: usize,
        busy: Vec<String>,
    ) -> Result<Next<String>, PluginError> {
        let shelf = self.env.shelf::<serde_json::Value>();
        let waits = shelf.list(saved::WAIT, None, room.saturating_add(busy.len()) + 1).await?;
        let mut next = Next { due: Vec::new(), later: None };
        for (id, value) in waits.into_iter().filter(|(id, _)| !busy.contains(id)) {
            let Ok(wait) = serde_json::from_value::<Wait>(value) else {
                // Of a version that this one does not know: it keeps no other from being fetched.
                let (bot, plugin) = (&self.env.bot().name, self.env.plugin());
                warn!(%bot, %plugin, %id, "what was to be fetched cannot be read, and is dropped");
                shelf.remove(&id).await?;
                continue;
            };
            let at = saved::time_of(&id);
            if at > now {
                next.later = Some(at);
                break;
            }
            if next.due.len() >= room {
                break;
            }
            let wanted = match (&wait.role, wait.attachment) {
                (Role::File, Some(attachment)) => Wanted::File(attachment),
                (Role::Messages, Some(attachment)) => Wanted::Messages(attachment),
                (Role::Whole, _) => match Key::of_wait(&id) {
                    Some(key) => match self.node(&key).await? {
                        Some(node) => Wanted::Whole(Box::new(node)),
                        None => Wanted::Unknown,
                    },
                    None => Wanted::Unknown,
                },
                _ => Wanted::Unknown,
            };
            next.due.push(Due { id, wanted, n_attempts: wait.n_attempts, kept: wait.kept });
        }
        Ok(next)
    }

    async fn refusal(&self, due: &Due<String>) -> Result<Option<String>, PluginError> {
        let Some(wait) = self.env.shelf::<Wait>().load(&due.id).await? else { return Ok(None) };
        let level = Key::of_wait(&due.id).map_or(0, |key| key.level());
        if level >= self.limits.n_levels {
            let n_levels = self.limits.n_levels;
            return Ok(Some(format!("it stands {n_levels} levels deep, the most that are opened")));
        }
        let Wanted::Messages(attachment) = &due.wanted else { return Ok(None) };
        let is_above = wait.above.contains(&saved::address(&attachment.url));
        Ok(is_above.then(|| "it stands in itself".to_owned()))
    }

    async fn opened(
        &self,
        due: &Due<String>,
        messages: Vec<Message>,
        now: Timestamp,
    ) -> Result<(), PluginError> {
        let wait = self.env.shelf::<Wait>().load(&due.id).await?;
        let (Some(wait), Some(key)) = (wait, Key::of_wait(&due.id)) else { return Ok(()) };
        let Some(root) = self.env.shelf::<Root>().load(&key.root_key()).await? else {
            self.env.shelf::<Wait>().remove(&due.id).await?;
            return Ok(());
        };
        let (mut n_messages, mut n_bytes) = (root.n_messages, root.n_bytes);
        let (n_all, mut kept, mut more) = (messages.len(), Vec::new(), Vec::new());
        let mut above = wait.above;
        if let Some(attachment) = &wait.attachment {
            above.push(saved::address(&attachment.url));
        }
        for (place, message) in messages.into_iter().enumerate() {
            n_messages += 1;
            let length = serde_json::to_vec(&message)?.len();
            n_bytes = n_bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            if n_messages > self.limits.n_messages || n_bytes > self.limits.n_bytes {
                break;
            }
            if saved::role(&message).is_some() {
                let child = key.child(place);
                more.push((child, Wait::of(&message, above.clone(), now)));
            }
            kept.push(message);
        }
        let n_kept = u64::try_from(kept.len()).unwrap_or(u64::MAX);
        let have = Have::Messages { n_left_out: n_all - kept.len(), messages: kept };
        let added = n_bytes.saturating_sub(root.n_bytes);
        self.settle(due, have, more, now, move |root| {
            root.n_messages = root.n_messages.saturating_add(n_kept);
            root.n_bytes = root.n_bytes.saturating_add(added);
        })
        .await
    }

    fn part(&self, due: &Due<String>) -> PathBuf {
        let name = Key::of_wait(&due.id).map_or_else(|| "unknown".to_owned(), |key| key.name());
        self.folder.join("part").join(name)
    }

    async fn fetched(
        &self,
        due: &Due<String>,
        file: Weighed,
        now: Timestamp,
    ) -> Result<(), PluginError> {
        let Some(key) = Key::of_wait(&due.id) else { return Ok(()) };
        let name = format!("{}.{}", key.path(), ending(file.media_type));
        let (part, folder) = (self.part(due), self.folder.join(key.id()));
        let to = folder.join(&name);
        spawn_blocking(move || fs::create_dir_all(folder).and_then(|()| fs::rename(part, to)))
            .await??;
        let have = Have::file(name, file);
        self.settle(due, have, Vec::new(), now, |_| ()).await
    }

    async fn taken(&self, due: &Due<String>) -> Result<(), PluginError> {
        self.forget(due).await
    }

    async fn later(
        &self,
        due: &Due<String>,
        _reason: String,
        at: Timestamp,
    ) -> Result<(), PluginError> {
        let Some(mut wait) = self.env.shelf::<Wait>().load(&due.id).await? else { return Ok(()) };
        wait.n_attempts = wait.n_attempts.saturating_add(1);
        let changes = vec![(due.id.clone(), None), (saved::moved(&due.id, at), Some(wait))];
        self.env.shelf().change(changes).await?;
        Ok(())
    }

    async fn lost(
        &self,
        due: &Due<String>,
        reason: String,
        now: Timestamp,
    ) -> Result<(), PluginError> {
        match Key::of_wait(&due.id) {
            Some(key) if !key.is_whole() => {
                let part = self.part(due);
                drop(spawn_blocking(move || discard(&part)).await);
                self.settle(due, Have::Lost { reason }, Vec::new(), now, |_| ()).await
            }
            _ => self.forget(due).await,
        }
    }
}

#[cfg(test)]
mod tests;

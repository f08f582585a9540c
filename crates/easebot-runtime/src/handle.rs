//! What others can do with running bots.

use std::{fmt, sync::Arc, time::Duration};

use easebot_client::{Api, Files};
use easebot_model::{Act, Conversation, MessageId, Outgoing, chain};
use easebot_plugin::{SendError, TakeBack, TakenBack, Ticket, Urgency, ticket};
use easebot_store::{OutgoingRow, SendName};
use thiserror::Error;
use tokio::sync::{oneshot, watch};

use crate::{
    Activity, AddBotError, BotOptions, BotSpec, BotStatus, LeftByBot, Pages, PluginSpec,
    PluginStatus, Standing,
    bot::{CannotStart, Command, Replace, Shown, Taken},
    health::pages,
    hooks::{Mounted, Turnstile},
    mailbox::Gone,
    registry::{Registry, Running, twice},
};

/// What others can do with running bots: look at them, send through them, add and remove them. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    registry: Arc<Registry>,
}

/// Why something could not be sent from outside.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SendOutsideError {
    /// The bot has ended.
    #[error("the bot `{bot}` has ended")]
    Ended {
        /// Which.
        bot: String,
    },
    /// The bot could not save it, because the store failed. Under a key it may be said again without harm.
    #[error("the bot `{bot}` could not save it")]
    NotSaved {
        /// Which.
        bot: String,
    },
    /// It cannot be sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// There is no such bot.
    #[error("there is no bot `{bot}`")]
    UnknownBot {
        /// The name that was asked for.
        bot: String,
    },
}

/// Why a bot could not be removed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RemoveBotError {
    /// There is no such bot.
    #[error("there is no bot `{bot}`")]
    UnknownBot {
        /// The name that was asked for.
        bot: String,
    },
}

/// Why the plugins of a bot could not be replaced. The bot goes on as it was.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ReplaceError {
    /// One of the new plugins does not start; those before it were stopped again.
    #[error("plugin `{plugin}` of the bot `{bot}` cannot start: {reason}")]
    CannotStart {
        /// The name of the bot.
        bot: String,
        /// The name of the plugin.
        plugin: String,
        /// Why, in words, without message text.
        reason: String,
    },
    /// Two of the new plugins have the same name, and so would share what they save.
    #[error("two plugins of the bot `{bot}` are named `{plugin}`")]
    DuplicatePlugin {
        /// The name of the bot.
        bot: String,
        /// The name of the plugins.
        plugin: String,
    },
    /// The bot stops or has ended.
    #[error("the bot `{bot}` has ended")]
    Ended {
        /// Which.
        bot: String,
    },
    /// There is no such bot.
    #[error("there is no bot `{bot}`")]
    UnknownBot {
        /// The name that was asked for.
        bot: String,
    },
}

impl Handle {
    pub(crate) const fn new(registry: Arc<Registry>) -> Self {
        Self { registry }
    }

    /// The health pages and the hooks of the bots, to be mounted into another server.
    #[must_use]
    pub fn pages(&self) -> Pages {
        pages(self.clone(), self.registry.metrics.clone())
    }

    pub(crate) fn turnstile(&self) -> &Turnstile {
        &self.registry.turnstile
    }

    /// The names of the bots, in the order in which they were added. One that has ended stays until it is removed.
    pub fn names(&self) -> impl Iterator<Item = String> + use<> {
        let bots = self.registry.bots();
        (0..bots.len()).filter_map(move |at| bots.get(at).map(|bot| bot.shared.name.clone()))
    }

    /// Where each bot stands, in the same order.
    pub fn standings(&self) -> impl Iterator<Item = Standing> + use<> {
        let bots = self.registry.bots();
        (0..bots.len()).filter_map(move |at| bots.get(at).map(|bot| bot.shared.standing()))
    }

    /// Follows where the bot named `bot` stands. None if there is no such bot.
    #[must_use]
    pub fn watch(&self, bot: &str) -> Option<watch::Receiver<BotStatus>> {
        self.find(bot).map(|bot| bot.shared.board.follow())
    }

    /// How much the bot named `bot` has to do. None if there is no such bot.
    #[must_use]
    pub fn activity(&self, bot: &str) -> Option<Activity> {
        self.find(bot).map(|bot| bot.shared.board.read(|shown| shown.activity))
    }

    /// How each plugin of the bot named `bot` does, in their order; none before it has started. None if there is no such bot.
    #[must_use]
    pub fn plugins(&self, bot: &str) -> Option<Vec<PluginStatus>> {
        self.find(bot).map(|bot| bot.shared.breakers().iter().map(|one| one.status()).collect())
    }

    /// The REST calls of the bot named `bot`, with its token: users, groups, history. None if there is no such bot, or it
    /// has not begun to connect.
    #[must_use]
    pub fn api(&self, bot: &str) -> Option<Api> {
        Some(self.find(bot)?.shared.caller()?.api())
    }

    /// Attachments of the bot named `bot`, which are those that it sends itself: what one of the two has uploaded, the other
    /// does not upload again. None as [`api`](Self::api).
    #[must_use]
    pub fn files(&self, bot: &str) -> Option<Files> {
        self.find(bot)?.shared.files()
    }

    /// The plugin that takes requests for `path`, with what follows the path of its hook. Of several the first bot's.
    pub(crate) fn hook(&self, path: &str) -> Option<(Mounted, Option<String>)> {
        self.registry.bots().iter().find_map(|bot| {
            bot.shared.hooks()?.iter().find_map(|mounted| {
                let tail = mounted.hook.takes(path)?;
                Some((mounted.clone(), tail.map(str::to_owned)))
            })
        })
    }

    /// Whether a bot took requests for `path` and has stopped.
    pub(crate) fn has_closed(&self, path: &str) -> bool {
        self.registry.bots().iter().any(|bot| bot.shared.has_closed(path))
    }

    /// Whether the hooks of a bot may still come.
    pub(crate) fn has_unmounted(&self) -> bool {
        self.registry.bots().iter().any(|bot| !bot.shared.has_mounted() && !bot.shared.has_ended())
    }

    /// Waits until no bot that runs has anything to do, nor any plugin of it besides events. Cancel-safe.
    pub async fn settled(&self) {
        loop {
            for bot in &*self.registry.bots() {
                bot.shared.board.wait_for(Shown::is_settled).await;
            }
            if self.registry.bots().iter().all(|bot| bot.is_settled()) {
                return;
            }
        }
    }

    /// Says `outgoing` through the bot named `bot`. The answer comes when it is saved; the [`Ticket`] waits for the server.
    ///
    /// Under the same `key` it is said once, however often this is called; without a key each call says it.
    /// A text that is too long for one message becomes several, at most 20, under `key/1`, `key/2` and so on; the ticket is
    /// about all of them.
    ///
    /// Waits while the bot has 256 commands to do, and while too much waits to be sent
    /// ([`OutboxLimits::n_unsent`](crate::OutboxLimits::n_unsent)): nothing is refused for that. Cancel-safe up to that moment.
    ///
    /// # Errors
    /// See [`SendOutsideError`].
    pub async fn send(
        &self,
        bot: &str,
        key: Option<String>,
        outgoing: impl Into<Outgoing>,
    ) -> Result<Ticket, SendOutsideError> {
        self.say(bot, key, outgoing.into(), Urgency::Answer).await
    }

    /// [`send`](Self::send) for what may wait behind people's answers, such as a message to many groups.
    ///
    /// # Errors
    /// See [`SendOutsideError`].
    pub async fn send_bulk(
        &self,
        bot: &str,
        key: Option<String>,
        outgoing: impl Into<Outgoing>,
    ) -> Result<Ticket, SendOutsideError> {
        self.say(bot, key, outgoing.into(), Urgency::Bulk).await
    }

    async fn say(
        &self,
        bot: &str,
        key: Option<String>,
        outgoing: Outgoing,
        urgency: Urgency,
    ) -> Result<Ticket, SendOutsideError> {
        let found =
            self.find(bot).ok_or_else(|| SendOutsideError::UnknownBot { bot: bot.to_owned() })?;
        let parts = easebot_client::split(&outgoing, &found.user, &found.app_key)
            .map_err(|error| SendError::Refused { reason: chain(&error) })?
            .unwrap_or_else(|| vec![outgoing]);
        let (updates, tickets): (Vec<_>, Vec<_>) = parts.iter().map(|_| ticket()).unzip();
        let parts = parts.into_iter().zip(updates).collect();
        let (saved, is_saved) = oneshot::channel();
        let ended = || SendOutsideError::Ended { bot: bot.to_owned() };
        let command = Box::new(Command::Send { key, parts, urgency, saved });
        let place = loop {
            let place = found.commands.reserve().await.map_err(|Gone| ended())?;
            // Looked at again with each place, so that of many who wait not all pass at once.
            if found.shared.board.read(|shown| shown.has_room) {
                break place;
            }
            drop(place);
            // Of a bot that is gone the next place says so.
            found.shared.board.wait_for(|shown| shown.has_room || shown.end.is_some()).await;
        };
        place.send(command);
        is_saved.await.map_err(|_| match found.shared.has_ended() {
            true => ended(),
            false => SendOutsideError::NotSaved { bot: bot.to_owned() },
        })??;
        tickets.into_iter().reduce(Ticket::and).ok_or(SendOutsideError::Send(SendError::Closed))
    }

    /// The ids under which the server has what the bot named `bot` said under `key`, also after a restart: one, or one for each
    /// part of a long text.
    ///
    /// What is on its way is waited for, as long as [`Ticket::receipt`] would; what was given up is left out. Cancel-safe.
    ///
    /// # Errors
    /// See [`SendOutsideError`]; [`SendError::NothingSaid`] if nothing is known of it, or all of it was given up.
    pub async fn said(&self, bot: &str, key: String) -> Result<Vec<MessageId>, SendOutsideError> {
        let found =
            self.find(bot).ok_or_else(|| SendOutsideError::UnknownBot { bot: bot.to_owned() })?;
        let mut ids = Vec::new();
        for part in ask(&found, vec![SendName::Free(key)], true).await? {
            match part {
                Taken::Sent { message, .. } => ids.push(message),
                Taken::OnItsWay { ticket, .. } => match ticket.receipt().await {
                    Ok(receipt) => ids.push(receipt.message),
                    Err(SendError::Closed) => {
                        return Err(SendOutsideError::Ended { bot: bot.to_owned() });
                    }
                    // It was given up.
                    Err(_) => {}
                },
                Taken::Cancelled | Taken::Gone => {}
            }
        }
        if ids.is_empty() {
            return Err(SendError::NothingSaid.into());
        }
        Ok(ids)
    }

    /// Shows in `to` that the bot named `bot` writes, if there is one and it is not busy.
    pub(crate) fn show_typing(&self, bot: &str, to: &Conversation) {
        if let Some(found) = self.find(bot) {
            // Whoever has more important things to do does not show that it writes.
            found.commands.offer(Box::new(Command::ShowTyping { to: to.clone() }));
        }
    }

    /// Takes back what the bot named `bot` said: under a key, also after a restart, or what a ticket is about.
    ///
    /// What waits is not sent any more: it is dropped in the store, and its ticket settles with [`SendError::Cancelled`]. What
    /// was sent is recalled, for which the server gives 2 minutes by default; a cmd message cannot be recalled. What is on its
    /// way is recalled once the server has it, so this may wait as long as [`Ticket::receipt`]; whoever does not wait so long
    /// leaves it said. Of a text in several parts all are taken back. Twice is no error.
    ///
    /// A thread of a group is recalled as the group that it is.
    ///
    /// # Errors
    /// See [`SendOutsideError`]; [`SendError::NothingSaid`] if nothing is known of it, [`SendError::Refused`] with what the server
    /// says to the recall.
    pub async fn recall(
        &self,
        bot: &str,
        what: impl Into<TakeBack>,
    ) -> Result<TakenBack, SendOutsideError> {
        let found =
            self.find(bot).ok_or_else(|| SendOutsideError::UnknownBot { bot: bot.to_owned() })?;
        let of = match what.into() {
            TakeBack::Key(key) => vec![SendName::Free(key)],
            TakeBack::Ticket(ticket) => {
                let rows = ticket.rows().await.into_iter();
                rows.map(|row| SendName::Row(OutgoingRow(row))).collect()
            }
        };
        let ended = || SendOutsideError::Ended { bot: bot.to_owned() };
        let all = ask(&found, of, false).await?;
        if all.is_empty() {
            return Err(SendError::NothingSaid.into());
        }
        let mut n_cancelled = 0;
        let mut recalls = Vec::new();
        for taken in all {
            let (to, message) = match taken {
                Taken::Cancelled => {
                    n_cancelled += 1;
                    continue;
                }
                Taken::Gone => continue,
                Taken::OnItsWay { to, ticket } => match ticket.receipt().await {
                    Ok(receipt) => (to, receipt.message),
                    Err(SendError::Closed) => return Err(ended()),
                    // It did not arrive: there is nothing to recall.
                    Err(_) => continue,
                },
                Taken::Sent { to, message } => (to, message),
            };
            let act = Act::Recall { message, ext: None, is_thread: false };
            let (key, recall) = (format!("recall/{}", message.0), Outgoing { to, act });
            recalls.push(self.say(bot, Some(key), recall, Urgency::Answer).await?);
        }
        let n_recalled = recalls.len();
        for recall in recalls {
            recall.receipt().await?;
        }
        Ok(TakenBack::new(n_cancelled, n_recalled))
    }

    /// Starts one more bot. It returns at once, as [`Runtime::start`](crate::Runtime::start) does; the other bots notice
    /// nothing.
    ///
    /// # Errors
    /// See [`AddBotError`]. A bot that has ended keeps its name and its user until it is removed.
    pub fn add(&self, spec: BotSpec) -> Result<(), AddBotError> {
        self.registry.add(spec)
    }

    /// Starts bots again that have ended: each in the place of the one of its name, all at one moment. A bot that others say
    /// something through is stopped by [`stop`](Self::stop) and started by this: at no moment do they find that there is none.
    /// It returns at once, with the answers in the order of `specs`; a bot that is new is [added](Self::add).
    ///
    /// # Errors
    /// See [`AddBotError`]: [`DuplicateName`](AddBotError::DuplicateName) for one that has not ended.
    #[must_use]
    pub fn add_again(&self, specs: Vec<BotSpec>) -> Vec<Result<(), AddBotError>> {
        self.registry.add_again(specs)
    }

    /// Stops the bot named `bot` as [`Runtime::shutdown`](crate::Runtime::shutdown) does. It stays in the list as one that has
    /// ended, until it is [removed](Self::remove) or [added again](Self::add_again). Gives what it left, which stays saved.
    ///
    /// Cancel-safe: if it is dropped, the bot stops all the same.
    ///
    /// # Errors
    /// [`RemoveBotError::UnknownBot`].
    pub async fn stop(&self, bot: &str, patience: Duration) -> Result<LeftByBot, RemoveBotError> {
        let found =
            self.find(bot).ok_or_else(|| RemoveBotError::UnknownBot { bot: bot.to_owned() })?;
        Ok(LeftByBot::new(bot, found.stop(patience).await))
    }

    /// Stops the bot named `bot` as [`Runtime::shutdown`](crate::Runtime::shutdown) does, and forgets it once it has ended:
    /// its name and its user are free then. Gives what it left, which stays saved. The other bots notice nothing.
    ///
    /// Cancel-safe: if it is dropped, the bot stops all the same, and stays in the list as one that has ended.
    ///
    /// # Errors
    /// [`RemoveBotError::UnknownBot`].
    pub async fn remove(&self, bot: &str, patience: Duration) -> Result<LeftByBot, RemoveBotError> {
        let found =
            self.find(bot).ok_or_else(|| RemoveBotError::UnknownBot { bot: bot.to_owned() })?;
        let leftover = found.stop(patience).await;
        self.registry.forget(&found);
        Ok(LeftByBot::new(bot, leftover))
    }

    /// Gives the bot named `bot` other plugins and options. Its connection, what it has saved and what waits to be sent
    /// stay.
    ///
    /// The new plugins are started first. Then each event whose handling begins goes to them, and their work besides events
    /// begins once that of the old ones has ended. Handlers that run finish with the old plugins, which are stopped when the
    /// last one is through. A plugin keeps its saved state by its name. Of the options, `durability`, `in_doubt`, `outbox`,
    /// `pace`, `shares_groups` and `seed` stay as they were: those are changed by removing the bot and adding it again.
    ///
    /// Replacements of a bot are made one after the other; while one is made, one more waits, and further callers wait for
    /// room. Cancel-safe until its turn has come; from then on it is made even if this is dropped.
    ///
    /// # Errors
    /// See [`ReplaceError`].
    pub async fn replace(
        &self,
        bot: &str,
        plugins: Vec<PluginSpec>,
        options: BotOptions,
    ) -> Result<(), ReplaceError> {
        let found =
            self.find(bot).ok_or_else(|| ReplaceError::UnknownBot { bot: bot.to_owned() })?;
        let ended = || ReplaceError::Ended { bot: bot.to_owned() };
        if found.shared.board.read(|shown| shown.status == BotStatus::Stopping) {
            return Err(ended());
        }
        if let Some(plugin) = twice(&plugins) {
            let (bot, plugin) = (bot.to_owned(), plugin.to_owned());
            return Err(ReplaceError::DuplicatePlugin { bot, plugin });
        }
        let (done, is_done) = oneshot::channel();
        let order = Box::new(Replace { plugins, options, done });
        found.replacements.send(order).await.map_err(|Gone| ended())?;
        is_done.await.map_err(|_| ended())?.map_err(|CannotStart { plugin, reason }| {
            ReplaceError::CannotStart { bot: bot.to_owned(), plugin, reason }
        })
    }

    fn find(&self, bot: &str) -> Option<Arc<Running>> {
        self.registry.find(bot)
    }
}

/// What became of each message of these.
async fn ask(
    bot: &Running,
    of: Vec<SendName>,
    only_looks: bool,
) -> Result<Vec<Taken>, SendOutsideError> {
    let name = || bot.shared.name.clone();
    let (done, is_done) = oneshot::channel();
    let command = Box::new(Command::Cancel { of, only_looks, done });
    let sent = bot.commands.send(command).await;
    sent.map_err(|Gone| SendOutsideError::Ended { bot: name() })?;
    is_done.await.map_err(|_| match bot.shared.has_ended() {
        true => SendOutsideError::Ended { bot: name() },
        false => SendOutsideError::NotSaved { bot: name() },
    })
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("bots", &self.names().collect::<Vec<_>>()).finish()
    }
}

//! What a plugin can do with an event.

use std::{error::Error, fmt, path::Path, sync::Arc};

use easebot_model::{
    AppKey, Attachment, Combine, Conversation, Draft, Edit, Message, MessageId, NewContent,
    Outgoing, Timestamp, UserId, chain,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Api, Effects, Env, FetchError, FileStream, Host, Part, SendError, State, TakeBack, TakenBack,
    Ticket, TypingGuard, UploadError, Urgency, effect::Matter,
};

/// Who the bot is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BotInfo {
    /// Its name in the configuration.
    pub name: String,
    /// The user that it is logged in as.
    pub user: UserId,
    /// The app that the user belongs to.
    pub app_key: AppKey,
}

/// What a plugin can do with one event: reply, send, show that it writes, remember. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    effects: Effects,
    /// The try that this handle belongs to.
    attempt: u32,
}

impl Context {
    pub(crate) const fn new(effects: Effects, attempt: u32) -> Self {
        Self { effects, attempt }
    }

    fn matter(&self) -> &Matter {
        self.effects.matter()
    }

    /// Whether the event is something that the bot itself said: a message, an edit or a recall that the server has by now. It is
    /// here because this plugin [asks for that](crate::Interest::with_said). There is nothing to answer: what is sent is refused.
    #[must_use]
    pub fn is_said(&self) -> bool {
        self.matter().part == Part::Listen
    }

    /// Whether the event is another bot's to answer: it came in a group or chat room where several bots are, and this plugin
    /// sees it because it is an [observer](crate::Interest::observing). Whoever answers now, answers a second time.
    #[must_use]
    pub fn is_onlooker(&self) -> bool {
        self.matter().part == Part::LookOn
    }

    /// Who the bot is.
    #[must_use]
    pub fn bot(&self) -> &BotInfo {
        self.matter().env.bot()
    }

    /// Name of the plugin.
    #[must_use]
    pub fn plugin(&self) -> &str {
        self.matter().env.plugin()
    }

    /// The conversation of the event; none for events of the account as a whole.
    #[must_use]
    pub fn conversation(&self) -> Option<&Conversation> {
        self.matter().conversation.as_ref()
    }

    /// The time. Tests move it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.host().now()
    }

    /// When `message` was written, by the server's clock; [now](Self::now) if the server has not said. What counts from a message
    /// on, such as a pause, counts from here: then what comes late, and what is handled again, is taken as it was meant.
    #[must_use]
    pub fn time_of(&self, message: &Message) -> Timestamp {
        if message.time == Timestamp(0) { self.now() } else { message.time }
    }

    /// Says `draft` in the conversation of the event: a text, a body, or a [`Draft`] with a file, `ext` and the like. In a message
    /// thread it is part of the thread.
    ///
    /// It is queued and leaves in order behind what was said there before; [`Ticket::receipt`] waits for the answer.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`SendError::NoConversation`].
    pub async fn reply(&self, draft: impl Into<Draft>) -> Result<Ticket, SendError> {
        let to = self.place()?;
        let mut draft = draft.into();
        draft.is_thread |= self.matter().is_thread;
        self.send(draft.to(to)).await
    }

    /// [`reply`](Self::reply) that shows `message` above it, in the apps that do so: `cx.quote(&message, "yes").await?`.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub async fn quote(
        &self,
        message: &Message,
        draft: impl Into<Draft>,
    ) -> Result<Ticket, SendError> {
        self.reply(draft.into().quoting(message)).await
    }

    /// Says `message` once more in `to`, as [`Draft::forward`] has it.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`SendError::Refused`] for a command and for what cannot be read.
    pub async fn forward(&self, message: &Message, to: Conversation) -> Result<Ticket, SendError> {
        self.send(Draft::forward(message).map_err(refused)?.to(to)).await
    }

    /// Replies with `messages` as one that opens to all of them, as [`Draft::history`] has it.
    ///
    /// # Errors
    /// As [`reply`](Self::reply), and [`SendError::Refused`] if there are none, too many, or some that are nested too deep.
    pub async fn combine(
        &self,
        messages: impl IntoIterator<Item = Message>,
    ) -> Result<Ticket, SendError> {
        self.reply(Draft::history(messages).map_err(refused)?).await
    }

    /// Gives new content to `message`, which was said in the conversation of the event, such as the
    /// [receipt](Ticket::receipt) of a reply names it. Elsewhere, and with other pairs: [`Edit`].
    ///
    /// # Errors
    /// As [`reply`](Self::reply). Whether it may be edited only the server knows: the ticket settles with its refusal.
    pub async fn edit(
        &self,
        message: MessageId,
        content: impl Into<NewContent>,
    ) -> Result<Ticket, SendError> {
        let edit = Edit::new(message, content);
        match self.place()? {
            Conversation::Group(thread) if self.matter().is_thread => {
                self.send(edit.to_thread(thread)).await
            }
            place => self.send(edit.to(place)).await,
        }
    }

    fn place(&self) -> Result<Conversation, SendError> {
        self.matter()
            .conversation
            .clone()
            .ok_or(SendError::NoConversation { kind: self.matter().kind })
    }

    /// Queues `outgoing`, whatever its conversation: `cx.send(Draft::new("fire").to_group("77")).await?`.
    ///
    /// A text that is too long for one message becomes several, at most 20: cut behind paragraphs, sentences or words, in
    /// order, `ext` with the first. Each counts as a send, and the ticket is about all of them.
    ///
    /// It does not wait for the network: while too much waits to be sent, no further handler begins, but one that runs goes on.
    ///
    /// # Errors
    /// [`SendError::Refused`] if it breaks a limit that is known here or the event is what the bot [said](Self::is_said),
    /// [`SendError::TooMany`] if this handler run has queued [`Effects::MAX_SENDS`] already.
    #[expect(
        clippy::unused_async,
        reason = "a runtime may make a handler wait; ours does not begin it"
    )]
    pub async fn send(&self, outgoing: impl Into<Outgoing>) -> Result<Ticket, SendError> {
        self.say(outgoing.into(), Urgency::Answer)
    }

    /// [`send`](Self::send) for what may wait behind people's answers, such as a message to many groups.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[expect(
        clippy::unused_async,
        reason = "a runtime may make a handler wait; ours does not begin it"
    )]
    pub async fn send_bulk(&self, outgoing: impl Into<Outgoing>) -> Result<Ticket, SendError> {
        self.say(outgoing.into(), Urgency::Bulk)
    }

    /// Takes back what was said: `cx.recall(ticket).await?`.
    ///
    /// What waits is not sent any more: it is dropped in the store, and its ticket settles with [`SendError::Cancelled`]. What
    /// was sent is recalled, for which the server gives 2 minutes by default; a cmd message cannot be recalled. What is on its
    /// way is recalled once the server has it, so this may wait as long as [`Ticket::receipt`]; whoever does not wait so long
    /// leaves it said. Of a text in several parts all are taken back. Twice is no error.
    ///
    /// # Errors
    /// [`SendError::Refused`] with what the server says to the recall, [`SendError::NothingSaid`] for what was never saved.
    pub async fn recall(&self, ticket: Ticket) -> Result<TakenBack, SendError> {
        self.host().recall(None, self.plugin(), TakeBack::Ticket(ticket)).await
    }

    pub(crate) fn say(&self, outgoing: Outgoing, urgency: Urgency) -> Result<Ticket, SendError> {
        if self.is_said() {
            let reason = "it would be an answer to what the bot itself said".to_owned();
            return Err(SendError::Refused { reason });
        }
        match self.host().split(&outgoing)? {
            None => self.effects.send(self.attempt, [outgoing], urgency),
            Some(parts) => self.effects.send(self.attempt, parts, urgency),
        }
    }

    /// Downloads an attachment to the file `to`, over an older one. Gives its length in bytes.
    ///
    /// The name in a message is the sender's: never use it as a path. Bytes go to the disk as they come, a broken download
    /// goes on where it stopped, and the account's token goes to the account's own servers only.
    ///
    /// # Errors
    /// [`FetchError`] with what the file server or the disk says.
    pub async fn download(&self, attachment: &Attachment, to: &Path) -> Result<u64, FetchError> {
        self.host().download(attachment, to, None).await
    }

    /// Uploads a file that flows, for messages to the conversation of the event. Gives it as it stands in a message:
    /// `cx.reply(Draft::image(attachment)).await?`.
    ///
    /// A stream cannot be saved for a restart, so it goes up at once, while the handler runs: with the address in it the message is
    /// plain data. As a [call](Self::api) it is not taken back when the handler fails. What is a path or a few bytes needs none of this.
    ///
    /// # Errors
    /// [`UploadError`] with what the file server or the stream says, or that there is no conversation.
    ///
    /// ```
    /// # use async_trait::async_trait;
    /// # use easebot_model::{Draft, Event};
    /// # use easebot_plugin::{Context, FileStream, Flow, Interest, Plugin, PluginError, testing::Bench};
    /// # struct Report;
    /// # #[async_trait]
    /// # impl Plugin for Report {
    /// #   fn name(&self) -> &str { "report" }
    /// #   fn interest(&self) -> Interest { Interest::texts() }
    /// async fn on_event(&self, _event: &Event, cx: &Context) -> Result<Flow, PluginError> {
    ///     let flowing: &[u8] = b"all is well"; // the body of an answer, say
    ///     let report = cx.upload(FileStream::new("report.txt", 11, flowing)).await?;
    ///     cx.reply(Draft::file(report)).await?;
    ///     Ok(Flow::Stop)
    /// }
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let answer = Bench::new().text(&Report, "bob", "report").await.unwrap();
    /// # assert_eq!(answer.sent.len(), 1);
    /// # });
    /// ```
    pub async fn upload(&self, file: FileStream) -> Result<Attachment, UploadError> {
        let to = self.place().map_err(UploadError::permanent)?;
        self.host().upload(&to, file).await
    }

    /// Downloads a combined message and reads the messages in it. Combined ones among them are opened in the same way.
    ///
    /// # Errors
    /// [`FetchError`] with what the file server says, or what is wrong with the file.
    pub async fn open_combine(&self, combine: &Combine) -> Result<Vec<Message>, FetchError> {
        self.host().open_combine(combine).await
    }

    /// The REST calls of the bot's account: users, groups, chat rooms, contacts, presence, history, reactions, pins,
    /// threads, translation. Cheap to clone and good for as long as the bot lives.
    ///
    /// A call is made when the event is saved, at once and by itself: unlike what is sent, it is not taken back when the
    /// handler fails, and is made again when the event comes again after a crash.
    ///
    /// ```
    /// # use async_trait::async_trait;
    /// # use easebot_model::{Conversation, Event};
    /// # use easebot_plugin::{Context, Flow, Interest, Plugin, PluginError};
    /// use easebot_plugin::{rest::testing::Script, testing::Bench};
    /// use serde_json::json;
    ///
    /// /// Says whose group this is.
    /// struct Whose;
    ///
    /// #[async_trait]
    /// impl Plugin for Whose {
    /// #   fn name(&self) -> &str { "whose" }
    /// #   fn interest(&self) -> Interest { Interest::texts() }
    ///     async fn on_event(&self, _event: &Event, cx: &Context) -> Result<Flow, PluginError> {
    ///         if let Some(Conversation::Group(id)) = cx.conversation() {
    ///             let group = cx.api().group(id).await?;
    ///             let owner = group.owner.unwrap_or_default();
    ///             cx.reply(format!("{} belongs to {owner}", group.name)).await?;
    ///         }
    ///         Ok(Flow::Stop)
    ///     }
    /// }
    ///
    /// # let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # rt.block_on(async {
    /// let bench = Bench::new();
    /// bench.answer_calls(|_, _| {
    ///     Script::ok(&json!({ "data": [{ "id": "77", "name": "ops", "owner": "amy" }] }))
    /// });
    /// let answer = bench.text_in(&Whose, Conversation::group("77"), "bob", "whose?").await.unwrap();
    /// assert_eq!(answer.texts(), ["ops belongs to amy"]);
    /// assert_eq!(bench.calls()[0].line(), "GET /chatgroups/77");
    /// # });
    /// ```
    #[must_use]
    pub fn api(&self) -> Api {
        self.host().api()
    }

    /// Shows in the conversation of the event that the bot writes, until the guard is dropped.
    ///
    /// None if the event belongs to no conversation. Needs a tokio runtime, as every handler has.
    #[must_use]
    pub fn typing(&self) -> Option<TypingGuard> {
        let to = self.matter().conversation.clone()?;
        Some(TypingGuard::start(self.matter().env.clone(), to))
    }

    /// Shows once that the bot writes, for an answer that follows at once.
    pub fn show_typing(&self) {
        if let Some(to) = &self.matter().conversation {
            self.host().typing(None, to);
        }
    }

    /// What this plugin has saved, as type `T`.
    #[must_use]
    pub const fn state<T: Serialize + DeserializeOwned>(&self) -> State<'_, T> {
        State::new(self)
    }

    /// Says what of the plugin is at work from now on, such as the name of a handler: it is told where a try takes too long, or
    /// keeps its thread. It holds no message text. Errors say it themselves.
    pub fn enter(&self, part: impl Into<Arc<str>>) {
        self.effects.enter(self.attempt, part.into());
    }

    /// What this plugin has outside of events: the same as in [`Plugin::start`](crate::Plugin::start). What is done through it
    /// is done at once, and not taken back when the handler fails.
    #[must_use]
    pub fn env(&self) -> Env {
        self.matter().env.clone()
    }

    /// The last value written for `key` in this run and not yet committed.
    pub(crate) fn unsaved(&self, key: &str) -> Option<Option<Vec<u8>>> {
        self.effects.unsaved(key)
    }

    pub(crate) fn save(&self, key: &str, value: Option<Vec<u8>>) {
        self.effects.save(self.attempt, key.to_owned(), value);
    }

    pub(crate) fn host(&self) -> &dyn Host {
        self.matter().env.host()
    }
}

fn refused(error: impl Error + 'static) -> SendError {
    SendError::Refused { reason: chain(&error) }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("bot", &self.bot().name)
            .field("plugin", &self.plugin())
            .field("conversation", &self.matter().conversation)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

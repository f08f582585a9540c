//! What a command does.

use easebot_model::{Act, ConversationKind, Draft, Message, Outgoing, chain};
use easebot_plugin::{PluginError, RenderError, SendError, Ticket, Values};
use easebot_role::command::{Asked, CommandAnswer};
use tracing::warn;

use crate::{
    entry::Entry, http::CallFailure, keys::Recall, language::Reason, plugin::Command, said::unfit,
    undo,
};

/// Why a command was not done.
enum Stuck {
    /// Whoever asked is told why.
    Told(Reason),
    /// The event fails, and is tried again.
    Failed(PluginError),
}

impl From<RenderError> for Stuck {
    fn from(error: RenderError) -> Self {
        Self::Failed(unfit(error))
    }
}

impl From<SendError> for Stuck {
    fn from(error: SendError) -> Self {
        Self::Failed(error.into())
    }
}

impl Command {
    /// Does what the command does.
    pub(crate) async fn take(
        &self,
        entry: &Entry,
        values: Values,
        asked: Asked<'_>,
    ) -> Result<CommandAnswer, PluginError> {
        match self.act(entry, values, asked).await {
            Ok(()) => Ok(CommandAnswer::done()),
            Err(Stuck::Told(reason)) => Ok(CommandAnswer::Failed(reason.text(self.language))),
            Err(Stuck::Failed(error)) => Err(error),
        }
    }

    async fn act(&self, entry: &Entry, mut values: Values, asked: Asked<'_>) -> Result<(), Stuck> {
        let Asked { message, cx, .. } = asked;
        let mut attached = None;
        if let Some(call) = &entry.http {
            let _typing = self.shows_typing_in(message).then(|| cx.typing());
            let answer = call.make(&self.templates, &values, message.id).await;
            let mut answer = answer.map_err(|failure| match failure {
                CallFailure::Render(error) => error.into(),
                failure => {
                    let error = chain(&failure);
                    warn!(bot = %cx.bot().name, plugin = %self.name, command = %entry.name, %error, "a call failed");
                    Stuck::Told(failure.into())
                }
            })?;
            attached = answer.draft.take();
            values = answer.add_to(values);
        }
        // All is filled in before the first of it is said, so that what cannot be filled in leaves nothing half done.
        let mut drafts = Vec::new();
        if entry.replies {
            let text = self.templates.render(&entry.name, &values)?;
            drafts.extend((!text.trim().is_empty()).then(|| Draft::new(text)));
        }
        let forward = match &entry.forward {
            Some(to) => Some((to, self.templates.render(&entry.forward_name(), &values)?)),
            None => None,
        };
        drafts.extend(entry.image.clone().map(Draft::image));
        drafts.extend(entry.file.clone().map(Draft::file));
        drafts.extend(attached);
        if let Some(first) = drafts.first_mut() {
            first.ext = entry.ext.clone();
        }
        match entry.recall {
            Some(Recall::Last) => self.take_back_last(asked).await?,
            Some(Recall::Quoted) => take_back_quoted(asked).await?,
            None => {}
        }
        let mut said: Option<Ticket> = None;
        for draft in drafts {
            let ticket = self.answer(draft, asked).await?;
            said = Some(match said {
                Some(before) => before.and(ticket),
                None => ticket,
            });
        }
        // What says that something was taken back is not the next to be taken back.
        if let (Some(said), true, None) = (said, self.undoes, entry.recall) {
            self.last.put(message.conversation.clone(), said, message.time);
        }
        if let Some((to, text)) = forward.filter(|(_, text)| !text.trim().is_empty()) {
            cx.send(Outgoing::message(to.clone(), text)).await?;
        }
        Ok(())
    }

    async fn take_back_last(&self, asked: Asked<'_>) -> Result<(), Stuck> {
        let Some(said) = self.last.take(&asked.message.conversation) else {
            return Err(Stuck::Told(Reason::NothingSaid));
        };
        match asked.cx.recall(said).await {
            Ok(_) => Ok(()),
            Err(SendError::Closed) => Err(SendError::Closed.into()),
            Err(_) => Err(Stuck::Told(Reason::TooLate)),
        }
    }

    fn shows_typing_in(&self, message: &Message) -> bool {
        self.shows_typing && message.conversation.kind() != ConversationKind::Room
    }

    pub(crate) async fn answer(&self, draft: Draft, asked: Asked<'_>) -> Result<Ticket, SendError> {
        if self.shows_typing_in(asked.message) {
            asked.cx.show_typing();
        }
        asked.cx.reply(draft).await
    }
}

async fn take_back_quoted(asked: Asked<'_>) -> Result<(), Stuck> {
    let Asked { message, cx, .. } = asked;
    let Some((id, from)) = undo::quoted(message) else {
        return Err(Stuck::Told(Reason::NoQuote));
    };
    if from != cx.bot().user {
        return Err(Stuck::Told(Reason::NotMine));
    }
    let is_thread = message.thread.is_some();
    let act = Act::Recall { message: id, ext: None, is_thread };
    cx.send(Outgoing { to: message.conversation.clone(), act }).await?;
    Ok(())
}

//! The plugin itself.

mod build;

use std::{fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use easebot_model::{Event, chain};
use easebot_plugin::{At, Context, Env, Interest, PluginError, SecretSource};
use easebot_role::webhook::{
    self, Answer, Endpoint, Post, Poster, Signer, UnusableSecret, Web, WebhookRelay,
};
use tracing::warn;

use crate::{
    answer,
    payload::Posted,
    replies::{self, Allowed},
};

/// Posts events to an endpoint, and says what it answers.
pub struct WebhookOut {
    name: String,
    /// Where relative paths of secrets start.
    folder: PathBuf,
    url: String,
    secrets: Vec<At<SecretSource>>,
    token: Option<At<SecretSource>>,
    interest: Interest,
    replies: bool,
    allowed: Allowed,
    poster: Poster,
    /// Who makes the requests: to the endpoint, and for files of replies.
    posting: Arc<dyn Web>,
    fetching: Arc<dyn Web>,
}

/// The plugin cannot start.
#[derive(Debug, thiserror::Error)]
#[error("requests cannot be signed")]
struct StartError(#[from] UnusableSecret);

#[async_trait]
impl WebhookRelay for WebhookOut {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        self.interest
    }

    fn poster(&self) -> Option<&Poster> {
        Some(&self.poster)
    }

    fn endpoint(&self, env: &Env) -> Result<Endpoint, PluginError> {
        let read = |source: &At<SecretSource>| env.secret(source, &self.folder);
        let secrets = self.secrets.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let signer = Signer::standard(&secrets).map_err(StartError::from)?;
        let mut endpoint =
            Endpoint::new(&self.url)?.signed(signer).through(Arc::clone(&self.posting));
        if !self.replies {
            endpoint = endpoint.without_answers();
        }
        Ok(match &self.token {
            None => endpoint,
            Some(token) => endpoint.with_token(&read(token)?)?,
        })
    }

    async fn post(&self, event: &Event, cx: &Context) -> Result<Option<Post>, PluginError> {
        let posted = Posted::new(event, cx.bot(), cx.now()).said(cx.is_said());
        Ok(Some(Post::json(&posted)?.with_id(posted.id)))
    }

    async fn answered(
        &self,
        posted: &webhook::Posted<'_>,
        answer: &Answer,
    ) -> Result<(), PluginError> {
        if !self.replies {
            return Ok(());
        }
        let (bot, plugin) = (&posted.env().bot().name, &self.name);
        let webhook::Delivery { id, conversation, .. } = posted.delivery();
        let replies = match answer::replies(answer.body()) {
            Ok(replies) => replies,
            Err(error) => {
                warn!(%bot, %plugin, %id, reason = %error, "nothing of an answer is said");
                return Ok(());
            }
        };
        for (at, reply) in replies.into_iter().enumerate() {
            let place = conversation.as_ref();
            let said = replies::said(at, reply, place, &self.allowed, &*self.fetching).await;
            let (said, notes) = match said {
                Ok(said) => said,
                Err(error) => {
                    let reason = chain(&error);
                    warn!(%bot, %plugin, %id, at, %reason, "a reply is not said");
                    continue;
                }
            };
            for reason in notes {
                warn!(%bot, %plugin, %id, at, %reason, "a reply is said without its file");
            }
            for one in said {
                posted.say(&one.key, one.outgoing).await?;
            }
        }
        Ok(())
    }
}

easebot_role::plugin!(WebhookOut: WebhookRelay);

/// Without the address, which may hold a secret.
impl fmt::Debug for WebhookOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookOut")
            .field("name", &self.name)
            .field("interest", &self.interest)
            .field("poster", &self.poster)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

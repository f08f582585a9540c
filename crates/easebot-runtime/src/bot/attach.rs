//! What a message takes along goes up before the message is sent; what others sent along comes down when it is asked for.

use std::{sync::Arc, time::Duration};

use easebot_client::{
    Caller, Client, DownloadError, DownloadOptions, Files, Me, Meaning, Retry, Source, UploadError,
    UploadOptions,
    combine::{self, CombineLimits, ParseCombineError},
};
use easebot_model::{
    Act, AppKey, Attach, Attachment, Body, ClientMessageId, Combine, Conversation, Draft,
    FileSource, Message, Outgoing,
};
use thiserror::Error;
use tracing::debug;

use super::picture;

/// Brings up what messages take along, and down what came with others, for one account.
#[derive(Debug)]
pub(crate) struct Attachments {
    pub(crate) files: Files,
    me: Me,
    app_key: AppKey,
}

/// A message on its way up.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) id: ClientMessageId,
    pub(crate) to: Conversation,
    /// The message as it can be sent.
    pub(crate) result: Result<Outgoing, AttachError>,
}

/// Why something could not be brought up.
#[derive(Debug, Error)]
pub(crate) enum AttachError {
    #[error("the messages cannot be combined")]
    Combine(#[from] combine::BuildCombineError),
    #[error("the file was not uploaded")]
    Upload(#[from] UploadError),
}

/// Why a combined message could not be opened.
#[derive(Debug, Error)]
pub(crate) enum OpenCombineError {
    #[error("the file with the messages was not downloaded")]
    Download(#[from] DownloadError),
    #[error("the file with the messages cannot be read")]
    Parse(#[from] ParseCombineError),
}

impl AttachError {
    /// Wait before it may work, or none if it never will. It was tried `n_tries` times.
    pub(crate) fn retry(&self, n_tries: u32) -> Option<Duration> {
        match self {
            Self::Combine(_) => None,
            Self::Upload(error) => match error.retry() {
                Retry::Later { after } => Some(after.unwrap_or_default()),
                Retry::Never if is_token_refused(error) && n_tries < MAX_TOKEN_TRIES => {
                    Some(Duration::ZERO)
                }
                Retry::Never => None,
            },
        }
    }
}

/// How often a file is tried whose token is refused. A token that has just replaced another one is not replaced again for
/// five minutes, unless the link does it; with the waits between them these tries go on for longer than that. What is
/// refused then has another cause.
const MAX_TOKEN_TRIES: u32 = 16;

fn is_token_refused(error: &UploadError) -> bool {
    matches!(error, UploadError::Call { source } if source.meaning() == Some(Meaning::TokenRefused))
}

/// Whether something has to go up before `outgoing` is sent.
pub(crate) fn takes_along(outgoing: &Outgoing) -> bool {
    matches!(&outgoing.act, Act::Message(draft) if draft.attach.is_some())
}

impl Attachments {
    pub(crate) fn new(client: &Client, caller: &Arc<Caller>) -> Arc<Self> {
        let app_key = client.access().account.app_key.clone();
        Arc::new(Self { files: Files::new(caller), me: client.me().clone(), app_key })
    }

    /// The messages in a combined one.
    pub(crate) async fn open_combine(
        &self,
        combine: &Combine,
    ) -> Result<Vec<Message>, OpenCombineError> {
        let limits = CombineLimits::default();
        let options = DownloadOptions {
            limit_bytes: u64::try_from(limits.n_bytes).unwrap_or(u64::MAX),
            ..DownloadOptions::default()
        };
        let mut file = Vec::new();
        self.files.download_into(&combine.attachment, &mut file, &options).await?;
        Ok(combine::parse(&file.into(), &self.me, &limits)?)
    }

    pub(crate) async fn attach(
        self: Arc<Self>,
        id: ClientMessageId,
        mut outgoing: Outgoing,
    ) -> Attached {
        let to = outgoing.to.clone();
        let result = match &mut outgoing.act {
            Act::Message(draft) => self.bring_up(&to, draft).await,
            _ => Ok(()),
        };
        Attached { id, to, result: result.map(|()| outgoing) }
    }

    async fn bring_up(&self, to: &Conversation, draft: &mut Draft) -> Result<(), AttachError> {
        match draft.attach.take() {
            Some(Attach::File(file)) => self.bring_up_file(to, &mut draft.body, file).await,
            Some(Attach::Messages(messages)) => {
                let level = combine::level(&messages)?;
                let file = combine::build(&messages, &self.me, &self.app_key)?;
                let uploaded =
                    self.files.upload(Source::bytes(file), to, &UploadOptions::default()).await?;
                if let Body::Combine(body) = &mut draft.body {
                    body.level = level;
                    body.attachment = uploaded.into_attachment(Some("combine".to_owned()));
                    open_to_all(&mut body.attachment);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn bring_up_file(
        &self,
        to: &Conversation,
        body: &mut Body,
        file: FileSource,
    ) -> Result<(), AttachError> {
        if let Body::Image(image) = body {
            picture::complete(image, &file).await;
        }
        let Some(attachment) = body.attachment_mut() else { return Ok(()) };
        let source = match file {
            FileSource::Path(path) => Source::path(path).await?,
            FileSource::Bytes(bytes) => Source::bytes(bytes),
            _ => return Ok(()),
        };
        let options = UploadOptions { name: attachment.name.clone(), ..UploadOptions::default() };
        let uploaded = self.files.upload(source, to, &options).await?;
        debug!(n_bytes = uploaded.length_bytes, is_reused = uploaded.is_reused, "a file is up");
        let name = attachment.name.take();
        *attachment = uploaded.into_attachment(name);
        if let Body::Video(video) = body {
            // The server makes the first frame of it. Source: observed with the official SDK.
            let url = format!("{}?vframe=true", video.attachment.url);
            let secret = video.attachment.secret.clone();
            video.thumbnail = Some(Attachment { url, secret, ..Attachment::default() });
        }
        Ok(())
    }
}

/// Clients open a combined message by its address alone, so the address has to hold the secret.
/// Source: observed with the official SDK, which sends it so.
fn open_to_all(attachment: &mut Attachment) {
    attachment.url.push_str("?em-redirect=true");
    if let Some(secret) = &attachment.secret {
        attachment.url.push_str("&share-secret=");
        attachment.url.push_str(secret.reveal());
    }
}

#[cfg(test)]
mod tests {
    use easebot_client::{ApiError, UploadError};
    use easebot_rest::Answer;

    use super::*;

    fn refused(status: u16, n_tries: u32) -> Option<Duration> {
        let answer = Answer { status, retry_after: None, body: Default::default() };
        AttachError::Upload(UploadError::Call { source: ApiError::refused(&answer) }).retry(n_tries)
    }

    #[test]
    fn a_file_whose_token_is_refused_is_tried_until_there_may_be_another_token() {
        assert_eq!(refused(401, 1), Some(Duration::ZERO));
        assert_eq!(refused(401, MAX_TOKEN_TRIES - 1), Some(Duration::ZERO));
        assert_eq!(refused(401, MAX_TOKEN_TRIES), None);
        assert_eq!(refused(403, 1), None, "there is no right to it");
    }
}

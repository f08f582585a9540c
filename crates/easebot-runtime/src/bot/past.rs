//! What a bot asks of the server's memory.

use async_trait::async_trait;
use bytes::Bytes;
use easebot_client::{Api, ApiError, Direction, HistoryQuery, Meaning, Retry};
use easebot_model::{Conversation, GroupId, MessageId, Timestamp, chain};
use thiserror::Error;

/// What the server remembers for an account. The usual one is [`Api`]; tests have one of their own.
#[async_trait]
pub(crate) trait Past: Send + Sync {
    /// The groups that the account is a member of, at most `limit`.
    async fn joined_groups(&self, limit: usize) -> Result<Vec<GroupId>, PastError>;

    /// The conversations of the account, latest first, at most `limit`.
    async fn conversations(&self, limit: usize) -> Result<Vec<Latest>, PastError>;

    /// A page of what was said in `conversation` since then: the latest, or what is before `place`.
    async fn page(
        &self,
        conversation: &Conversation,
        since: Timestamp,
        place: Option<String>,
    ) -> Result<Page, PastError>;
}

/// The last message of a conversation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Latest {
    pub(crate) conversation: Conversation,
    pub(crate) message: Option<MessageId>,
    pub(crate) time: Option<Timestamp>,
}

/// A page of history.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    /// Encoded metas.
    pub(crate) newest_first: Vec<Bytes>,
    /// Where the page before it is; none if there is none.
    pub(crate) next: Option<String>,
}

/// Why the server's memory cannot be had.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum PastError {
    /// Not now.
    #[error("not now: {reason}")]
    Later {
        /// In words, without secrets.
        reason: String,
    },
    /// The app has no such memory.
    #[error("the app keeps no history for its users")]
    NotKept,
    /// Not at all.
    #[error("refused: {reason}")]
    Refused {
        /// In words, without secrets.
        reason: String,
    },
}

impl From<ApiError> for PastError {
    fn from(error: ApiError) -> Self {
        if let ApiError::Refused { meaning: Meaning::FeatureOff, .. } = error {
            return Self::NotKept;
        }
        let reason = chain(&error);
        match error.retry() {
            Retry::Later { .. } => Self::Later { reason },
            Retry::Never => Self::Refused { reason },
        }
    }
}

#[async_trait]
impl Past for Api {
    async fn joined_groups(&self, limit: usize) -> Result<Vec<GroupId>, PastError> {
        let groups = Self::joined_groups(self).collect(limit).await?;
        Ok(groups.into_iter().map(|group| group.id).collect())
    }

    async fn conversations(&self, limit: usize) -> Result<Vec<Latest>, PastError> {
        let summaries = Self::conversations(self).collect(limit).await?;
        let latest = summaries.into_iter().map(|summary| Latest {
            conversation: summary.conversation,
            message: summary.last_message,
            time: summary.last_time,
        });
        Ok(latest.collect())
    }

    async fn page(
        &self,
        conversation: &Conversation,
        since: Timestamp,
        place: Option<String>,
    ) -> Result<Page, PastError> {
        let direction = Direction::NewestFirst;
        let query = HistoryQuery { direction, since: Some(since), ..HistoryQuery::default() };
        let mut history = self.history(conversation, query);
        if let Some(place) = place {
            history = history.from_cursor(place);
        }
        let newest_first = history.next_raw().await?.unwrap_or_default();
        Ok(Page { newest_first, next: history.cursor().map(str::to_owned) })
    }
}

/// A server without memory.
#[cfg(test)]
pub(crate) struct Nobody;

#[cfg(test)]
#[async_trait]
impl Past for Nobody {
    async fn joined_groups(&self, _limit: usize) -> Result<Vec<GroupId>, PastError> {
        Err(PastError::NotKept)
    }

    async fn conversations(&self, _limit: usize) -> Result<Vec<Latest>, PastError> {
        Err(PastError::NotKept)
    }

    async fn page(
        &self,
        _conversation: &Conversation,
        _since: Timestamp,
        _place: Option<String>,
    ) -> Result<Page, PastError> {
        Err(PastError::NotKept)
    }
}

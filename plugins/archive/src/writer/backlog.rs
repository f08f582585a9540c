//! The archive as what is still to be fetched.

use std::path::PathBuf;

use async_trait::async_trait;
use easebot_model::{Message, Timestamp};
use easebot_plugin::PluginError;
use easebot_role::archive::{Backlog, Due, Next, Wanted, Weighed};

use super::{Writer, queue};
use crate::{
    media,
    record::{Record, Role},
};

#[async_trait]
impl Backlog for Writer {
    /// The row of a file.
    type Id = i64;

    async fn due(
        &self,
        now: Timestamp,
        room: usize,
        busy: Vec<i64>,
    ) -> Result<Next<i64>, PluginError> {
        let next = self.next(ms(now), room, busy).await?;
        Ok(Next {
            due: next.due.iter().map(due).collect(),
            later: next.later.map(|later| Timestamp(later.try_into().unwrap_or_default())),
        })
    }

    async fn refusal(&self, due: &Due<i64>) -> Result<Option<String>, PluginError> {
        Ok(self.obstacle(due.id).await?)
    }

    async fn opened(
        &self,
        due: &Due<i64>,
        messages: Vec<Message>,
        now: Timestamp,
    ) -> Result<(), PluginError> {
        let records = messages.iter().map(Record::of).collect::<Result<Vec<_>, _>>()?;
        Ok(self.keep_opened(due.id, records, ms(now)).await?)
    }

    fn part(&self, due: &Due<i64>) -> PathBuf {
        media::part(self.folder(), due.id)
    }

    async fn fetched(
        &self,
        due: &Due<i64>,
        file: Weighed,
        now: Timestamp,
    ) -> Result<(), PluginError> {
        self.keep_fetched(due.id, self.part(due), file, ms(now)).await?;
        Ok(self.take_out().await?)
    }

    /// Each piece is kept as it comes, so nothing is whole here.
    async fn taken(&self, _due: &Due<i64>) -> Result<(), PluginError> {
        Ok(())
    }

    async fn later(
        &self,
        due: &Due<i64>,
        reason: String,
        at: Timestamp,
    ) -> Result<(), PluginError> {
        Ok(self.put_off(due.id, reason, ms(at)).await?)
    }

    async fn lost(
        &self,
        due: &Due<i64>,
        reason: String,
        _now: Timestamp,
    ) -> Result<(), PluginError> {
        Ok(self.give_up(due.id, reason).await?)
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), PluginError> {
        Ok(self.clear(ms(now)).await?)
    }
}

fn due(due: &queue::Due) -> Due<i64> {
    let wanted = match (serde_json::from_str(&due.attachment), due.role) {
        (Err(_), _) => Wanted::Unknown,
        (Ok(attachment), Role::Messages) => Wanted::Messages(attachment),
        (Ok(attachment), Role::Content) => Wanted::File(attachment),
    };
    let kept = Timestamp(due.kept.try_into().unwrap_or_default());
    Due { id: due.row, wanted, n_attempts: due.n_attempts, kept }
}

fn ms(time: Timestamp) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

//! The operator's desk: a database seen from beside the process that works with it.

use std::{path::Path, sync::Arc};

use easebot_model::Timestamp;

use crate::{
    AccountKey, Commit, Database, Depth, Durability, Item, ItemId, Listing, OpenError, OpenItem,
    OutgoingRow, StateWrite, Store, StoreError,
};

/// What an operator does with a database while a bot may be running on it, from another process.
///
/// It takes no lock that would keep the bot out, and waits at most 5 seconds for a transaction of the bot to end. What is tried
/// again or dropped here is taken up by the bot that runs within a second, and by one that does not run when it starts.
/// Nothing can be received or sent through it.
#[derive(Debug)]
pub struct Desk {
    database: Database,
}

impl Desk {
    /// Opens the database at `path` without changing it. Blocks on the disk.
    ///
    /// # Errors
    /// [`OpenError::Missing`] if there is none, [`OpenError::Unseen`] if that cannot be seen, [`OpenError::Older`] if no bot of
    /// this version has used it yet, and
    /// [`OpenError::Newer`], [`OpenError::Foreign`] and [`OpenError::Corrupt`] as [`Database::open_with`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Ok(Self { database: Database::open_beside(path.as_ref())? })
    }

    /// As [`Store::items`].
    ///
    /// # Errors
    /// As [`StoreError`] says; [`StoreError::Busy`] after 5 seconds.
    pub async fn items(&self, listing: Listing) -> Result<Vec<Item>, StoreError> {
        self.database.items(listing).await
    }

    /// As [`Store::item`].
    ///
    /// # Errors
    /// As [`items`](Self::items).
    pub async fn item(&self, id: ItemId) -> Result<Option<OpenItem>, StoreError> {
        self.database.item(id).await
    }

    /// As [`Store::depths`].
    ///
    /// # Errors
    /// As [`items`](Self::items).
    pub async fn depths(&self) -> Result<Vec<Depth>, StoreError> {
        self.database.depths().await
    }

    /// The accounts that the database knows, in no particular order.
    ///
    /// # Errors
    /// As [`items`](Self::items).
    pub async fn accounts(&self) -> Result<Vec<AccountKey>, StoreError> {
        Ok(self.depths().await?.into_iter().map(|depth| depth.account).collect())
    }

    /// As [`Store::retry_dead`]. Whether there was a dead letter of this name.
    ///
    /// # Errors
    /// As [`items`](Self::items).
    pub async fn retry_dead(&self, id: ItemId) -> Result<bool, StoreError> {
        Ok(self.database.retry_dead(id).await?.is_some())
    }

    /// As [`Store::drop_dead`].
    ///
    /// # Errors
    /// As [`items`](Self::items).
    pub async fn drop_dead(&self, id: ItemId) -> Result<bool, StoreError> {
        self.database.drop_dead(id).await
    }

    /// The plugins of `account` that remember something, by name.
    ///
    /// # Errors
    /// As [`items`](Self::items).
    pub async fn plugins(&self, account: &AccountKey) -> Result<Vec<String>, StoreError> {
        self.database.namespaces(account).await
    }

    /// What a plugin remembers, as [`Store::states`].
    ///
    /// # Errors
    /// As [`items`](Self::items).
    pub async fn states(
        &self,
        account: &AccountKey,
        plugin: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.database.states(account, plugin, prefix, after, limit).await
    }

    /// Changes what a plugin remembers, all of it or nothing; none as a value removes it. A plugin that runs does not hear of
    /// it: it has to look.
    ///
    /// # Errors
    /// As [`items`](Self::items).
    pub async fn set_states(
        &self,
        account: &AccountKey,
        plugin: &str,
        values: Vec<(String, Option<Vec<u8>>)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut commit = Commit::new(account.clone(), Durability::Process, now);
        let namespace: Arc<str> = plugin.into();
        let write = |(key, value)| StateWrite { namespace: Arc::clone(&namespace), key, value };
        commit.state = values.into_iter().map(write).collect();
        self.database.commit(commit).await?;
        Ok(())
    }

    /// As [`Store::drop_waiting`].
    ///
    /// # Errors
    /// As [`items`](Self::items).
    pub async fn drop_waiting(&self, row: OutgoingRow) -> Result<bool, StoreError> {
        self.database.drop_waiting(row).await
    }
}

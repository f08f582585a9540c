//! What a plugin keeps outside of events.

use std::{fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Env, StateError};

/// The saved values of one plugin, as type `T`, written at once instead of with an event. Other plugins cannot see them.
///
/// What a handler writes belongs into [`Context::state`](crate::Context::state), which is committed with the event. This is
/// for work besides events: a queue of its own, what a webhook brought.
pub struct Shelf<'a, T> {
    env: &'a Env,
    of: PhantomData<fn() -> T>,
}

impl<'a, T: Serialize + DeserializeOwned> Shelf<'a, T> {
    pub(crate) const fn new(env: &'a Env) -> Self {
        Self { env, of: PhantomData }
    }

    /// The value under `key`.
    ///
    /// # Errors
    /// [`StateError::Load`] if the store does not answer, [`StateError::Unreadable`] if the value is of another type.
    pub async fn load(&self, key: &str) -> Result<Option<T>, StateError> {
        self.load_of(None, key).await
    }

    pub(crate) async fn load_of(
        &self,
        bot: Option<&str>,
        key: &str,
    ) -> Result<Option<T>, StateError> {
        let saved = self.env.host().load(bot, self.env.plugin(), key).await;
        let saved = saved.map_err(|source| StateError::Load { key: key.to_owned(), source })?;
        saved.map(|json| read(key, &json)).transpose()
    }

    /// At most `limit` values under keys that begin with `prefix`, in the order of their keys (by bytes), those behind the key
    /// `after` only.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, T)>, StateError> {
        let listed = self.env.host().list(self.env.plugin(), prefix, after, limit).await;
        let listed =
            listed.map_err(|source| StateError::Load { key: prefix.to_owned(), source })?;
        listed.into_iter().map(|(key, json)| read(&key, &json).map(|value| (key, value))).collect()
    }

    /// Saves each value under its key, or removes what is there if it has none: all of them or nothing.
    ///
    /// # Errors
    /// As [`save`](Self::save), with the first of the keys.
    pub async fn change(
        &self,
        changes: impl IntoIterator<Item = (String, Option<T>)>,
    ) -> Result<(), StateError> {
        let mut values = Vec::new();
        for (key, value) in changes {
            let json = value.as_ref().map(serde_json::to_vec).transpose();
            let json =
                json.map_err(|source| StateError::Unwritable { key: key.clone(), source })?;
            values.push((key, json));
        }
        self.write_all(values).await
    }

    /// Saves `value` under `key`; it is saved when this returns.
    ///
    /// # Errors
    /// [`StateError::Unwritable`] if `value` has no JSON form, [`StateError::Save`] if the store does not take it.
    pub async fn save(&self, key: &str, value: &T) -> Result<(), StateError> {
        let json = serde_json::to_vec(value)
            .map_err(|source| StateError::Unwritable { key: key.to_owned(), source })?;
        self.write(key, Some(json)).await
    }

    /// Removes the value under `key`, if there is one.
    ///
    /// # Errors
    /// [`StateError::Save`] if the store does not take it.
    pub async fn remove(&self, key: &str) -> Result<(), StateError> {
        self.write(key, None).await
    }

    async fn write(&self, key: &str, value: Option<Vec<u8>>) -> Result<(), StateError> {
        self.write_all(vec![(key.to_owned(), value)]).await
    }

    async fn write_all(&self, values: Vec<(String, Option<Vec<u8>>)>) -> Result<(), StateError> {
        let Some((key, _)) = values.first() else { return Ok(()) };
        let key = key.clone();
        let saved = self.env.host().save(self.env.plugin(), values).await;
        saved.map_err(|source| StateError::Save { key, source })
    }
}

fn read<T: DeserializeOwned>(key: &str, json: &[u8]) -> Result<T, StateError> {
    serde_json::from_slice(json)
        .map_err(|source| StateError::Unreadable { key: key.to_owned(), source })
}

impl<T> fmt::Debug for Shelf<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("plugin", &self.env.plugin()).finish()
    }
}

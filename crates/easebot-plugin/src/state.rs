//! What a plugin remembers.

use std::{fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Context, StateError};

/// The saved values of one plugin, as type `T`. Other plugins cannot see them.
///
/// A write is committed in the same transaction as the event that caused it: after a crash either both happened or neither.
pub struct State<'a, T> {
    cx: &'a Context,
    of: PhantomData<fn() -> T>,
}

impl<'a, T: Serialize + DeserializeOwned> State<'a, T> {
    pub(crate) const fn new(cx: &'a Context) -> Self {
        Self { cx, of: PhantomData }
    }

    /// The value under `key`, with what this handler run has written already.
    ///
    /// # Errors
    /// [`StateError::Load`] if the store does not answer, [`StateError::Unreadable`] if the value is of another type.
    pub async fn load(&self, key: &str) -> Result<Option<T>, StateError> {
        let saved = match self.cx.unsaved(key) {
            Some(value) => value,
            None => self
                .cx
                .host()
                .load(None, self.cx.plugin(), key)
                .await
                .map_err(|source| StateError::Load { key: key.to_owned(), source })?,
        };
        saved
            .map(|json| serde_json::from_slice(&json))
            .transpose()
            .map_err(|source| StateError::Unreadable { key: key.to_owned(), source })
    }

    /// Writes `value` under `key`.
    ///
    /// # Errors
    /// [`StateError::Unwritable`] if `value` has no JSON form.
    pub fn save(&self, key: &str, value: &T) -> Result<(), StateError> {
        let json = serde_json::to_vec(value)
            .map_err(|source| StateError::Unwritable { key: key.to_owned(), source })?;
        self.cx.save(key, Some(json));
        Ok(())
    }

    /// Removes the value under `key`.
    pub fn remove(&self, key: &str) {
        self.cx.save(key, None);
    }
}

impl<T> fmt::Debug for State<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("plugin", &self.cx.plugin()).finish()
    }
}

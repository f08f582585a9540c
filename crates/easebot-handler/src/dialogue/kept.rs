//! Dialogues on their way between the store and the handlers.

use std::{any::TypeId, sync::Arc, time::Duration};

use async_trait::async_trait;
use easebot_model::Message;
use easebot_plugin::{Context, Env, PluginError};

use super::{
    Dialogues, Steps,
    saved::{self, Found},
};
use crate::States;

/// Where somebody is, for one event.
pub(crate) struct Loaded<S> {
    pub(crate) step: S,
    pub(crate) is_open: bool,
    pub(super) key: String,
}

/// The dialogues of one type.
#[async_trait]
pub(crate) trait Kept: Send + Sync {
    /// That of its steps.
    fn id(&self) -> TypeId;

    /// That of its steps.
    fn name(&self) -> &'static str;

    /// Whether `text` is one of the words that end it.
    fn is_cancelled_by(&self, text: &str) -> bool;

    /// Loads where the writer of `message` is, unless it is there already. One that is over or not readable is removed.
    async fn load(
        &self,
        message: &Message,
        cx: &Context,
        states: &mut States,
    ) -> Result<(), PluginError>;

    /// Ends the dialogue of who wrote `message`, and says so. Gives whether there was one.
    async fn cancel(
        &self,
        message: &Message,
        cx: &Context,
        states: &mut States,
    ) -> Result<bool, PluginError>;

    /// Removes those that have been over for long.
    async fn sweep(&self, env: &Env) -> Result<(), PluginError>;
}

impl<S: Steps> Dialogues<S> {
    async fn loaded(
        &self,
        message: &Message,
        cx: &Context,
        states: &mut States,
    ) -> Result<Arc<Loaded<S>>, PluginError> {
        if let Some(loaded) = states.get() {
            return Ok(loaded);
        }
        let key = saved::key(S::NAME, message);
        let (step, over) = match saved::load::<S>(cx, &key).await? {
            Found::Nothing => (None, None),
            Found::Step { step, at } => {
                let quiet_ms = message.time.0.saturating_sub(at.0);
                if u128::from(quiet_ms) < self.timeout.as_millis() {
                    (Some(step), None)
                } else {
                    (None, Some(&self.timed_out))
                }
            }
            Found::Unreadable => (None, Some(&self.lost)),
        };
        if let Some(told) = over {
            self.returned.note(&key).await;
            saved::remove(cx, &key);
            if let Some(draft) = told {
                cx.reply(draft.clone()).await?;
            }
        }
        let is_open = step.is_some();
        let loaded = Arc::new(Loaded { step: step.unwrap_or_default(), is_open, key });
        states.load(Arc::clone(&loaded));
        Ok(loaded)
    }
}

#[async_trait]
impl<S: Steps> Kept for Dialogues<S> {
    fn id(&self) -> TypeId {
        TypeId::of::<S>()
    }

    fn name(&self) -> &'static str {
        S::NAME
    }

    fn is_cancelled_by(&self, text: &str) -> bool {
        self.is_cancel_word(text)
    }

    async fn load(
        &self,
        message: &Message,
        cx: &Context,
        states: &mut States,
    ) -> Result<(), PluginError> {
        self.loaded(message, cx, states).await.map(drop)
    }

    async fn cancel(
        &self,
        message: &Message,
        cx: &Context,
        states: &mut States,
    ) -> Result<bool, PluginError> {
        let loaded = self.loaded(message, cx, states).await?;
        if loaded.is_open {
            saved::remove(cx, &loaded.key);
            cx.reply(self.cancelled.clone()).await?;
        }
        Ok(loaded.is_open)
    }

    async fn sweep(&self, env: &Env) -> Result<(), PluginError> {
        if self.timeout == Duration::MAX { Ok(()) } else { self.sweep_now(env).await }
    }
}

//! REST calls of plugins, which may ask before the bot has begun to connect.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use easebot_client::{ApiError, CallApi, Caller};
use easebot_model::{Message, UserId};
use easebot_rest::{Answering, Call};

/// Makes calls by the run of the bot that is under way; whoever holds it keeps it over a new start.
pub(crate) struct PluginCaller {
    user: UserId,
    current: Mutex<Option<Arc<Caller>>>,
}

impl PluginCaller {
    pub(crate) fn new(user: UserId) -> Self {
        Self { user, current: Mutex::default() }
    }

    pub(crate) fn set(&self, caller: Arc<Caller>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(caller);
    }

    fn current(&self) -> Option<Arc<Caller>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl CallApi for PluginCaller {
    fn user(&self) -> &UserId {
        &self.user
    }

    fn call<'a>(&'a self, call: &'a Call) -> Answering<'a> {
        Box::pin(async move {
            let caller = self.current().ok_or(ApiError::NotConnected)?;
            // A handler is polled for the first time before its event is committed. Waiting once moves the call behind
            // that commit, so that a duplicate calls nobody.
            tokio::task::yield_now().await;
            caller.call(call).await
        })
    }

    fn read_message(&self, raw: Bytes) -> Option<Message> {
        self.current()?.read_message(raw)
    }
}

impl fmt::Debug for PluginCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginCaller").field("user", &self.user).finish_non_exhaustive()
    }
}

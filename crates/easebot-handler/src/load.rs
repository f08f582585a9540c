//! What has to be waited for before a handler can be asked.

use async_trait::async_trait;
use easebot_model::Message;
use easebot_plugin::{Context, PluginError};

use crate::States;

/// Finds something out about a message, for a parameter that is made of it.
#[async_trait]
pub(crate) trait Load: Send + Sync {
    /// Puts it where the parameter finds it, unless it is there already.
    async fn load(
        &self,
        message: &Message,
        cx: &Context,
        states: &mut States,
    ) -> Result<(), PluginError>;
}

//! What a handler can return.

use std::future::Future;

use easebot_model::Draft;
use easebot_plugin::{Context, Flow, PluginError, Ticket};

/// What a handler returns: nothing or a [`Ticket`] (it has taken the event), a [`Flow`], a text or a [`Draft`] to reply with, an
/// `Option` of a reply, or a `Result` of any of these whose error converts into a [`PluginError`].
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "nothing is known to be done with a `{Self}`",
    note = "return nothing, a `Flow`, a `String`, `&'static str` or `Draft` to reply with, an `Option` of these, or a `Result` of these with an error that converts into `PluginError`"
)]
pub trait Outcome: Send + 'static {
    /// Does what it says.
    ///
    /// # Errors
    /// What it holds, or what sending the reply says.
    fn settle(self, cx: &Context) -> impl Future<Output = Result<Flow, PluginError>> + Send;
}

impl Outcome for () {
    async fn settle(self, _cx: &Context) -> Result<Flow, PluginError> {
        Ok(Flow::Stop)
    }
}

impl Outcome for Flow {
    async fn settle(self, _cx: &Context) -> Result<Self, PluginError> {
        Ok(self)
    }
}

/// The answer of the server is not waited for.
impl Outcome for Ticket {
    async fn settle(self, _cx: &Context) -> Result<Flow, PluginError> {
        Ok(Flow::Stop)
    }
}

impl<O: Outcome, E: Into<PluginError> + Send + 'static> Outcome for Result<O, E> {
    async fn settle(self, cx: &Context) -> Result<Flow, PluginError> {
        match self {
            Ok(outcome) => outcome.settle(cx).await,
            Err(error) => Err(error.into()),
        }
    }
}

/// None leaves the event to what stands behind.
impl<O: Outcome> Outcome for Option<O> {
    async fn settle(self, cx: &Context) -> Result<Flow, PluginError> {
        match self {
            Some(outcome) => outcome.settle(cx).await,
            None => Ok(Flow::Continue),
        }
    }
}

/// What can be replied with.
macro_rules! replies {
    ($($reply:ty),* $(,)?) => {$(
        impl Outcome for $reply {
            async fn settle(self, cx: &Context) -> Result<Flow, PluginError> {
                cx.reply(self).await?;
                Ok(Flow::Stop)
            }
        }
    )*};
}

replies!(&'static str, Draft, String);

//! Many accounts in one process: each bot's connection, router, workers and shared sender, the health pages, the shutdown.
//!
//! One task owns all that belongs to a bot. It takes what is ready on the link as one batch, polls each handler once where
//! it stands, commits events, plugin state and answers in one transaction, and only then releases the server's cursor and
//! lets the answers leave. A handler that has to wait gets a task of its own; its conversation waits with it, no other does.

mod bot;
mod closing;
mod crowd;
mod handle;
mod health;
mod hooks;
mod mailbox;
mod metrics;
mod pace;
mod pages;
mod registry;
mod runtime;
mod spans;
mod status;
mod team;
mod watch;

pub use bot::{
    BotOptions, BotSpec, FailureReply, InDoubt, OutboxLimits, PluginOptions, PluginSpec,
};
pub use closing::{CloseStoreError, close_store};
pub use handle::{Handle, RemoveBotError, ReplaceError, SendOutsideError};
pub use health::ServeHealthError;
pub use metrics::{Metric, MetricKind};
pub use pace::Pace;
pub use pages::{PageBody, Pages};
pub use registry::AddBotError;
pub use runtime::{
    FindStandIn, FindVariable, LeftByBot, RenderMetrics, Runtime, RuntimeOptions, ShutdownReport,
    StartError, WallClock,
};
pub use status::{Activity, BotStatus, PluginState, PluginStatus, Standing};

//! `easebot plugins`, and what follows from the table of plugin kinds: `easebot reference` and `easebot schema`.

use std::process::ExitCode;

use easebot_plugin::PluginKind;
use easebot_plugin_auto_reply::AutoReply;
use easebot_plugin_command::Command;
use easebot_plugin_webhook_in::WebhookIn;

use crate::speech;

/// The plugin kinds that this binary knows.
pub(crate) const KINDS: &[PluginKind] =
    &[PluginKind::of::<AutoReply>(), PluginKind::of::<Command>(), PluginKind::of::<WebhookIn>()];

pub(crate) fn plugins() -> anyhow::Result<ExitCode> {
    let width = KINDS.iter().map(|kind| kind.kind().len()).max().unwrap_or_default();
    for kind in KINDS {
        speech::data(format_args!("{:width$}  {}", kind.kind(), kind.about()));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn reference() -> anyhow::Result<ExitCode> {
    speech::data(easebot_config::reference(KINDS).trim_end());
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn schema() -> anyhow::Result<ExitCode> {
    speech::data(format_args!("{:#}", easebot_config::schema(KINDS)));
    Ok(ExitCode::SUCCESS)
}

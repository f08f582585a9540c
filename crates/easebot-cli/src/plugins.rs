//! `easebot plugins`, and what follows from the table of plugin kinds: `easebot reference` and `easebot schema`.

use std::process::ExitCode;

use easebot_plugin::PluginKind;
use easebot_plugin_archive::Archive;
use easebot_plugin_auto_reply::AutoReply;
use easebot_plugin_bridge::Bridge;
use easebot_plugin_command::Command;
use easebot_plugin_schedule::Timetable;
use easebot_plugin_webhook_in::WebhookIn;
use easebot_plugin_webhook_out::WebhookOut;

use crate::speech;

/// The plugin kinds that this binary knows.
pub(crate) const KINDS: &[PluginKind] = &[
    PluginKind::of::<Archive>(),
    PluginKind::of::<AutoReply>(),
    PluginKind::of::<Bridge>(),
    PluginKind::of::<Command>(),
    PluginKind::of::<Timetable>(),
    PluginKind::of::<WebhookIn>(),
    PluginKind::of::<WebhookOut>(),
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_has_a_key_that_the_runtime_takes_for_itself() {
        for kind in KINDS {
            let schema = kind.schema(&mut schemars::SchemaGenerator::default());
            let own = schema.get("properties").and_then(|keys| keys.as_object()).unwrap();
            let taken = easebot_config::PLUGIN_KEYS.iter().find(|key| own.contains_key(**key));
            assert_eq!(taken, None, "of `{}`", kind.kind());
        }
    }
}

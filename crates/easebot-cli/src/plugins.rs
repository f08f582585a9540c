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

use crate::{Program, speech};

/// The plugin kinds that every program has.
pub(crate) const BUILT_IN: &[PluginKind] = &[
    PluginKind::of::<Archive>(),
    PluginKind::of::<AutoReply>(),
    PluginKind::of::<Bridge>(),
    PluginKind::of::<Command>(),
    PluginKind::of::<Timetable>(),
    PluginKind::of::<WebhookIn>(),
    PluginKind::of::<WebhookOut>(),
];

pub(crate) fn plugins(program: &Program) -> anyhow::Result<ExitCode> {
    let kinds = program.plugin_kinds();
    let width = kinds.iter().map(|kind| kind.kind().len()).max().unwrap_or_default();
    for kind in kinds {
        let about = program.in_its_words(kind.about());
        speech::data(format_args!("{:width$}  {about}", kind.kind()));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn reference(program: &Program) -> anyhow::Result<ExitCode> {
    let text = easebot_config::reference(program.plugin_kinds());
    speech::data(program.in_its_words(text.trim_end()));
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn schema(program: &Program) -> anyhow::Result<ExitCode> {
    speech::data(schema_of(program));
    Ok(ExitCode::SUCCESS)
}

/// The JSON Schema of the configurations of a program.
pub(crate) fn schema_of(program: &Program) -> String {
    program.in_its_words(&format!("{:#}", easebot_config::schema(program.plugin_kinds())))
}

//! What the plugin says by itself.

use easebot_command::{ArgError, Call, Syntax, place};
use easebot_model::Message;
use easebot_plugin::{PluginError, RenderError, Values};
use easebot_role::command::Declared;

use crate::{
    entry::Picked,
    language::problem,
    plugin::{Command, named},
};

/// What the plugin says by itself.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Said {
    Cooling,
    Denied,
    Failed,
    Suggestion,
    Wrong,
}

impl Said {
    /// The name of its template. No command is called so, because of the space.
    pub(crate) const fn template(self) -> &'static str {
        match self {
            Self::Cooling => "the text `cooling`",
            Self::Denied => "the text `denied`",
            Self::Failed => "the text `failed`",
            Self::Suggestion => "the suggestion",
            Self::Wrong => "the text `wrong`",
        }
    }

    /// What its template can use besides the message.
    pub(crate) const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Cooling => &["name", "seconds"],
            Self::Denied => &["name"],
            Self::Failed => &["name", "reason"],
            Self::Suggestion => &["name", "nearest"],
            Self::Wrong => &["name", "usage", "problem", "place", "argument", "code"],
        }
    }
}

impl Command {
    /// What the plugin says by itself; none if it says nothing.
    pub(crate) fn render(
        &self,
        said: Said,
        values: &Values,
    ) -> Result<Option<String>, PluginError> {
        if !self.said.contains(&said) {
            return Ok(None);
        }
        self.templates.render(said.template(), values).map(Some).map_err(unfit)
    }

    /// What is said about arguments that do not fit; none if nothing is.
    pub(crate) fn wrong(
        &self,
        command: &Declared<Picked>,
        call: &Call<'_>,
        message: &Message,
        error: &ArgError,
        values: Values,
    ) -> Result<Option<String>, PluginError> {
        let name = named(call);
        let syntax = command.syntax().map(Syntax::usage).unwrap_or_default();
        let values = values
            .text("usage", format!("{name} {syntax}").trim_end())
            .text("name", &name)
            .text("problem", &problem(error, self.language))
            .text("place", &place(message.text(), call.in_text(error.at())))
            .text("argument", error.arg().unwrap_or_default())
            .text("code", error.code());
        self.render(Said::Wrong, &values)
    }

    pub(crate) fn suggestion(
        &self,
        call: &Call<'_>,
        close: &str,
        values: Values,
    ) -> Result<Option<String>, PluginError> {
        let close = format!("{}{close}", call.prefix);
        self.render(Said::Suggestion, &values.text("name", &named(call)).text("nearest", &close))
    }
}

/// What cannot be filled in now cannot be the next time, and whoever finds a text for that does not get the plugin paused.
pub(crate) fn unfit(error: RenderError) -> PluginError {
    PluginError::from(error).into_permanent()
}

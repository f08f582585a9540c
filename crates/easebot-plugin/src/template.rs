//! Answers with places to fill in: templates in the language of Jinja, compiled when the configuration is read.

mod limit;
mod url;

use std::{fmt, ops::Range, sync::Arc};

use easebot_model::{Body, Conversation, Message, MessageId, Timestamp, UserId};
use minijinja::{
    AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, escape_formatter,
    value::{Object, Serde},
};
use thiserror::Error;

use crate::{At, BotInfo, Problem, Problems, nearest};

/// The templates of one plugin.
///
/// What a template can use is given as [`Values`]. An unknown variable is refused when the template is added; one that is
/// missing at run time fails the rendering, so that half an answer is never sent.
///
/// What is filled in comes from others, so a rendering is bounded: one that takes more than a million steps (some tenths of a
/// second) or makes more than 4 MiB of text fails.
pub struct Templates {
    environment: Environment<'static>,
}

/// Why a template could not be filled in.
///
/// It says which variable or which line, never a value: that may be the text of a message.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RenderError {
    /// A variable or attribute that the template uses is not there this time.
    #[error("the template of {template} uses a value that is missing on line {line}: `{variable}`")]
    Missing {
        /// Whose template.
        template: String,
        /// Line within the template, from 1.
        line: usize,
        /// What the template says there.
        variable: String,
    },
    /// An operation failed, such as a filter that cannot take its input.
    #[error("the template of {template} failed on line {line}: {reason}")]
    Failed {
        /// Whose template.
        template: String,
        /// Line within the template, from 1.
        line: usize,
        /// What kind of failure.
        reason: String,
    },
}

impl Templates {
    /// No templates yet.
    #[must_use]
    pub fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // The debug information of an error would hold the values of all variables.
        environment.set_debug(false);
        environment.set_fuel(Some(limit::STEPS));
        // By default a name that ends in `.html` would change what its template says.
        environment.set_auto_escape_callback(|name| {
            if name.ends_with(URL) { AutoEscape::Custom(URL.into()) } else { AutoEscape::None }
        });
        environment.set_formatter(|out, state, value| match state.auto_escape() {
            AutoEscape::Custom(what) if what == URL => Ok(url::write(out, &value.to_string())?),
            _ => escape_formatter(out, state, value),
        });
        Self { environment }
    }

    /// The same, where a condition may ask for a value that is not there, as in `{% if body.title %}`. To print one still
    /// fails.
    #[must_use]
    pub fn with_open_conditions(mut self) -> Self {
        self.environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        self
    }

    /// Compiles `source` under `name`, which errors show, such as `rule#2`. Whether it can be used; if not, `problems` says
    /// why.
    ///
    /// `sample` has the variables that there will be. A trial run with it finds misspelt filters, as far as the run gets.
    pub fn add(
        &mut self,
        name: &str,
        source: &At<String>,
        sample: &Values,
        problems: &mut Problems,
    ) -> bool {
        if let Err(error) = self.environment.add_template_owned(name.to_owned(), source.to_string())
        {
            problems.push(located(source, error.range(), describe(&error)));
            return false;
        }
        let Ok(template) = self.environment.get_template(name) else { return false };
        let known: Vec<&str> = sample.names().collect();
        let named = || known.iter().copied().filter(|known| !known.ends_with('.'));
        let mut unknown: Vec<String> = template
            .undeclared_variables(true)
            .into_iter()
            .filter(|used| !known.iter().any(|known| covers(known, used)))
            .filter(|used| !self.environment.globals().any(|(global, _)| covers(global, used)))
            .collect();
        unknown.sort_unstable();
        for used in &unknown {
            let message = format!("there is no variable `{used}` here");
            let problem = located(source, find_variable(source, used), message);
            // A misspelt key beside the template may have been the one that gives the variable.
            problems.push(problem.perhaps_a_consequence().hint(match nearest(used, named()) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("there are `{}`", named().collect::<Vec<_>>().join("`, `")),
            }));
        }
        if !unknown.is_empty() {
            return false;
        }
        match limit::render(&template, sample.to_value()) {
            Err(error) if is_misspelt(error.kind()) => {
                problems.push(located(source, error.range(), describe(&error)));
                false
            }
            // What else fails may depend on the message.
            Ok(_) | Err(_) => true,
        }
    }

    /// As [`add`](Self::add), for the address of a request: what is filled in cannot leave its part of the path or the query,
    /// because everything but letters, digits, `-`, `.`, `_` and `~` is encoded. It is rendered by [`render_url`](Self::render_url).
    pub fn add_url(
        &mut self,
        name: &str,
        source: &At<String>,
        sample: &Values,
        problems: &mut Problems,
    ) -> bool {
        self.add(&format!("{name}{URL}"), source, sample, problems)
    }

    /// Whether `source` is a template at all, whatever its variables; if not, `problems` says why.
    pub fn check(&self, source: &At<String>, problems: &mut Problems) -> bool {
        match self.environment.template_from_str(source) {
            Ok(_) => true,
            Err(error) => {
                problems.push(located(source, error.range(), describe(&error)));
                false
            }
        }
    }

    /// Fills in the template `name`.
    ///
    /// # Errors
    /// [`RenderError`]; nothing of the answer should be sent then.
    pub fn render(&self, name: &str, values: &Values) -> Result<String, RenderError> {
        let failed = |source: &str, error: &minijinja::Error| {
            let (template, line) = (name.to_owned(), error.line().unwrap_or(1));
            // The range of `a.b` begins at the dot.
            let used = error.range().and_then(|range| {
                let before = source.get(..range.start)?;
                source.get(before.trim_end_matches(is_word).len()..range.end)
            });
            match (error.kind(), used) {
                (ErrorKind::UndefinedError, Some(used)) => {
                    RenderError::Missing { template, line, variable: used.to_owned() }
                }
                (ErrorKind::OutOfFuel, _) => {
                    let reason = format!("it takes more than {} steps", limit::STEPS);
                    RenderError::Failed { template, line, reason }
                }
                (ErrorKind::WriteFailure, _) => {
                    let reason = format!("more than {} bytes come out", limit::BYTES);
                    RenderError::Failed { template, line, reason }
                }
                (kind, _) => RenderError::Failed { template, line, reason: kind.to_string() },
            }
        };
        let template = self.environment.get_template(name).map_err(|error| failed("", &error))?;
        limit::render(&template, values.to_value())
            .map_err(|error| failed(template.source(), &error))
    }

    /// Fills in the template `name` of an address.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub fn render_url(&self, name: &str, values: &Values) -> Result<String, RenderError> {
        self.render(&format!("{name}{URL}"), values)
    }

    /// The template `name` as a JSON value: if it is nothing but `{{ … }}`, what stands there with its type, else its text.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub fn render_json(
        &self,
        name: &str,
        values: &Values,
    ) -> Result<serde_json::Value, RenderError> {
        let text = self.render(name, values)?;
        let template = self.environment.get_template(name).ok();
        let value = template.and_then(|template| {
            let expression =
                self.environment.compile_expression(only_expression(template.source())?);
            serde_json::to_value(expression.ok()?.eval(values.to_value()).ok()?).ok()
        });
        Ok(value.unwrap_or(serde_json::Value::String(text)))
    }
}

impl Default for Templates {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.templates().map(|(name, _)| name).collect();
        f.debug_struct("Templates").field("names", &names).finish()
    }
}

/// What the name of a template ends in that makes an address. It holds a space, as no name in a configuration does.
const URL: &str = " url";

/// What a template can use: `message.…`, `bot`, and the plugin's own variables.
///
/// - `message.text`, `message.from` (a user name), `message.conversation` (`user:bob`, `group:123` or `room:9`), `message.id`,
///   `message.time` (milliseconds since 1970) and `message.ext` (the pairs that came with the message)
/// - `bot`, or `bot.name`: the bot's name in the configuration; `bot.user`: the user that it is logged in as
#[derive(Clone)]
pub struct Values {
    values: Vec<(String, Value)>,
    /// The parts that a value is known to have, such as `args.city`.
    parts: Vec<String>,
}

impl Values {
    /// The names that every answer to a message can use.
    pub const OF_A_MESSAGE: &[&str] = &[
        "message.text",
        "message.from",
        "message.conversation",
        "message.id",
        "message.time",
        "message.ext",
        "bot",
        "bot.name",
        "bot.user",
    ];

    /// The values of an answer of `bot` to `message`.
    #[must_use]
    pub fn of(message: &Message, bot: &BotInfo) -> Self {
        let fields = [
            ("text", Value::from(message.text())),
            ("from", Value::from(message.from.as_str())),
            ("conversation", Value::from(message.conversation.to_string())),
            ("id", Value::from(message.id.to_string())),
            ("time", Value::from(message.time.0)),
            ("ext", Value::from(Serde(&message.ext))),
        ];
        let mut values = Self::of_bot(bot);
        values.values.insert(0, ("message".to_owned(), Value::from_pairs(fields)));
        values
    }

    /// The values of what `bot` says and no message asked for: `bot` alone.
    #[must_use]
    pub fn of_bot(bot: &BotInfo) -> Self {
        let bot = BotValue { name: bot.name.clone(), user: bot.user.clone() };
        Self { values: vec![("bot".to_owned(), Value::from_object(bot))], parts: Vec::new() }
    }

    /// Values of a made-up message, for [`Templates::add`].
    #[must_use]
    pub fn sample(bot: &BotInfo) -> Self {
        let peer = UserId::new("bob");
        let conversation = Conversation::User(peer.clone());
        let message =
            Message::new(MessageId(1), conversation, peer, Timestamp(1), Body::text("hello"));
        Self::of(&message, bot)
    }

    /// Adds the variable `name` with a text.
    #[must_use]
    pub fn text(mut self, name: impl Into<String>, text: &str) -> Self {
        self.values.push((name.into(), Value::from(text)));
        self
    }

    /// Adds the variable `name` with a list of texts.
    #[must_use]
    pub fn list<'a>(
        mut self,
        name: impl Into<String>,
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        self.values.push((name.into(), texts.into_iter().map(Value::from).collect()));
        self
    }

    /// Adds the variable `name` with a JSON value: a template reads its parts as `name.part`.
    #[must_use]
    pub fn json(mut self, name: impl Into<String>, value: &serde_json::Value) -> Self {
        self.values.push((name.into(), Value::from(Serde(value))));
        self
    }

    /// Adds the variable `name`, which has these parts and no others: a template that uses another one is refused when it is
    /// added. One without a value is known, but not there this time.
    #[must_use]
    pub fn parts<'a>(
        mut self,
        name: &str,
        parts: impl IntoIterator<Item = (&'a str, Option<serde_json::Value>)>,
    ) -> Self {
        let mut there = Vec::new();
        // A value without any part has none that could be used.
        self.parts.push(format!("{name}."));
        for (part, value) in parts {
            self.parts.push(format!("{name}.{part}"));
            there.extend(value.map(|value| (part, Value::from(Serde(value)))));
        }
        self.values.push((name.to_owned(), Value::from_pairs(there)));
        self
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.values.iter().map(|(name, _)| name.as_str());
        let of_a_message = self.values.iter().any(|(name, _)| name == "message");
        let common = Self::OF_A_MESSAGE.iter().copied();
        let has_parts = |name: &str| {
            self.parts.iter().any(|part| part.split('.').next().is_some_and(|whole| whole == name))
        };
        own.filter(move |name| !matches!(*name, "message" | "bot") && !has_parts(name))
            .chain(self.parts.iter().map(String::as_str))
            .chain(common.filter(move |name| of_a_message || name.starts_with("bot")))
    }

    fn to_value(&self) -> Value {
        Value::from_pairs(self.values.iter().map(|(name, value)| (name.as_str(), value.clone())))
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values hold the text of a message.
        f.debug_set().entries(self.values.iter().map(|(name, _)| name)).finish()
    }
}

/// `{{ bot }}` is its name, `{{ bot.user }}` works as well.
#[derive(Debug)]
struct BotValue {
    name: String,
    user: UserId,
}

impl Object for BotValue {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "name" => Some(Value::from(self.name.as_str())),
            "user" => Some(Value::from(self.user.as_str())),
            _ => None,
        }
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Whether a template that uses `used` is served by the variable `known`: it is that one, a part of it, or a whole with it.
fn covers(known: &str, used: &str) -> bool {
    let is_within = |part: &str, whole: &str| {
        part.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    // A part of `message` has to be listed; the attributes of the others are known at run time alone.
    let is_whole = known != "bot" || used == "bot";
    (is_whole && is_within(used, known)) || is_within(known, used)
}

/// What stands between the braces of a template that is nothing but one `{{ … }}`.
fn only_expression(template: &str) -> Option<&str> {
    let inner = template.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let is_one = !["{{", "}}", "{%", "{#"].iter().any(|mark| inner.contains(mark));
    is_one.then(|| inner.trim_start_matches(['-', '+']).trim_end_matches(['-', '+']))
}

fn is_misspelt(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnknownFilter
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownMethod
            | ErrorKind::UnknownTest
    )
}

fn located(source: &At<String>, range: Option<Range<usize>>, message: String) -> Problem {
    let problem = Problem::error(source.span(), message);
    match range {
        Some(range) => problem.inside(range),
        None => problem,
    }
}

fn describe(error: &minijinja::Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    format!("the template cannot be used, line {}: {what}", error.line().unwrap_or(1))
}

/// Where a template first uses the variable `used`: as a whole word within `{{ … }}` or `{% … %}`.
fn find_variable(template: &str, used: &str) -> Option<Range<usize>> {
    template.match_indices(used).map(|(start, _)| start..start + used.len()).find(|range| {
        let (before, behind) = (template.get(..range.start), template.get(range.end..));
        let (Some(before), Some(behind)) = (before, behind) else { return false };
        let opened = before.rfind("{{").max(before.rfind("{%"));
        let closed = before.rfind("}}").max(before.rfind("%}"));
        opened > closed
            && !before.ends_with(is_word)
            && !behind.starts_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.')
}

#[cfg(test)]
mod tests;

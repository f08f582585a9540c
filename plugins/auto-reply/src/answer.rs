//! What a rule answers.

use std::path::{Path, PathBuf};

use easebot_model::{
    Attach, Body, Custom, Draft, FileSource, Location, Message, MessageId, UserId,
};
use easebot_plugin::{BotInfo, RenderError, Templates, Values};

/// One answer: messages that are sent one after the other.
#[derive(Debug)]
pub(crate) struct Answer(pub(crate) Vec<Part>);

/// One message of an answer. Texts are names of templates.
#[derive(Debug)]
pub(crate) enum Part {
    Combine { title: String, lines: Vec<Line> },
    Custom { event: String, exts: Vec<(String, String)> },
    File(PathBuf),
    Image(PathBuf),
    Location(Location),
    Text(String),
}

/// One message within a combined one.
#[derive(Debug)]
pub(crate) struct Line {
    /// Who said it; the bot if nobody is named.
    pub(crate) from: Option<UserId>,
    pub(crate) text: String,
}

/// How many lines of a combined message are shown before it is opened.
const SUMMARY_LINES: usize = 3;

/// What fills in the templates of an answer to `message`.
#[derive(Clone, Copy)]
pub(crate) struct Filling<'a> {
    pub(crate) templates: &'a Templates,
    pub(crate) values: &'a Values,
    pub(crate) message: &'a Message,
    pub(crate) bot: &'a BotInfo,
}

impl Answer {
    /// The messages, without those of which nothing came out.
    pub(crate) fn drafts(&self, filling: Filling<'_>) -> Result<Vec<Draft>, RenderError> {
        let drafts = self.0.iter().map(|part| part.draft(filling));
        drafts.filter_map(Result::transpose).collect()
    }
}

impl Part {
    fn draft(&self, filling: Filling<'_>) -> Result<Option<Draft>, RenderError> {
        let render = |template: &str| filling.templates.render(template, filling.values);
        Ok(match self {
            Self::Combine { title, lines } => combine(&render(title)?, lines, filling)?,
            Self::Custom { event, exts } => {
                let mut custom = Custom { event: event.clone(), ..Custom::default() };
                for (key, template) in exts {
                    custom.exts.insert(key, render(template)?);
                }
                Some(Draft::new(Body::Custom(custom)))
            }
            Self::File(path) => Some(Draft::file(path.clone())),
            Self::Image(path) => Some(Draft::image(path.clone())),
            Self::Location(location) => Some(Draft::new(Body::Location(location.clone()))),
            Self::Text(template) => {
                let text = render(template)?;
                (!text.trim().is_empty()).then(|| Draft::new(text))
            }
        })
    }
}

fn combine(
    title: &str,
    lines: &[Line],
    filling: Filling<'_>,
) -> Result<Option<Draft>, RenderError> {
    let (mut messages, mut summary) = (Vec::new(), Vec::new());
    for (line, id) in lines.iter().zip(1..) {
        let text = filling.templates.render(&line.text, filling.values)?;
        if text.trim().is_empty() {
            continue;
        }
        let from = line.from.as_ref().unwrap_or(&filling.bot.user).clone();
        if summary.len() < SUMMARY_LINES {
            summary.push(format!("{from}: {text}"));
        }
        let (to, time) = (filling.message.conversation.clone(), filling.message.time);
        messages.push(Message::new(MessageId(id), to, from, time, text.into()));
    }
    let is_empty = messages.is_empty();
    Ok((!is_empty).then(|| Draft::combine(messages, title, summary.join("\n"), title)))
}

/// A message in words, for the operator.
pub(crate) fn describe(draft: &Draft) -> String {
    match (&draft.body, &draft.attach) {
        (Body::Text(text), _) => text.text.clone(),
        (body, Some(Attach::File(FileSource::Path(path)))) => {
            let name = path.file_name().map(Path::new).unwrap_or(path);
            format!("[{} {}]", body.kind().as_str(), name.display())
        }
        (Body::Combine(combine), Some(Attach::Messages(messages))) => {
            format!("[combine {}: {} messages]", combine.title, messages.len())
        }
        (Body::Custom(custom), _) => format!("[custom {}]", custom.event),
        (Body::Location(place), _) => {
            format!("[location {} {}]", place.latitude, place.longitude)
        }
        (body, _) => format!("[{}]", body.kind().as_str()),
    }
}

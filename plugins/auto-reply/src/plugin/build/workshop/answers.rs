//! From the keys of answers to the answers.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use easebot_model::{Location, UserId};
use easebot_plugin::{At, Problem, Span, Values, Words};

use super::Workshop;
use crate::{
    answer::{Answer, Line, Part},
    keys::{AnswerKeys, CombineKeys, CustomKeys, LocationKeys},
};

/// Most messages in a combined one. Source: Easemob's documentation, "forward several messages".
const MAX_LINES: usize = 300;
/// Most pairs of a custom message. Source: Easemob's REST documentation, "custom message".
const MAX_PAIRS: usize = 16;
/// Longest name of a custom message, in bytes. Source: as above.
const MAX_EVENT_BYTES: usize = 32;

impl Workshop<'_> {
    /// The answers of the rule `name`. Without a `sample` the templates are only looked at one by one.
    pub(super) fn answers(
        &mut self,
        name: &str,
        rule: Option<Span>,
        reply: Option<Words>,
        answers: Option<Vec<At<AnswerKeys>>>,
        sample: Option<&Values>,
    ) -> Vec<Answer> {
        match (reply, answers) {
            (None, None) => {
                self.problems.push(
                    Problem::error(rule, "the rule has no answer")
                        .hint("add `reply`, or an `answer`")
                        .perhaps_a_consequence(),
                );
                Vec::new()
            }
            (Some(reply), Some(answers)) => {
                let (first, other) = (reply.first().and_then(At::span), answers.first());
                self.problems.push(
                    Problem::error(other.and_then(At::span), "a rule has `reply` or `answer`")
                        .related(first, "the other one")
                        .hint("write the text as `text` of the answer"),
                );
                Vec::new()
            }
            (Some(reply), None) => {
                let texts = reply.iter().zip(1..).map(|(text, number)| {
                    let name = match reply.len() {
                        1 => name.to_owned(),
                        _ => format!("{name}.reply#{number}"),
                    };
                    Answer(self.text(name, text, sample).into_iter().collect())
                });
                texts.collect()
            }
            (None, Some(answers)) => {
                let answers = answers.into_iter().zip(1..);
                answers
                    .map(|(keys, number)| {
                        self.answer(&format!("{name}.answer#{number}"), keys, sample)
                    })
                    .collect()
            }
        }
    }

    fn answer(&mut self, name: &str, keys: At<AnswerKeys>, sample: Option<&Values>) -> Answer {
        let span = keys.span();
        let AnswerKeys { text, image, file, location, custom, combine } = keys.into_inner();
        let is_empty = text.is_none()
            && (image.is_none() && file.is_none())
            && (location.is_none() && custom.is_none() && combine.is_none());
        if is_empty {
            self.problems.push(Problem::error(span, "the answer is empty").perhaps_a_consequence());
        }
        let parts = [
            text.and_then(|text| self.text(format!("{name}.text"), &text, sample)),
            image.and_then(|path| self.file(&path, true)).map(Part::Image),
            file.and_then(|path| self.file(&path, false)).map(Part::File),
            location.and_then(|keys| self.location(keys)),
            custom.and_then(|keys| self.custom(name, keys, sample)),
            combine.and_then(|keys| self.combine(name, keys, sample)),
        ];
        Answer(parts.into_iter().flatten().collect())
    }

    fn text(&mut self, name: String, source: &At<String>, sample: Option<&Values>) -> Option<Part> {
        self.template(&name, source, sample).then_some(Part::Text(name))
    }

    /// Whether `source` can be used as the template `name`.
    fn template(&mut self, name: &str, source: &At<String>, sample: Option<&Values>) -> bool {
        match sample {
            Some(sample) => self.templates.add(name, source, sample, self.problems),
            None => self.templates.check(source, self.problems),
        }
    }

    /// The whole path of a file that is there and, if need be, a picture.
    fn file(&mut self, path: &At<String>, is_picture: bool) -> Option<PathBuf> {
        let whole = self.env.folder.join(path.as_str());
        let problem = match head(&whole) {
            Ok(head) if head.is_empty() => Problem::error(path.span(), "the file is empty"),
            Ok(head) if is_picture && !is_known_picture(&head) => {
                let message = "the file is no PNG, JPEG, GIF or WebP picture";
                Problem::error(path.span(), message).hint("send it as `file`")
            }
            Ok(_) => match std::path::absolute(&whole) {
                Ok(whole) => return Some(whole),
                Err(error) => Problem::error(path.span(), format!("the file has no path: {error}")),
            },
            Err(error) => {
                let message = format!("the file cannot be read: {error}");
                Problem::error(path.span(), message)
                    .hint("a relative path starts at the folder of the configuration")
            }
        };
        self.problems.push(problem);
        None
    }

    fn location(&mut self, keys: LocationKeys) -> Option<Part> {
        let LocationKeys { latitude, longitude, address, building } = keys;
        let mut is_right = true;
        for (degrees, most) in [(&latitude, 90.0), (&longitude, 180.0)] {
            if !(-most..=most).contains(&**degrees) {
                let message = format!("must be -{most} to {most} degrees");
                self.problems.push(Problem::error(degrees.span(), message));
                is_right = false;
            }
        }
        let (latitude, longitude) = (*latitude, *longitude);
        is_right.then_some(Part::Location(Location { latitude, longitude, address, building }))
    }

    fn custom(&mut self, name: &str, keys: CustomKeys, sample: Option<&Values>) -> Option<Part> {
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/.".contains(&byte);
        let event = keys.event.as_str();
        if event.is_empty() || event.len() > MAX_EVENT_BYTES || !event.bytes().all(is_legal) {
            let message = format!("must be 1 to {MAX_EVENT_BYTES} of `a-z A-Z 0-9 - _ / .`");
            self.problems.push(Problem::error(keys.event.span(), message));
            return None;
        }
        if keys.exts.len() > MAX_PAIRS {
            let message = format!("{} pairs are above the limit of {MAX_PAIRS}", keys.exts.len());
            self.problems.push(Problem::error(keys.event.span(), message));
            return None;
        }
        let mut exts = Vec::new();
        for (key, source) in keys.exts {
            let template = format!("{name}.custom.{key}");
            if self.template(&template, &source, sample) {
                exts.push((key, template));
            }
        }
        Some(Part::Custom { event: keys.event.into_inner(), exts })
    }

    fn combine(&mut self, name: &str, keys: CombineKeys, sample: Option<&Values>) -> Option<Part> {
        let title = format!("{name}.combine.title");
        let has_title = self.template(&title, &keys.title, sample);
        if !(1..=MAX_LINES).contains(&keys.message.len()) {
            let message = format!("must have 1 to {MAX_LINES} messages");
            self.problems.push(Problem::error(keys.message.span(), message));
            return None;
        }
        let mut lines = Vec::new();
        for (line, number) in keys.message.into_inner().into_iter().zip(1..) {
            let text = format!("{name}.combine.message#{number}");
            if self.template(&text, &line.text, sample) {
                lines.push(Line { from: line.from.map(UserId::from), text });
            }
        }
        has_title.then_some(Part::Combine { title, lines })
    }
}

/// The first bytes of a file.
fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(16).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether a file that begins so is a picture that every client shows.
fn is_known_picture(head: &[u8]) -> bool {
    matches!(
        head,
        [0x89, b'P', b'N', b'G', ..]
            | [0xff, 0xd8, 0xff, ..]
            | [b'G', b'I', b'F', b'8', ..]
            | [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..]
    )
}

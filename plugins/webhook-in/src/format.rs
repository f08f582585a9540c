//! From a request to what it wants said, each format by its own rules.

mod alertmanager;
mod cloudevents;
mod easemob;
mod forge;
mod generic;
mod github;
mod gitlab;
mod slack;

use easebot_plugin::{BotInfo, HookRequest};
use serde_json::Value;

use crate::{
    body::{self, Attached},
    keys::Format,
    refusal::Refusal,
};

pub(crate) use cloudevents::handshake;

/// One message that a request asks for.
#[derive(Debug, PartialEq)]
pub(crate) struct Post {
    /// By what a repetition is known: unique among the posts of a hook. Without one each request is a new one.
    pub(crate) id: Option<String>,
    /// What the format makes of it. Empty if there is nothing worth saying.
    pub(crate) text: String,
    /// What a template reads.
    pub(crate) body: Value,
    /// What goes along.
    pub(crate) files: Vec<Attached>,
    /// The conversation that the request names, if it does so its own way.
    pub(crate) to: Option<String>,
}

impl Post {
    const fn new(body: Value, text: String) -> Self {
        Self { id: None, text, body, files: Vec::new(), to: None }
    }

    fn with_id(self, id: Option<impl Into<String>>) -> Self {
        Self { id: id.map(Into::into), ..self }
    }
}

/// How many messages one request may ask for.
const MAX_POSTS: usize = 100;

/// Reads `request`. `hour` is the number of the present one, for formats whose repetitions are reminders after a while; `bots` are
/// those that nothing is said of.
pub(crate) async fn read(
    format: Format,
    request: &HookRequest,
    hour: u64,
    bots: &[BotInfo],
) -> Result<Vec<Post>, Refusal> {
    let one = |post| Ok(vec![post]);
    match format {
        Format::Alertmanager => one(alertmanager::read(body::json(&request.body)?, hour)?),
        Format::Cloudevents => cloudevents::read(request).await,
        Format::Easemob => {
            let post = easemob::read(body::json(&request.body)?, bots)?;
            Ok(post.into_iter().collect())
        }
        Format::Generic => one(generic::read(request, body::read(request).await?)?),
        Format::Gitea => {
            one(github::read(request, body::read(request).await?.value, &github::GITEA)?)
        }
        Format::Github => {
            one(github::read(request, body::read(request).await?.value, &github::GITHUB)?)
        }
        Format::Gitlab => one(gitlab::read(request, body::json(&request.body)?)?),
        Format::Slack => one(slack::read(body::read(request).await?.value)?),
        Format::StandardWebhooks => one(generic::standard(request, body::read(request).await?)?),
    }
}

/// The text at a path of keys, such as `repository.full_name`; empty if there is none.
fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// The elements of the list at a path of keys; none if it is none.
fn list<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The first of `texts` that says something.
fn first<'t>(texts: impl IntoIterator<Item = &'t str>) -> &'t str {
    texts.into_iter().map(str::trim).find(|text| !text.is_empty()).unwrap_or_default()
}

/// The lines that say something.
fn lines<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let said: Vec<&str> = texts.into_iter().filter(|text| !text.trim().is_empty()).collect();
    said.join("\n")
}

/// `text` up to `max` characters; what is cut is shown by `…`.
pub(crate) fn short(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
    }
}

#[cfg(test)]
mod tests;

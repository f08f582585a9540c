//! How a step is saved.

use easebot_model::{Message, Timestamp};
use easebot_plugin::{Context, StateError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::warn;

use super::Steps;

/// What stands under the key of a dialogue.
#[derive(Deserialize, Serialize)]
struct Saved {
    /// [`Steps::VERSION`] of whoever saved it.
    version: u32,
    /// When the message came that led to the step.
    at: Timestamp,
    step: Value,
}

/// What was found under a key.
pub(super) enum Found<S> {
    Nothing,
    Step {
        step: S,
        at: Timestamp,
    },
    /// Something that cannot be read; that is reported.
    Unreadable,
}

/// Where the dialogue `name` of who wrote `message` is kept, in its conversation.
pub(super) fn key(name: &str, message: &Message) -> String {
    let conversation = escape(&message.conversation.to_string());
    format!("{}{conversation}/{}", prefix(name), escape(message.from.as_str()))
}

/// What the keys of all dialogues `name` begin with.
pub(super) fn prefix(name: &str) -> String {
    format!("dialogue/{}/", escape(name))
}

/// When the message came that led to the step in `value`, if that is one.
pub(super) fn time_of(value: Value) -> Option<Timestamp> {
    serde_json::from_value::<Saved>(value).ok().map(|saved| saved.at)
}

/// Without the slash that is between the parts of a key: a user may be called as it likes.
fn escape(part: &str) -> String {
    part.replace('%', "%25").replace('/', "%2F")
}

pub(super) async fn load<S: Steps>(cx: &Context, key: &str) -> Result<Found<S>, StateError> {
    let saved = match cx.state::<Saved>().load(key).await {
        Ok(Some(saved)) => saved,
        Ok(None) => return Ok(Found::Nothing),
        Err(StateError::Unreadable { .. }) => {
            report::<S>(cx, key, None);
            return Ok(Found::Unreadable);
        }
        Err(error) => return Err(error),
    };
    let Saved { version, at, step } = saved;
    let step = if version == S::VERSION {
        serde_json::from_value(step).ok()
    } else {
        S::migrate(version, step)
    };
    Ok(match step {
        Some(step) => Found::Step { step, at },
        None => {
            report::<S>(cx, key, Some(version));
            Found::Unreadable
        }
    })
}

/// What is in it is somebody's answers, so that it is not shown, nor is the error, which quotes it.
fn report<S: Steps>(cx: &Context, key: &str, version: Option<u32>) {
    let (bot, plugin, dialogue) = (&cx.bot().name, cx.plugin(), S::NAME);
    let reads = S::VERSION;
    warn!(%bot, plugin, dialogue, key, version, reads, "a saved dialogue is not readable and begins anew");
}

pub(super) fn save<S: Steps>(
    cx: &Context,
    key: &str,
    step: &S,
    at: Timestamp,
) -> Result<(), StateError> {
    let step = serde_json::to_value(step)
        .map_err(|source| StateError::Unwritable { key: key.to_owned(), source })?;
    cx.state().save(key, &Saved { version: S::VERSION, at, step })
}

pub(super) fn remove(cx: &Context, key: &str) {
    cx.state::<Saved>().remove(key);
}

use std::time::Duration;

use easebot_model::UserId;
use serde_json::{Value, json};

use crate::{testing::Script, *};

mod calls;
mod conversations;
mod groups;
mod pages;
mod places;
mod silent;
mod words;

/// A server that always says `answer`, and the calls of bob.
fn saying(answer: Value) -> (Script, Api) {
    let script = Script::new("bob", move |_, _| Script::ok(&answer));
    let api = script.api();
    (script, api)
}

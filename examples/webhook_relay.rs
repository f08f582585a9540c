//! A group and a build server: what people order in the group is posted to the server, and what the server posts is said in the
//! group.
//!
//! `cargo run -p easebot-examples --example webhook_relay`. `RELAY_URL` is where the server is; without it one within the process
//! stands in. `post /hooks/builds/s3cret {"text": "…"}` is what the server posts.

use std::env;

use easebot::{
    Bot, Context, Conversation, Draft, Env, Event, Flow, Interest, Plugin, PluginError,
    async_trait,
    http::{Outgoing, Reach, Request, Rules, StandIn, stay_inside},
    plugin::{Hook, HookReply, HookRequest},
};
use easebot_examples::{PlayError, play};
use serde_json::{Value, json};

const GROUP: &str = "ops";

/// Most bytes of an answer.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

struct Relay {
    http: Outgoing,
    url: String,
    token: String,
}

#[async_trait]
impl Plugin for Relay {
    fn name(&self) -> &str {
        "relay"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    /// From the group to the server, and its answer back.
    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let Some(message) = event.as_message() else { return Ok(Flow::Continue) };
        let order = message.text().strip_prefix("/build ");
        let (Some(target), true) = (order, message.conversation == Conversation::group(GROUP))
        else {
            return Ok(Flow::Continue);
        };
        let body = json!({ "target": target, "by": message.from.as_str() }).to_string();
        let mut request = Request::post(&self.url, body)?;
        request.headers.insert("content-type", "application/json".parse()?);
        // It may come again after a failure: by the id the server knows it.
        request.headers.insert("idempotency-key", message.id.to_string().parse()?);
        let answer = self.http.call(request, MAX_ANSWER_BYTES).await?;
        let text = if answer.status().is_success() { text(answer.body()) } else { None };
        let text = text.unwrap_or_else(|| format!("the server answered {}", answer.status()));
        cx.quote(message, text).await?;
        Ok(Flow::Stop)
    }

    fn hooks(&self) -> Vec<Hook> {
        vec![Hook::guarded("/hooks/builds").with_tail()]
    }

    /// From the server to the group. What is answered with 202 is saved.
    async fn on_request(&self, request: HookRequest, env: &Env) -> HookReply {
        if request.tail.as_deref() != Some(&self.token) {
            return HookReply::text(401, "who are you?");
        }
        let Some(text) = text(&request.body) else { return HookReply::text(400, "no text") };
        match env.send(Conversation::group(GROUP), Draft::new(text)).await {
            Ok(_) => HookReply::text(202, ""),
            Err(_) => HookReply::text(503, "try again"),
        }
    }
}

fn text(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Value>(body).ok()?.get("text")?.as_str().map(str::to_owned)
}

/// Stands in for the build server.
pub(crate) fn server(request: &Request) -> Option<StandIn> {
    let order: Value = serde_json::from_slice(&request.body).ok()?;
    let body =
        json!({ "text": format!("building {}", order.get("target")?.as_str()?) }).to_string();
    Some(StandIn { status: 200, headers: Vec::new(), body })
}

/// In a program of your own: `relay(Bot::from_env()?).run().await`, with hooks at an address: see `runtime::RuntimeOptions::http`.
pub(crate) fn relay(bot: Bot) -> Bot {
    let read = |name, or: &str| env::var(name).unwrap_or_else(|_| or.to_owned());
    bot.plugin(Relay {
        // An operator names the address, so it may lead inside.
        http: Outgoing::new(Rules { reach: Reach::Any, ..Rules::default() }),
        url: read("RELAY_URL", "http://builds.example/"),
        token: read("RELAY_TOKEN", "s3cret"),
    })
}

fn main() -> Result<(), PlayError> {
    if env::var_os("RELAY_URL").is_none() {
        stay_inside(server);
    }
    play(relay)
}

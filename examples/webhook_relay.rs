//! A group and a build server: what people order in the group is posted to the server, and what the server posts is said in the
//! group. Neither is lost while the other is away.
//!
//! `cargo run -p easebot-examples --example webhook_relay`. `RELAY_URL` is where the server is; without it one within the process
//! stands in. `post /hooks/builds/s3cret {"text": "…"}` is what the server posts.

use std::env;

use easebot::{
    Bot, Context, Conversation, Env, Event, Message, Outgoing, PluginError, async_trait,
    http::{Reach, Request, Rules, StandIn, stay_inside},
    model::Secret,
    plugin::{Hook, HookRequest},
    role::{
        self,
        webhook::{self, Answer, Endpoint, Post, Posted, Poster, Refused, Relay, WebhookRelay},
    },
};
use easebot_examples::{PlayError, play};
use serde_json::{Value, json};

const GROUP: &str = "ops";

struct Builds {
    poster: Poster,
    url: String,
    token: Secret,
}

#[async_trait]
impl WebhookRelay for Builds {
    fn name(&self) -> &str {
        "builds"
    }

    fn poster(&self) -> Option<&Poster> {
        Some(&self.poster)
    }

    fn endpoint(&self, _: &Env) -> Result<Endpoint, PluginError> {
        // An operator names the address, so it may lead inside.
        let rules = Rules { reach: Reach::Any, ..Rules::default() };
        Ok(Endpoint::new(&self.url)?.with_rules(rules))
    }

    /// From the group to the server. What is posted is saved, and tried again until the server has it.
    async fn post(&self, event: &Event, _: &Context) -> Result<Option<Post>, PluginError> {
        let is_here = |message: &&Message| message.conversation == Conversation::group(GROUP);
        let Some(message) = event.as_message().filter(is_here) else { return Ok(None) };
        let Some(target) = message.text().strip_prefix("/build ") else { return Ok(None) };
        Ok(Some(Post::json(&json!({ "target": target, "by": message.from.as_str() }))?))
    }

    /// And its answer back.
    async fn answered(&self, posted: &Posted<'_>, answer: &Answer) -> Result<(), PluginError> {
        match text(answer.body()) {
            Some(text) => posted.reply(text).await,
            None => Ok(()),
        }
    }

    fn hooks(&self) -> Vec<Hook> {
        vec![Hook::guarded("/hooks/builds").with_tail()]
    }

    fn verify(&self, request: &HookRequest, _: &Env) -> Result<(), Refused> {
        webhook::token(request, &self.token)
    }

    /// From the server to the group. What is answered with 202 is saved.
    async fn render(&self, request: &HookRequest, env: &Env) -> Result<Relay, Refused> {
        let text = text(&request.body).ok_or_else(|| Refused::json(400, "no text"))?;
        let id = request.header("idempotency-key").map(str::to_owned);
        let id = id.unwrap_or_else(|| env.now().0.to_string());
        Ok(Relay::say(id, Outgoing::text(Conversation::group(GROUP), text)))
    }
}

role::plugin!(Builds: WebhookRelay);

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
    bot.plugin(Builds {
        poster: Poster::default(),
        url: read("RELAY_URL", "http://builds.example/"),
        token: Secret::new(read("RELAY_TOKEN", "s3cret")),
    })
}

fn main() -> Result<(), PlayError> {
    if env::var_os("RELAY_URL").is_none() {
        stay_inside(server);
    }
    play(relay)
}

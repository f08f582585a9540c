//! A bakery's web service with routes of its own, and its bot within: what people write to the bot, what the service says
//! through it, and a hook of the bot that the oven posts to, all in one process that stops politely.
//!
//! `cargo run -p easebot-examples --example axum_service`, with an account in the environment, and then
//! `curl -d 'Your cake is ready.' http://127.0.0.1:8080/tell/alice` and `curl -d hot http://127.0.0.1:8080/bots/hooks/oven`

use std::{error::Error, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use easebot::{
    Bot, Context, Conversation, Env, Event, Flow, Interest, Outgoing, Plugin, PluginError,
    async_trait, ctrl_c,
    plugin::{Hook, HookReply, HookRequest},
    runtime::Handle,
};
use tokio::net::TcpListener;

/// The bot, whose name is what the service sends through.
pub(crate) fn bakery(bot: Bot) -> Bot {
    bot.name("bakery").on_text(|_, _| async { "We are open until six." }).plugin(Oven)
}

/// The routes of the service, and those of the bot under `/bots`: `/bots/readyz`, and `/bots/hooks/oven`.
pub(crate) fn routes(bots: Handle) -> Router {
    Router::new()
        .route("/", get(|| async { "the bakery" }))
        .route("/tell/{person}", post(tell))
        .nest_service("/bots", bots.pages())
        .with_state(bots)
}

/// Says something that nobody has asked the bot for, and answers when the server has it.
async fn tell(
    State(bots): State<Handle>,
    Path(person): Path<String>,
    text: String,
) -> Result<String, (StatusCode, String)> {
    let failed = |error: &dyn Error| (StatusCode::BAD_GATEWAY, format!("{error}\n"));
    let outgoing = Outgoing::text(Conversation::user(person), text);
    let ticket = bots.send("bakery", None, outgoing).await.map_err(|error| failed(&error))?;
    let receipt = ticket.receipt().await.map_err(|error| failed(&error))?;
    Ok(format!("{}\n", receipt.message))
}

/// Says to the bakers what the oven posts.
struct Oven;

#[async_trait]
impl Plugin for Oven {
    fn name(&self) -> &str {
        "oven"
    }

    fn interest(&self) -> Interest {
        Interest::none()
    }

    async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        Ok(Flow::Continue)
    }

    fn hooks(&self) -> Vec<Hook> {
        vec![Hook::open("/hooks/oven")]
    }

    async fn on_request(&self, request: HookRequest, env: &Env) -> HookReply {
        let text = format!("The oven is {}.", String::from_utf8_lossy(&request.body));
        match env.send(Conversation::group("bakers"), text).await {
            Ok(_) => HookReply::text(202, "it is said\n"),
            Err(error) => HookReply::text(503, format!("{error}\n")),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let bot = bakery(Bot::from_env()?).start().await?;
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    // Any future ends it: of a token, of a channel, or this one.
    axum::serve(listener, routes(bot.handle())).with_graceful_shutdown(ctrl_c()).await?;
    bot.shutdown(Duration::from_secs(10)).await;
    Ok(())
}

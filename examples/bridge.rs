//! Joins two groups: what is said in one is said in the other, with its writer's name; pictures and files go along.
//!
//! `cargo run -p easebot-examples --example bridge`, with the groups `kitchen` and `hall`.

use easebot::{Body, Bot, Context, Conversation, Draft, Flow, Message, PluginError, filter};
use easebot_examples::{PlayError, play};

const GROUPS: [&str; 2] = ["kitchen", "hall"];

/// The group on the other side.
fn across(place: &Conversation) -> Option<Conversation> {
    let [a, b] = GROUPS.map(Conversation::group);
    match place {
        place if *place == a => Some(b),
        place if *place == b => Some(a),
        _ => None,
    }
}

async fn relay(message: Message, cx: Context) -> Result<Flow, PluginError> {
    let Some(to) = across(&message.conversation) else { return Ok(Flow::Continue) };
    let from = &message.from;
    match &message.body {
        Body::Text(text) => {
            // Bulk leaves behind what the bot answers to people. Each is said once, however often this runs for a message.
            cx.send_bulk(Draft::new(format!("{from}: {}", text.text)).to(to)).await?;
        }
        body => {
            cx.send_bulk(Draft::new(format!("{from} ({}):", body.kind().as_str())).to(to.clone()))
                .await?;
            // The file is not uploaded again.
            cx.send_bulk(Draft::forward(&message)?.to(to)).await?;
        }
    }
    Ok(Flow::Stop)
}

/// In a program of your own: `bridge(Bot::from_env()?).run().await`, with the ids of your groups.
pub(crate) fn bridge(bot: Bot) -> Bot {
    bot.on(filter::in_groups() & filter::messages(), relay)
}

fn main() -> Result<(), PlayError> {
    play(bridge)
}

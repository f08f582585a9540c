//! What becomes of a bot when something breaks. Its transcript is the drill: the link breaks, the server refuses, a handler panics, the
//! process is killed, and each message is still counted and answered once.
//!
//! `cargo run -p easebot-examples --example fault_drill`; `! cut`, `! refuse 2`, `! crash` and `! restart` break things.

use easebot::{Bot, Context, PluginError, filter};
use easebot_examples::{PlayError, play};

/// Counts in what is saved, with the message that it counts.
async fn count(cx: Context) -> Result<String, PluginError> {
    let state = cx.state::<u32>();
    let n = state.load("n").await?.unwrap_or_default() + 1;
    state.save("n", &n)?;
    Ok(format!("that is {n}"))
}

/// A mistake of its author. What it has saved and said before is dropped; the message is tried twice more and then given up, kept
/// for an operator as a dead letter. Other messages go on.
#[expect(clippy::panic, reason = "this is the drill")]
async fn fall(cx: Context) -> Result<(), PluginError> {
    cx.state::<u32>().save("n", &1_000)?;
    cx.reply("nobody hears this").await?;
    panic!("this is the drill");
}

/// In a program of your own: `drill(Bot::from_env()?).run().await`.
pub(crate) fn drill(bot: Bot) -> Bot {
    bot.data_dir("data").on(filter::equals("fall"), fall).on(filter::texts(), count)
}

fn main() -> Result<(), PlayError> {
    play(drill)
}

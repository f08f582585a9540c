//! Says what it hears.
//!
//! `cargo run -p easebot-examples --example echo`

use easebot::Bot;
use easebot_examples::{PlayError, play};

/// In a program of your own: `echo(Bot::from_env()?).run().await`.
pub(crate) fn echo(bot: Bot) -> Bot {
    bot.on_text(|message, cx| async move { cx.reply(message.text()).await })
}

fn main() -> Result<(), PlayError> {
    play(echo)
}

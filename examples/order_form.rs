//! An order form: one question after the other, also over a restart in the middle.
//!
//! `cargo run -p easebot-examples --example order_form`

use std::time::Duration;

use easebot::{Ask, Bot, Dialogues, PluginError, Questions, dialogue::Answers, filter};
use easebot_examples::{PlayError, play};

/// An order, by the questions of [`order`].
struct Order;

impl Questions for Order {
    const NAME: &str = "order";
}

const CARD: [&str; 2] = ["Funghi", "Marinara"];

async fn order(ask: Ask<Order>) -> Result<String, PluginError> {
    let mut which = "which pizza? (Funghi, Marinara)".to_owned();
    loop {
        let on_card = |text: &str| {
            let found = CARD.into_iter().find(|name| name.eq_ignore_ascii_case(text.trim()));
            found.ok_or("we have Funghi and Marinara")
        };
        let pizza = ask.until(which, on_card).await?;
        let n = ask.until("how many?", number).await?;
        let address = ask.text("where to?").await?;
        let question = format!("{n} × {pizza} to {address}: is that right? (yes, no)");
        if ask.text(question).await? == "yes" {
            return Ok(format!("{n} × {pizza} will be with you in half an hour"));
        }
        which = "then once more: which pizza? (Funghi, Marinara)".to_owned();
    }
}

fn number(text: &str) -> Result<u8, &'static str> {
    let number = text.trim().parse().ok().filter(|n| (1..=20).contains(n));
    number.ok_or("a number from 1 to 20, please")
}

/// In a program of your own: `pizzeria(Bot::from_env()?).data_dir("data").run().await`, and no order is lost by a restart.
pub(crate) fn pizzeria(bot: Bot) -> Bot {
    let orders = Dialogues::<Answers<Order>>::new()
        .timeout(Duration::from_secs(30 * 60))
        .timed_out("your order was left unfinished, and is gone")
        .cancelled("no pizza then. Say /order when you are hungry");
    bot.dialogue(orders)
        .on(filter::equals("/order") | filter::asked::<Order>(), order)
        .on(filter::in_users() & filter::texts(), || async { "say /order" })
}

fn main() -> Result<(), PlayError> {
    play(pizzeria)
}

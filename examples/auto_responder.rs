//! Answers what is asked often, with the question above the answer, and says by night that nobody is there.
//!
//! `cargo run -p easebot-examples --example auto_responder`

use easebot::{
    Bot, Context, Draft, Message, PluginError, async_trait,
    role::{AutoResponder, Reply},
};
use easebot_examples::{PlayError, play};

/// Words that a question has, and its answer.
const ANSWERS: [(&[&str], &str); 2] = [
    (&["deliver", "how long"], "We deliver within two days."),
    (&["cost", "price", "多少钱"], "All prices are on the card: 1 is 12 €, 2 is 14 €."),
];

/// Open from 8 to 20, in hours UTC.
const OPEN: std::ops::Range<u64> = 8..20;

struct Questions;

#[async_trait]
impl AutoResponder for Questions {
    fn name(&self) -> &str {
        "questions"
    }

    async fn respond(&self, message: &Message, cx: &Context) -> Result<Option<Reply>, PluginError> {
        let asked = message.text().to_lowercase();
        let found = ANSWERS.iter().find(|(words, _)| words.iter().any(|word| asked.contains(word)));
        if let Some((_, answer)) = found {
            return Ok(Some(Reply::from(Draft::new(*answer).quoting(message)).with_typing()));
        }
        // The time of the message, so that one that comes late is answered as it was meant.
        let hour = cx.time_of(message).0 / 3_600_000 % 24;
        Ok((!OPEN.contains(&hour)).then(|| "We are back at 8.".into()))
    }
}

easebot::role::plugin!(Questions: AutoResponder);

/// In a program of your own: `answering(Bot::from_env()?).run().await`.
pub(crate) fn answering(bot: Bot) -> Bot {
    bot.plugin(Questions)
}

fn main() -> Result<(), PlayError> {
    play(answering)
}

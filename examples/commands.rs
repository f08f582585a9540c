//! Commands: an enum is the set, its comments are the help, its fields are the arguments.
//!
//! `cargo run -p easebot-examples --example commands`

use easebot::{Bot, Command, Commands, Sender, UserId, command::Rest, filter};
use easebot_examples::{PlayError, play};

#[derive(Commands)]
enum Desk {
    /// adds up
    #[command(alias = "sum")]
    Add {
        /// what to add
        numbers: Vec<i64>,
    },
    /// leaves a note for somebody
    #[command(cooldown = "10s")]
    Note {
        /// for whom
        user: UserId,
        /// what it says
        text: Rest,
    },
    /// converts a temperature
    Convert {
        /// how warm it is
        #[arg(min = -273, max = 10_000)]
        degrees: i32,
        /// into what
        #[arg(choices("celsius", "fahrenheit"), default = "celsius")]
        unit: String,
    },
}

async fn serve(Command(command): Command<Desk>, Sender(asker): Sender) -> String {
    match command {
        Desk::Add { numbers } => numbers.iter().sum::<i64>().to_string(),
        Desk::Note { user, text } => format!("{user} will read from {asker}: {}", text.0),
        Desk::Convert { degrees, unit } if unit == "celsius" => {
            format!("{} °C", (degrees - 32) * 5 / 9)
        }
        Desk::Convert { degrees, .. } => format!("{} °F", degrees * 9 / 5 + 32),
    }
}

/// In a program of your own: `desk(Bot::from_env()?).run().await`.
pub(crate) fn desk(bot: Bot) -> Bot {
    bot.on(filter::any(), serve)
}

fn main() -> Result<(), PlayError> {
    play(desk)
}

// says: a length of time is such as "30s", "10m" or "500ms"
// says: there are `name = "…"`, `alias = "…"`, `hidden`, `typing`
// says: users in quotes, `group_owner` and `group_admins` can be allowed
// says: nobody may use the command
// says: a prefix is not empty and has no white space
// says: a bound is a number
// says: at least one word is needed
// says: there are `name = "…"`, `default = "…"`, `option`
// says: commands are the variants of an enum
// says: an enum of commands has at least one variant
use easebot_macros::Commands;

#[derive(Commands)]
#[commands(crate = "easebot_handler")]
enum Wrong {
    #[command(cooldown = "soon")]
    Slow,
    #[command(nick = "x")]
    Named,
    #[command(allow(everybody))]
    All,
    #[command(allow())]
    Nobody,
    Buy {
        #[arg(min = "one")]
        n: u8,
    },
    Pick {
        #[arg(choices())]
        what: String,
    },
    Send {
        #[arg(optional)]
        to: String,
    },
}

#[derive(Commands)]
#[commands(crate = "easebot_handler", prefix = "a b")]
enum Prefixed {
    One,
}

#[derive(Commands)]
#[commands(crate = "easebot_handler")]
struct NoEnum {
    what: String,
}

#[derive(Commands)]
#[commands(crate = "easebot_handler")]
enum Empty {}

fn main() {}

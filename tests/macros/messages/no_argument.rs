// says: `Colour` cannot be an argument of a command
// says: implement `FromArg` for others
use easebot_macros::Commands;

struct Colour;

#[derive(Commands)]
#[commands(crate = "easebot_handler")]
enum Paint {
    Wall { colour: Colour },
}

fn main() {}

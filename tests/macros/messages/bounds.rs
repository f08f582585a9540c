// says: `u32` cannot be a parameter of a handler
// says: parameters can be `Event`, `Message`
// says: a handler cannot return `u32`
// says: return nothing, a `Flow`, a `String`
use easebot_handler::{FromEvent, Outcome};

fn parameter<T: FromEvent>() {}

fn output<T: Outcome>() {}

fn main() {
    parameter::<u32>();
    parameter::<Option<u32>>();
    output::<u32>();
}

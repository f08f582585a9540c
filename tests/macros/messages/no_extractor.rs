// says: this is no handler
// says: fn(u32)
// says: each parameter has to be `FromEvent`, such as `Text`, `Sender` or `Context`, by value
use easebot_handler::{Handlers, filter};

async fn add(n: u32) -> String {
    format!("{n}")
}

fn main() {
    let _plugin = Handlers::new("p").on(filter::any(), add).build();
}

// says: this is no handler
// says: Future<Output = u32>
// says: what it returns has to be an `Outcome`: nothing, a `Flow`, a text to reply
use easebot_handler::{Handlers, filter};

async fn count() -> u32 {
    7
}

fn main() {
    let _plugin = Handlers::new("p").on(filter::any(), count).build();
}

// says: this is no handler
// says: a handler is `async fn(A, B, …) -> R`
use easebot_handler::{Handlers, filter};
use easebot_model::Text;

fn shout(text: Text) -> String {
    text.text.to_uppercase()
}

fn main() {
    let _plugin = Handlers::new("p").on(filter::any(), shout).build();
}

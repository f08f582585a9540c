// says: missing generics for struct `State`
use easebot_handler::{Handlers, State, filter};

async fn greet(greeting: State) -> String {
    greeting.to_string()
}

fn main() {
    let _plugin = Handlers::new("p").on(filter::any(), greet).build();
}

// says: `Greeter` is no `AutoResponder`
// says: write `#[async_trait] impl AutoResponder for Greeter` with `name` and `respond`
use easebot_handler::role::{self, AutoResponder};

struct Greeter;

role::plugin!(Greeter: AutoResponder);

fn main() {}

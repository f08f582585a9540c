// says: `Greeter` is no plugin
// says: or give it a role
use easebot_plugin::{Plugin, testing::Bench};

struct Greeter;

fn main() {
    let _said = Bench::new().text(&Greeter, "bob", "hi");
    let _plugin: &dyn Plugin = &Greeter;
}

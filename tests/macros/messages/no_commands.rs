// says: `Shop` is no set of commands
// says: write `#[derive(Commands)]` above the enum `Shop`
use easebot_handler::{CommandSet, SetError};

enum Shop {
    List,
}

fn main() {
    let _set: Result<CommandSet<Shop>, SetError> = CommandSet::new();
    let _list = Shop::List;
}

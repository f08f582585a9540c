//! `derive(Commands)`: an enum is the set of a bot's commands.
//!
//! ```
//! use easebot_handler::{Command, Handlers, filter};
//! use easebot_macros::Commands;
//! use easebot_plugin::testing::Bench;
//!
//! #[derive(Commands)]
//! #[commands(crate = "easebot_handler")]
//! enum Shop {
//!     /// orders something
//!     #[command(alias = "buy")]
//!     Order {
//!         /// what
//!         item: String,
//!         /// how many
//!         #[arg(default = "1", min = 1, max = 99)]
//!         n: u8,
//!     },
//!     /// shows what was ordered
//!     List,
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let shop = Handlers::new("shop")
//!     .on(filter::any(), |Command(command): Command<Shop>| async move {
//!         match command {
//!             Shop::Order { item, n } => format!("{n} × {item}"),
//!             Shop::List => "nothing".to_owned(),
//!         }
//!     })
//!     .build()?;
//!
//! let bench = Bench::new();
//! let answer = async |text: &str| {
//!     let answer = bench.text(&shop, "bob", text).await?;
//!     Ok::<_, easebot_plugin::PluginError>(answer.texts().join("|"))
//! };
//! assert_eq!(answer("/buy \"green tea\" 3").await?, "3 × green tea");
//! assert_eq!(answer("/order tea much").await?, "`n` is no whole number\n/order tea much\n           ^^^^\nusage: /order <item> [n]");
//! assert_eq!(answer("/help").await?, "/order <item> [n] – orders something\n/list – shows what was ordered\n/help [command]");
//! # Ok::<(), easebot_plugin::PluginError>(()) }).unwrap();
//! ```

mod attrs;
mod commands;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes an enum the set of a bot's commands: each variant is one, named like it in `snake_case`, its fields are the
/// arguments in their order, and the documentation comments are what help says.
///
/// | attribute | on | meaning |
/// |---|---|---|
/// | `#[commands(prefix = "/")]` | the enum | what a command begins with |
/// | `#[commands(crate = "path")]` | the enum | where `Commands` is found, `easebot` by default |
/// | `#[command(name = "x")]` | a variant | another name |
/// | `#[command(alias = "x", alias = "y")]` | a variant | further names |
/// | `#[command(hidden)]` | a variant | help leaves it out |
/// | `#[command(typing)]` | a variant | the bot shows that it writes |
/// | `#[command(cooldown = "30s")]` | a variant | how long a user waits in a conversation until it is taken again |
/// | `#[command(allow("amy", "bob"))]` | a variant | who may use it; for others it is not there |
/// | `#[command(allow(group_owner, group_admins))]` | a variant | those who run the group or chat room may; the server is asked, at most once a minute |
/// | `#[arg(name = "x")]` | a field | another name |
/// | `#[arg(default = "3")]` | a field | it may be left out, and then is what this word would be |
/// | `#[arg(option)]` | a field | it is written as `--name VALUE` |
/// | `#[arg(choices("a", "b"))]` | a `String` | it is one of these |
/// | `#[arg(min = 1, max = 9)]` | a number | its bounds |
/// | `#[arg(max_chars = 80)]` | a `String`, a `Rest` | how long it may be |
///
/// The types of fields are those of `easebot_command::FromArg`.
#[proc_macro_derive(Commands, attributes(commands, command, arg))]
pub fn derive_commands(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    commands::derive(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

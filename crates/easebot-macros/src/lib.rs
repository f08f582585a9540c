#![doc = include_str!("../README.md")]

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

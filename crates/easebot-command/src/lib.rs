//! The grammar of commands: how a text becomes a name and typed arguments, and what to say when it does not.
//!
//! [`Call`] is the first step, from a text to a name; [`Syntax`] the second, from what stands behind the name to [`Args`]. An
//! [`ArgError`] knows its place in the text, so that [`place`] can show it. [`Cooldowns`] say what has to wait before it is used
//! again. There is no I/O and no clock here: time is an argument.
//!
//! ```
//! use easebot_command::{Arg, Call, Kind, Syntax, Value, place};
//!
//! let days = Arg::new("days", Kind::integer(Some(1), Some(7))).with_default("3");
//! let syntax = Syntax::new(vec![Arg::new("city", Kind::text()), days]).unwrap();
//! assert_eq!(syntax.usage(), "<city> [days]");
//!
//! let call = Call::parse("/weather \"New York\"", &["/"]).unwrap();
//! let args = syntax.read(call.rest).unwrap();
//! assert_eq!(args.get("city"), Some(&Value::Text("New York".to_owned())));
//! assert_eq!(args.get("days"), Some(&Value::Integer(3)));
//!
//! let text = "/weather Paris soon";
//! let call = Call::parse(text, &["/"]).unwrap();
//! let error = syntax.read(call.rest).unwrap_err();
//! assert_eq!(error.to_string(), "`days` is no whole number");
//! assert_eq!(place(text, call.in_text(error.at())), "/weather Paris soon\n               ^^^^");
//! ```
//!
//! # Grammar
//!
//! ```text
//! call    = prefix name [ "@" bot ] [ space rest ]
//! rest    = { word | option } [ "--" { word } ]
//! option  = "--" name [ "=" value | space word ]        if the command has options
//! word    = quoted | plain
//! quoted  = '"' { char | '\"' | '\\' } '"'              also “…” and 「…」; a space or the end follows
//! plain   = char { char }                               whatever is no space
//! ```
//!
//! No text is no words: what looks like a quoted word but is not closed, or goes on behind its end, is a plain one. So every
//! text has exactly one reading, and any list of words can be written as a text ([`quote`]).

mod arg;
mod call;
mod cooldown;
mod duration;
mod error;
mod kind;
mod place;
mod syntax;
mod width;
mod word;

pub use arg::{FromArg, Rest};
pub use call::Call;
pub use cooldown::{Cooldowns, Wait};
pub use duration::{format_duration, read_duration};
pub use error::{ArgError, ReadError, SyntaxError};
pub use kind::{Kind, Value};
pub use place::place;
pub use syntax::{Arg, Args, Presence, Syntax};
pub use width::folded;
pub use word::{Word, quote, words};

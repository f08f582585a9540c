//! One command, as it is declared.

use std::fmt;

use easebot_command::{Arg, Args, Syntax};
use easebot_model::{Conversation, UserId};

use super::{Allow, Cooldown, Permission, Places};

/// A type, usually an enum, whose values are commands. `#[derive(Commands)]` makes it of the variants, their fields and their
/// documentation comments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no set of commands",
    label = "`Commands` is not implemented for it",
    note = "write `#[derive(Commands)]` above the enum `{Self}`: each variant is a command, its fields are the arguments"
)]
pub trait Commands: Sized + Send + 'static {
    /// What a command begins with. Usually `/`.
    #[must_use]
    fn prefix() -> &'static str {
        "/"
    }

    /// Each command, in the order in which help lists them.
    fn declared() -> Vec<Declared<Self>>;
}

/// One command of a [`CommandSet`](super::CommandSet), which makes values of `C`.
#[non_exhaustive]
pub struct Declared<C> {
    /// What stands behind the prefix; upper and lower case are the same.
    pub name: String,
    /// Other names for it.
    pub aliases: Vec<String>,
    /// What help says about it: the first line in the list, all of it by itself.
    pub about: String,
    /// Its arguments; none if it takes any words. A set takes them out and checks them: then they are in its
    /// [`syntax`](Self::syntax).
    pub args: Option<Vec<Arg>>,
    /// Whether help leaves it out, and it is never suggested.
    pub is_hidden: bool,
    /// Whether the bot shows that it writes before it answers.
    pub shows_typing: bool,
    /// How long it waits until it is taken again.
    pub cooldown: Cooldown,
    /// Who may use it; everybody if there is none.
    pub allow: Option<Allow>,
    /// Where it can be used; everywhere if there is none. Elsewhere it is not there.
    pub places: Option<Places>,
    pub(super) syntax: Option<Syntax>,
    make: Box<Make<C>>,
}

type Make<C> = dyn Fn(&Args<'_>) -> Option<C> + Send + Sync;

impl<C> Declared<C> {
    /// A command that everybody may use, without arguments. `make` makes it of its arguments as they were read; none is for
    /// arguments that it does not declare.
    pub fn new(
        name: impl Into<String>,
        make: impl Fn(&Args<'_>) -> Option<C> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            aliases: Vec::new(),
            about: String::new(),
            args: Some(Vec::new()),
            is_hidden: false,
            shows_typing: false,
            cooldown: Cooldown::NONE,
            allow: None,
            places: None,
            syntax: None,
            make: Box::new(make),
        }
    }

    /// All its names, the first one first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.aliases).map(String::as_str)
    }

    /// Its arguments, once it is in a set; none if it takes any words.
    #[must_use]
    pub const fn syntax(&self) -> Option<&Syntax> {
        self.syntax.as_ref()
    }

    /// How it is used: `/weather <city> [days]`.
    #[must_use]
    pub fn usage(&self, prefix: &str) -> String {
        let args = self.syntax.as_ref().map(Syntax::usage).unwrap_or_default();
        format!("{prefix}{} {args}", self.name).trim_end().to_owned()
    }

    /// Whether it exists in `conversation`.
    #[must_use]
    pub fn is_in(&self, conversation: &Conversation) -> bool {
        self.places.as_ref().is_none_or(|places| places.contain(conversation))
    }

    /// Whether `user` may use it in `conversation`.
    #[must_use]
    pub fn permits(&self, user: &UserId, conversation: &Conversation) -> Permission {
        self.allow.as_ref().map_or(Permission::Yes, |allow| allow.permits(user, conversation))
    }

    pub(super) fn make(&self, args: &Args<'_>) -> Option<C> {
        (self.make)(args)
    }
}

impl<C> fmt::Debug for Declared<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declared").field("name", &self.name).finish_non_exhaustive()
    }
}

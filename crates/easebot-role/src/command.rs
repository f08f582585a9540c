//! Commands: sets of them, read and guarded, and the role that carries them out.

mod bot;
mod cooldown;
mod declared;
mod explain;
mod rights;
mod set;
mod told;

pub use bot::{Asked, CommandAnswer, CommandBot};
pub use cooldown::Cooldown;
pub use declared::{Commands, Declared};
pub use rights::{Allow, Permission, Places};
pub use set::{CommandSet, Heard, SetError, Standing, Taken};
pub use told::Told;

//! Which servers an app has: the server list, its cache, and the order in which they are tried.

mod cursor;
mod directory;
mod list;

pub use cursor::{HostCursor, HostList};
pub use directory::{Directory, DiscoverError};
pub use list::{ServerList, ServerListError};

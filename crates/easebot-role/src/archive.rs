//! Combined messages with everything in them: opened level by level, their files fetched, each thing tried until it is there or
//! cannot be had.

mod backlog;
mod fetch;
mod gathered;
mod node;
mod role;
mod weigh;

pub use backlog::{Backlog, Due, Next, Wanted, discard};
pub use fetch::{Fetcher, Fetching};
pub use gathered::{GatherError, Gathered, Limits};
pub use node::{Content, Node};
pub use role::CombineArchiver;
pub use weigh::{UNKNOWN_TYPE, WeighError, Weighed, ending, weigh};

/// How deep messages may stand in each other. Source: observed with the official SDK.
pub const MAX_LEVEL: usize = 10;

/// What the messages of one combined message may take together, as JSON.
pub const MAX_TREE_BYTES: u64 = 64 << 20;

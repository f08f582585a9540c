//! What a [`Testbed`](crate::Testbed) is made of, for tools of one's own that hold tests another way.

mod crowd;
mod difference;
mod ground;
mod memory;
mod patience;
mod settle;
mod shown;

pub use crowd::{Crowd, JoinError, SayError};
pub use difference::{Compare, difference};
pub use ground::{Ground, LayError};
pub use memory::{Deed, Heard, Memory};
pub use patience::{StopTimeError, hold, patiently, stop_time};
pub use settle::{OnlineError, online, settle};
pub use shown::shown;

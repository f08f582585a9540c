//! Work that is under way besides events.

use std::fmt;

/// Says that a plugin has something to do besides events, until it is dropped.
///
/// Whoever waits until nobody has anything to do waits for it: the steps of `easebot test`, each line of a pipe into
/// `easebot dev`, the test bed, `Handle::settled`. So hold one while something ends by itself, such as a request that is under
/// way, and none while a next time is waited for: nobody would get any further. A handler that leaves work to
/// [`Plugin::run`](crate::Plugin::run) leaves it a guard along with it, so that there is no gap between the two.
///
/// A shutdown does not wait for it: what is not done then has to be saved.
#[must_use = "the plugin is busy until this is dropped"]
pub struct Busy(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Busy {
    /// For a runtime: `end` is called once, when the work is over.
    pub fn new(end: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(end)))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Busy")
    }
}

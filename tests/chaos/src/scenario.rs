//! The scenarios with a real bot, real sockets and the vendor's SDK.

pub(crate) mod cut;
pub(crate) mod disk;
pub(crate) mod flood;
pub(crate) mod kill;
pub(crate) mod refuse;

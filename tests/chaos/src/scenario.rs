//! The scenarios with a real bot, real sockets and the vendor's SDK.

pub(crate) mod kill;

//! Tables that are looked into for every message.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

/// A [`HashMap`] for the way of a message, on which the usual hash would take a seventh of the time.
///
/// Its keys are numbers that we or the server count, and names. Names are chosen by peers, and a peer that knew the hash could
/// choose many that fall into one place: the hash is seeded at random for each process and each table, and nothing that a peer
/// sees depends on it but how long an answer takes, by some nanoseconds behind a network. The tables are bounded as well, or hold
/// only what is under way. What a peer can fill with keys of any form, at leisure and without a bound, belongs into the map of `std`.
///
/// [`Map::default`] makes an empty one.
pub type Map<K, V> = HashMap<K, V, RandomState>;

/// A [`HashSet`] for the way of a message, as [`Map`] is a map.
pub type Set<K> = HashSet<K, RandomState>;

//! What the load asks of a side.

/// As fast as it answers: so many clients, each with so many texts that it has not answered.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) title: &'static str,
    pub(super) clients: usize,
    pub(super) in_flight: usize,
    /// How many users talk to each client.
    pub(super) conversations: usize,
    /// The names of its figures: microseconds a message, messages a second, the part of the core that was used, and
    /// microseconds of the load for a message.
    pub(super) cpu: &'static str,
    pub(super) rate: &'static str,
    pub(super) used: &'static str,
    pub(super) load: &'static str,
}

macro_rules! scene {
    ($title:literal, $clients:literal, $in_flight:literal, $conversations:literal) => {
        Scene {
            title: $title,
            clients: $clients,
            in_flight: $in_flight,
            conversations: $conversations,
            cpu: concat!($title, ": CPU µs a message"),
            rate: concat!($title, ": messages a second"),
            used: concat!($title, ": part of the core used"),
            load: concat!($title, ": CPU µs of the load a message"),
        }
    };
}

/// One client that is far behind: what the core can do.
pub(super) const STREAM: Scene = scene!("1×256 of 100 users", 1, 256, 100);
/// The same from one user, whose messages are answered in their order.
pub(super) const CHAT: Scene = scene!("1×256 of one user", 1, 256, 1);
/// One message at a time: what the way there and back costs.
pub(super) const PING_PONG: Scene = scene!("1×1", 1, 1, 1);
/// Many clients, each with a few users who wait.
pub(super) const CROWD_16: Scene = scene!("100×16 of 16 users", 100, 16, 16);
/// Many clients, one message each.
pub(super) const CROWD: Scene = scene!("100×1", 100, 1, 1);

pub(super) const SCENES: [&Scene; 5] = [&STREAM, &CHAT, &PING_PONG, &CROWD_16, &CROWD];

/// One client at an even rate, whatever it does.
#[derive(Debug)]
pub(super) struct Even {
    pub(super) title: &'static str,
    pub(super) per_second: u32,
    pub(super) conversations: usize,
    /// The names of its figures: microseconds until the answer, answers a second, and how late the load was.
    pub(super) p50: &'static str,
    pub(super) p99: &'static str,
    pub(super) p999: &'static str,
    pub(super) rate: &'static str,
    pub(super) late: &'static str,
}

macro_rules! even {
    ($title:literal, $per_second:literal, $conversations:literal) => {
        Even {
            title: $title,
            per_second: $per_second,
            conversations: $conversations,
            p50: concat!($title, ": p50 µs"),
            p99: concat!($title, ": p99 µs"),
            p999: concat!($title, ": p99.9 µs"),
            rate: concat!($title, ": answers a second"),
            late: concat!($title, ": p99 µs by which the load was late"),
        }
    };
}

pub(super) const EVEN: [Even; 4] = [
    even!("1 000/s of one user", 1_000, 1),
    even!("1 000/s of 100 users", 1_000, 100),
    even!("10 000/s of one user", 10_000, 1),
    even!("10 000/s of 100 users", 10_000, 100),
];

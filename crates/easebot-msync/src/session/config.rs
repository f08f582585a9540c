//! What a session is told before it begins.

use std::time::{Duration, Instant};

use easebot_model::{AppKey, Resource, Timestamp, UserId};

use super::compression::Compression;
use crate::{lz4::MAX_FRAME_BYTES, stream::StreamLimits};

/// The time, as the caller's clocks show it.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Monotonic: for time-outs.
    pub at: Instant,
    /// Wall clock: for ids that the server sees.
    pub unix: Timestamp,
}

/// Who logs in, from which device, and how patient it is.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// The app.
    pub app_key: AppKey,
    /// The user.
    pub user: UserId,
    /// The device.
    pub device: Device,
    /// Silence after which the server is asked for a sign of life. Default 30 s, as the official SDK.
    pub heartbeat: Duration,
    /// How long the sign of life may take before the connection counts as dead. Default 15 s.
    pub heartbeat_timeout: Duration,
    /// How long the server may take to answer the login. Default 10 s, as the official SDK.
    pub login_timeout: Duration,
    /// How long the server may take to acknowledge a send. Default 15 s, as the official SDK.
    pub ack_timeout: Duration,
    /// How long the server may take to answer the pull of a queue. Default 15 s.
    pub pull_timeout: Duration,
    /// How many queues are pulled at the same time. Default 64.
    pub n_pulls: usize,
    /// How many event keys are remembered to drop repeated events: so many at least, and at most twice as many. Default 4096.
    pub n_remembered: usize,
    /// What the login offers. Default off.
    pub compression: Compression,
    /// Most bytes of a compressed frame when it is restored. Default and at most
    /// [`lz4::MAX_FRAME_BYTES`](crate::lz4::MAX_FRAME_BYTES).
    pub max_restored_bytes: usize,
    /// How long someone who writes is taken to write on when nothing more comes. Default 5 s, as the convention of the
    /// official clients has it.
    pub typing_lasts: Duration,
    /// How many who write are followed at the same time; the one that was heard of first gives way. Default 256.
    pub n_typers: usize,
    /// How much of the messages that are being written is held. See there for the defaults.
    pub streams: StreamLimits,
}

impl SessionConfig {
    /// `user` of `app_key` on `device`, with the default time-outs.
    #[must_use]
    pub const fn new(app_key: AppKey, user: UserId, device: Device) -> Self {
        Self {
            app_key,
            user,
            device,
            heartbeat: Duration::from_secs(30),
            heartbeat_timeout: Duration::from_secs(15),
            login_timeout: Duration::from_secs(10),
            ack_timeout: Duration::from_secs(15),
            pull_timeout: Duration::from_secs(15),
            n_pulls: 64,
            n_remembered: 4_096,
            compression: Compression::Off,
            max_restored_bytes: MAX_FRAME_BYTES,
            typing_lasts: Duration::from_secs(5),
            n_typers: 256,
            streams: StreamLimits::DEFAULT,
        }
    }
}

/// The identity of one installation. The server keeps a place in each queue for it, so it stays the same across restarts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Device {
    /// Unique among the user's devices, such as `easebot_5f2c…`.
    pub resource: Resource,
    /// Unique among all devices.
    pub uuid: String,
    /// What people read in a list of devices.
    pub name: String,
}

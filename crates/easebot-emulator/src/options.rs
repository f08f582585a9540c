//! What an emulator is started with.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use easebot_model::{AppKey, GroupId, RoomId, Secret, UserId};

use crate::{
    callbacks::Callbacks,
    clock::{Clock, SystemClock},
};

/// What an [`Emulator`](crate::Emulator) is started with. The default is a server that a newcomer can log in to.
///
/// ```
/// let options = easebot_emulator::Options::default();
/// assert_eq!(options.app_keys[0].as_str(), "easebot#demo");
/// assert!(options.listen.ip().is_loopback());
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen. Default `127.0.0.1:0`, a free port; [`Emulator::addr`](crate::Emulator::addr) says which.
    pub listen: SocketAddr,
    /// The applications there are. Default `easebot#demo` alone. The first one owns the seeds below, is the one
    /// that orders are for unless they say otherwise, and is the answer to a discovery request that names none.
    pub app_keys: Vec<AppKey>,
    /// Whether `POST users` works without a token. Default true.
    pub open_registration: bool,
    /// Users of the first app, with their passwords. Default none.
    pub users: Vec<(UserId, Secret)>,
    /// Groups of the first app: id, owner, further members. Who is not in [`users`](Self::users) can register later.
    /// Default none.
    pub groups: Vec<(GroupId, UserId, Vec<UserId>)>,
    /// Chat rooms of the first app: id, owner, who can register later. Default none.
    pub rooms: Vec<(RoomId, UserId)>,
    /// What `client_credentials` wants as `client_id`. Default `easebot-client`.
    pub client_id: String,
    /// What `client_credentials` wants as `client_secret`. Default `easebot-secret`.
    pub client_secret: Secret,
    /// Life of a token whose request names no `ttl`. Default 60 days. Source: Easemob's REST documentation.
    pub token_ttl: Duration,
    /// Largest number of messages in one answer to a pull, at least 1; half a megabyte ends one, too. Default 50; the real one is not
    /// known.
    pub page_size: usize,
    /// How long an undelivered message and an absent device are remembered. Default 7 days.
    /// Source: Easemob's documentation, "limits".
    pub offline_life: Duration,
    /// How many undelivered messages are kept. Default: no limit, so that a load test loses nothing.
    pub offline_limits: OfflineLimits,
    /// Largest encoded message body. Default 5120. Source: Easemob's documentation, "limits" (5 KB).
    pub message_limit_bytes: usize,
    /// How long after sending a message may be recalled. Default 2 minutes. Source: Easemob's documentation.
    pub recall_window: Duration,
    /// Largest attachment, in one piece or in parts together. Default 10 MiB. Source: Easemob's documentation, "limits".
    pub max_file_bytes: u64,
    /// How long an attachment can be downloaded. Default 7 days. Source: as above.
    pub file_life: Duration,
    /// How much all attachments together may take on disk, in the system's folder for temporary files. Default 4 GiB.
    pub file_store_bytes: u64,
    /// Whether large attachments may come in parts; discovery tells the official SDK. Default true.
    pub part_upload: bool,
    /// Smallest part of such an attachment but for the last one. Default 5 MiB, as the official SDK assumes.
    pub part_lower_limit_bytes: u64,
    /// Whether a download that asks for it (`em-redirect`) is sent to another address, as the real service does, instead
    /// of being answered at once. Default false.
    pub redirect_downloads: bool,
    /// How often a message may be edited. Default 10. Source: Easemob's documentation.
    pub edit_limit: u32,
    /// How many sent messages can still be recalled, edited or counted as read; older ones are forgotten. Default 10 000.
    pub remembered_messages: usize,
    /// How many messages of each conversation are kept for who asks for its history; with them go their reactions, pins and
    /// threads. Default 500; 0 keeps none. How many the real service keeps depends on the contract.
    pub history_messages: usize,
    /// How many of its last messages a room shows to who joins. Default 10.
    /// Source: traffic logs of real servers show that there are some; the number is documented.
    pub room_history: usize,
    /// How long a member may be offline before a room forgets it. Default 2 minutes. Source: Easemob's documentation.
    pub room_grace: Duration,
    /// How many devices with the same `osType` a user may have online at once; one more is refused with code 13.
    /// Default: no limit, because a load test holds many. The real service allows 4.
    pub devices_per_platform: Option<usize>,
    /// What happens when a user sends twice under one client id. Default [`RepeatedId::SameAnswer`].
    pub repeated_client_id: RepeatedId,
    /// How long a fresh socket may take to log in before it is closed. Default 10 s.
    pub provision_timeout: Duration,
    /// Which directions are compressed for a client that offers LZ4. Default [`Lz4::Off`].
    pub lz4: Lz4,
    /// How often old messages, tokens and absent room members are looked for. Default 1 s.
    pub sweep_every: Duration,
    /// How many frames may wait for one connection; a connection that reads so slowly that there are more is closed.
    /// Default 16 384, at least 1.
    pub link_queue_frames: usize,
    /// Where the app's own server is asked about messages and told of them. Default nowhere.
    pub callbacks: Callbacks,
    /// The time. Default [`SystemClock`].
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            app_keys: "easebot#demo".parse().into_iter().collect(),
            open_registration: true,
            users: Vec::new(),
            groups: Vec::new(),
            rooms: Vec::new(),
            client_id: "easebot-client".to_owned(),
            client_secret: Secret::new("easebot-secret"),
            token_ttl: DAY * 60,
            page_size: 50,
            offline_life: DAY * 7,
            offline_limits: OfflineLimits::default(),
            message_limit_bytes: 5120,
            recall_window: Duration::from_secs(120),
            max_file_bytes: 10 << 20,
            file_life: DAY * 7,
            file_store_bytes: 4 << 30,
            part_upload: true,
            part_lower_limit_bytes: 5 << 20,
            redirect_downloads: false,
            edit_limit: 10,
            remembered_messages: 10_000,
            history_messages: 500,
            room_history: 10,
            room_grace: Duration::from_secs(120),
            devices_per_platform: None,
            repeated_client_id: RepeatedId::default(),
            provision_timeout: Duration::from_secs(10),
            lz4: Lz4::default(),
            sweep_every: Duration::from_secs(1),
            link_queue_frames: 16 * 1024,
            callbacks: Callbacks::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// Which directions of a connection are compressed for a client that offers it. Source of the directions: observed with
/// the official SDK (`protocolCompressDirection`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Lz4 {
    /// Both.
    Both,
    /// What the emulator sends.
    Down,
    /// None: the offer is ignored.
    #[default]
    Off,
    /// What the client sends.
    Up,
}

/// How many undelivered messages a user may have; the newest push out the oldest. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OfflineLimits {
    /// One-to-one messages and notices, all conversations together.
    pub one_to_one: Option<usize>,
    /// Group messages, all groups together.
    pub groups: Option<usize>,
}

impl OfflineLimits {
    /// What the real service keeps: 500 one-to-one and 200 group messages. Source: Easemob's documentation, "limits".
    #[must_use]
    pub const fn real() -> Self {
        Self { one_to_one: Some(500), groups: Some(200) }
    }
}

/// What happens when a user sends twice under one client id. What the real service does is not known.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RepeatedId {
    /// The message reaches its receivers again, with a new id.
    DeliverTwice,
    /// The second send gets the answer of the first; nobody receives anything.
    #[default]
    SameAnswer,
}

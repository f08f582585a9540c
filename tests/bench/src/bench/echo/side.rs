//! Who answers.

use std::fmt;
use std::path::Path;
use std::process::Command;

use super::Setup;
use super::scene::{CHAT, CROWD, CROWD_16, STREAM, Scene};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum EchoSide {
    BareTcp,
    BareWebSocket,
    ByHand,
    /// The same program once more: how much they differ says how much other differences are worth.
    ByHandAgain,
    Generated,
    Memory,
    Process,
    Power,
    Sdk,
}

impl EchoSide {
    pub(super) const ALL: [Self; 9] = [
        Self::BareTcp,
        Self::BareWebSocket,
        Self::ByHand,
        Self::ByHandAgain,
        Self::Generated,
        Self::Memory,
        Self::Process,
        Self::Power,
        Self::Sdk,
    ];

    /// What it speaks, as the load calls it.
    pub(super) fn speech(self) -> &'static str {
        match self {
            Self::BareTcp => "raw",
            Self::BareWebSocket => "websocket",
            _ => "easemob",
        }
    }

    /// Whether it is measured in that scene.
    pub(super) fn plays(self, scene: &Scene) -> bool {
        let is = |other: &Scene| scene.title == other.title;
        match self {
            // Without a protocol there are no users.
            Self::BareTcp | Self::BareWebSocket => !is(&CHAT),
            Self::ByHand | Self::Memory => true,
            Self::ByHandAgain | Self::Generated => is(&STREAM) || is(&CROWD),
            Self::Process | Self::Power => !is(&CROWD_16) && scene.in_flight.max(scene.clients) > 1,
            Self::Sdk => is(&STREAM) || is(&CHAT),
        }
    }

    /// Whether its answers are timed at even rates.
    pub(super) fn is_timed(self) -> bool {
        !matches!(self, Self::BareWebSocket | Self::ByHandAgain | Self::Generated)
    }

    /// What starts so many clients of it, against a load on that port; what it saves is in `folder`.
    pub(super) fn command(
        self,
        setup: &Setup,
        port: &str,
        clients: usize,
        folder: &Path,
    ) -> Command {
        let clients = clients.to_string();
        let side = |name| setup.side(name, &[port, &clients]);
        let bot = |durability| {
            let mut command = side("echo-bot");
            command.arg(durability).arg(folder);
            command
        };
        match self {
            Self::BareTcp => side("echo-bare-tcp"),
            Self::BareWebSocket => side("echo-bare-websocket"),
            Self::ByHand | Self::ByHandAgain => side("echo-by-hand"),
            Self::Generated => side("echo-generated"),
            Self::Memory => bot("memory"),
            Self::Process => bot("process"),
            Self::Power => bot("power"),
            Self::Sdk => {
                let mut command = Command::new("node");
                command.arg(setup.root.join("tests/bench/sdk/echo.mjs")).args([port, &clients]);
                command
            }
        }
    }
}

impl fmt::Display for EchoSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareTcp => "bare TCP",
            Self::BareWebSocket => "bare tokio-tungstenite",
            Self::ByHand => "bot by hand",
            Self::ByHandAgain => "bot by hand, again",
            Self::Generated => "bot of tokio-tungstenite and prost",
            Self::Memory => "easebot, `memory`",
            Self::Process => "easebot, `process`",
            Self::Power => "easebot, `power`",
            Self::Sdk => "official SDK in Node",
        })
    }
}

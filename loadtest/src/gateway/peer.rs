//! What is measured beside what: how each is started, entered, and told something.

use std::{net::SocketAddr, path::Path, process::Command};

use serde::{Deserialize, Serialize};
use shared::{
    clock::Clock,
    credentials::{Purpose, Role, Secret, Tokens},
    ids::{SessionId, UserId},
};

use super::audience::Audience;
use crate::swarm::SOCKET_IO;

/// Signs the tokens of a measurement; nothing else believes it.
const SECRET: &str = "a-secret-for-measurements-that-nobody-else-believes";
/// Longer than any measurement.
const TOKEN_LIFETIME: std::time::Duration = std::time::Duration::from_hours(12);

/// A program that holds sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PeerKind {
    /// Our gateway, with events that are published only.
    Hubbub,
    /// Our gateway, with events that have an offset and are kept.
    HubbubDurable,
    /// Our gateway, with clients of Socket.IO, and events that are published only.
    SocketIo,
    /// The same, with events that have an offset and are kept.
    SocketIoDurable,
    /// `loadtest/peers/bare`.
    Bare,
}

impl PeerKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hubbub => "hubbub",
            Self::HubbubDurable => "hubbub, durable",
            Self::SocketIo => "socketio",
            Self::SocketIoDurable => "socketio, durable",
            Self::Bare => "bare",
        }
    }

    /// What it is held against.
    pub(super) const fn beside(self) -> Self {
        match self {
            Self::SocketIo => Self::Hubbub,
            Self::SocketIoDurable => Self::HubbubDurable,
            Self::Bare | Self::Hubbub | Self::HubbubDurable => Self::Bare,
        }
    }

    /// The command of one node.
    pub(super) fn command(self, programs: &Path, node: &NodePlan<'_>) -> Command {
        let shards = node.shards.to_string();
        match self {
            Self::Bare => {
                let mut command = Command::new(programs.join("bare"));
                command.args([&node.addr.to_string(), node.redis_url, &shards]);
                command
            }
            Self::Hubbub | Self::HubbubDurable | Self::SocketIo | Self::SocketIoDurable => {
                let mut command = Command::new(programs.join("gateway"));
                command.arg("serve").envs([
                    ("GATEWAY_ADDR", node.addr.to_string()),
                    ("METRICS_ADDR", node.metrics_addr.to_string()),
                    ("REDIS_URL", node.redis_url.to_owned()),
                    ("API_URL", node.api_url.to_owned()),
                    ("JWT_SECRET", SECRET.to_owned()),
                    ("RATE_LIMITS", "off".to_owned()),
                    ("CONNECTIONS_MAX", "100000".to_owned()),
                    ("SHARDS", shards),
                    ("LOG_LEVEL", "warn".to_owned()),
                ]);
                command
            }
        }
    }

    /// The path that somebody enters by.
    pub(super) fn path(self, hears: Audience) -> String {
        match self {
            Self::Bare => format!("/?channel={}", hears.channel()),
            Self::Hubbub | Self::HubbubDurable => "/ws".to_owned(),
            Self::SocketIo | Self::SocketIoDurable => SOCKET_IO.to_owned(),
        }
    }
}

/// Where a node is to be, and what it needs.
pub(super) struct NodePlan<'a> {
    pub(super) addr: SocketAddr,
    pub(super) metrics_addr: SocketAddr,
    pub(super) redis_url: &'a str,
    pub(super) api_url: &'a str,
    /// Threads that hold sockets.
    pub(super) shards: usize,
}

/// Tokens of people who do not exist anywhere else.
pub(super) struct Passes(Tokens);

impl Default for Passes {
    fn default() -> Self {
        let secret: Secret = SECRET.parse().expect("it is long enough");
        Self(Tokens::new(&[secret], Clock::System))
    }
}

impl Passes {
    pub(super) fn token(&self, person: u64) -> String {
        let user: UserId = person
            .to_string()
            .parse()
            .expect("people are counted from one");
        let session: SessionId = person.to_string().parse().expect("and their sessions too");
        let whose = (user, session, Role::User);
        self.0.mint(Purpose::Access, whose, TOKEN_LIFETIME).0
    }
}

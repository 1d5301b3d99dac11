//! Free ports on 127.0.0.1.
//!
//! A port is held by listening on it until its server starts. In the moment between letting go and
//! the server's own bind somebody else may get it: then the server says "address in use", and
//! whoever started it tries again with another.

use std::net::{Ipv4Addr, TcpListener};

use serde::{Deserialize, Serialize};

use crate::error::{Doing, Error, Result};
use crate::name::Name;

#[cfg(test)]
mod tests;

/// Where the public port is looked for first.
const PUBLIC_FIRST: u16 = 8080;

/// How many ports after the first one are tried for the public port.
const PUBLIC_TRIES: u16 = 100;

/// The ports of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports {
    /// Where it serves.
    pub(crate) main: u16,
    /// Where our own programs answer `/healthz`, `/readyz` and `/metrics`, and the balancer the last of these.
    pub(crate) metrics: Option<u16>,
}

/// Ports that nobody else can take for as long as this lives.
#[derive(Debug)]
pub(crate) struct Reserved {
    ports: Ports,
    _listeners: Vec<TcpListener>,
}

impl Reserved {
    /// Takes free ports for a process.
    pub(crate) fn choose(name: Name) -> Result<Self> {
        let main = if name == Name::Balancer {
            listen_public()?
        } else {
            listen()?
        };
        let metrics = if name.has_metrics_port() {
            Some(listen()?)
        } else {
            None
        };
        let ports = Ports {
            main: port_of(&main)?,
            metrics: metrics.as_ref().map(port_of).transpose()?,
        };
        Ok(Self {
            ports,
            _listeners: std::iter::once(main).chain(metrics).collect(),
        })
    }

    /// Which ones.
    pub(crate) const fn ports(&self) -> Ports {
        self.ports
    }
}

fn listen() -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing(|| "find a free port")
}

/// The first free port from 8080 upwards.
fn listen_public() -> Result<TcpListener> {
    let last = PUBLIC_FIRST + PUBLIC_TRIES - 1;
    (PUBLIC_FIRST..=last)
        .find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .ok_or_else(|| Error::told(format!("no port from {PUBLIC_FIRST} to {last} is free")))
}

fn port_of(listener: &TcpListener) -> Result<u16> {
    Ok(listener.local_addr().doing(|| "read a free port")?.port())
}

/// Whether a server's last words mean that its port was taken meanwhile.
pub(crate) fn was_taken(last_words: &str) -> bool {
    let last_words = last_words.to_lowercase();
    [
        "address already in use",
        "address in use",
        "cannot bind socket",
    ]
    .iter()
    .any(|phrase| last_words.contains(phrase))
}

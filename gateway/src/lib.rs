#![doc = include_str!("../README.md")]

mod api_client;
mod balance;
mod body;
mod channels;
pub mod cli;
mod codec;
mod commands;
pub mod config;
mod delivering;
mod descriptors;
mod door;
mod drain;
#[doc(hidden)]
pub mod echo;
#[doc(hidden)]
pub mod fuzz;
mod handshake;
mod http;
mod hub;
mod ledger;
mod listener;
mod metrics;
mod node;
mod polling;
mod presence;
mod reach;
mod refusal;
mod relay;
mod ring;
mod rooms;
mod roster;
mod session;
mod standing;
mod switches;
mod transport;
mod typing;

use std::{io, sync::Arc, time::Duration};

use shared::{bus::BusError, clock::Clock, lifecycle::Lifecycle, telemetry::metrics::Metrics};
use tokio::{net::TcpListener, task::JoinHandle};

pub use listener::bind;

use crate::{
    config::Config,
    hub::Message,
    node::{Node, Started},
};

/// Before asking for Redis again.
const REDIS_PAUSE: Duration = Duration::from_millis(500);

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// A thread or a socket.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Serves on `listener` until `lifecycle` says to drain and everybody has left, or time is over; returns how many connections
/// were cut then. Must run on a multi-threaded runtime.
pub async fn run(
    config: Config,
    listener: TcpListener,
    clock: Clock,
    lifecycle: Lifecycle,
    metrics: &Metrics,
) -> Result<u64, StartError> {
    let Started {
        node,
        inboxes,
        subscription,
        counting,
        keepers,
    } = Node::start(config, clock, lifecycle.clone(), metrics)?;
    let mut shards = Vec::new();
    for inbox in inboxes {
        shards.push(hub::start(Arc::clone(&node), inbox)?);
    }
    let announcing = announce(&node, &listener)?;
    let accepting = tokio::spawn(listener::accept(Arc::clone(&node), listener));
    tracing::info!(shards = shards.len(), "serving");
    let kept = Arc::clone(&node);
    let balancing = tokio::spawn(async move {
        become_ready(&kept).await;
        balance::keep(&kept).await;
    });

    lifecycle.draining().await;
    let cut = drain::drain(&node).await;
    accepting.abort();
    if let Some(announcing) = announcing {
        announcing.abort();
    }
    node.hub.tell_all(|| Message::Stop).await;
    let ended = tokio::task::spawn_blocking(move || {
        for shard in shards {
            if shard.join().is_err() {
                tracing::error!("a shard panicked");
            }
        }
    });
    ended.await.map_err(io::Error::other)?;
    balancing.abort();
    counting.abort();
    drop(keepers);
    if let Err(error) = node.relay.addresses.leave().await {
        tracing::debug!(%error, "other nodes look for this one until its word is old");
    }
    if let Err(error) = node.roster.unlist().await {
        tracing::warn!(%error, "connections of this node are counted until its lease ends");
    }
    subscription.abort();
    Ok(cut)
}

/// Says where other nodes reach this one, where that is known.
fn announce(node: &Arc<Node>, listener: &TcpListener) -> io::Result<Option<JoinHandle<()>>> {
    let here = listener.local_addr()?;
    let address = match &*node.config.peer_addr {
        "" if here.ip().is_unspecified() => return Ok(None),
        "" => here.to_string(),
        told => told.to_owned(),
    };
    let node = Arc::clone(node);
    let keeping = async move { node.relay.addresses.keep(&address).await };
    Ok(Some(tokio::spawn(keeping)))
}

/// Ready as soon as Redis was seen once. Later it may come and go: a node without it still holds its connections, and a
/// balancer that then took it out would only send them all to nodes that have it no better.
async fn become_ready(node: &Node) {
    while let Err(error) = node.bus.ping().await {
        tracing::warn!(%error, "not ready: no word from Redis yet");
        tokio::time::sleep(REDIS_PAUSE).await;
    }
    node.lifecycle.ready();
}

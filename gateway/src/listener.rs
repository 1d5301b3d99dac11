//! Accepting: not more than can be looked after, a pause when it fails, one task per connection until its handshake is over.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use nix::sys::socket::{setsockopt, sockopt};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::{JoinError, JoinSet},
    time::sleep,
};

use crate::{door::Stranger, http, metrics::Refused, node::Node};

/// Bytes that the kernel keeps for a slow client, who could otherwise hold megabytes that no limit of ours sees. Accepted
/// sockets inherit it.
const SEND_BUFFER_BYTES: u32 = 64 * 1024;
/// The kernel gives up on a client that acknowledges nothing for so long.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_MS_MAX: u32 = 30_000;
#[cfg(target_os = "linux")]
const KEEPALIVE_AFTER_SECONDS: u32 = 60;
#[cfg(target_os = "linux")]
const KEEPALIVE_EVERY_SECONDS: u32 = 10;
const BACKLOG: u32 = 4096;
/// After a failed accept, which most often means that descriptors have run out.
const PAUSE: Duration = Duration::from_millis(100);
/// So many times the handshakes that may be under way can wait for their turn, or for the client's first byte; who comes
/// then waits in the kernel.
const WAITING_FACTOR: usize = 4;

/// Opens the public port.
pub fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart must not wait until the kernel has forgotten the last connections.
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    notice_silence(&socket)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// A client that has vanished without a word is found out: by what was sent to it and is never acknowledged, or by a question
/// after a silence. Accepted sockets inherit this too.
fn notice_silence(socket: &TcpSocket) -> io::Result<()> {
    setsockopt(socket, sockopt::KeepAlive, &true)?;
    #[cfg(target_os = "linux")]
    {
        setsockopt(socket, sockopt::TcpKeepIdle, &KEEPALIVE_AFTER_SECONDS)?;
        setsockopt(socket, sockopt::TcpKeepInterval, &KEEPALIVE_EVERY_SECONDS)?;
        setsockopt(socket, sockopt::TcpUserTimeout, &UNACKNOWLEDGED_MS_MAX)?;
    }
    Ok(())
}

/// Accepts for as long as it is polled; handshakes under way end with it.
pub(crate) async fn accept(node: Arc<Node>, listener: TcpListener) {
    let waiting_max = node.config.limits.handshakes_max * WAITING_FACTOR;
    let mut handshakes = JoinSet::new();
    loop {
        while let Some(ended) = handshakes.try_join_next() {
            see_off(ended);
        }
        if handshakes.len() >= waiting_max
            && let Some(ended) = handshakes.join_next().await
        {
            see_off(ended);
        }
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                sleep(PAUSE).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection that ended at once");
            continue;
        }
        if let Ok(stranger) = node.door.peer(peer.ip()) {
            let from = (peer.ip(), stranger);
            handshakes.spawn(handshake(Arc::clone(&node), stream, from));
        } else {
            node.metrics.refused(Refused::Address);
            http::turn_away(&stream);
        }
    }
}

async fn handshake(node: Arc<Node>, stream: TcpStream, from: (IpAddr, Option<Stranger>)) {
    http::serve(&node, stream, from).await;
}

fn see_off(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a handshake broke off");
    }
}

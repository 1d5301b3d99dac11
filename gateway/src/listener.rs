//! Accepting: not more than can be looked after, a pause when it fails, one task per connection until its handshake is over.

use std::{io, net::SocketAddr, os::fd::AsFd, pin::pin, sync::Arc, time::Duration};

use nix::sys::socket::{setsockopt, sockopt};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::{JoinError, JoinSet},
    time::sleep,
};

use crate::{
    http::{self, Lasting},
    metrics::Refused,
    node::Node,
};

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
/// So many times the handshakes that may be under way can wait for their turn, or for the client's first byte, or post; who
/// comes then waits in the kernel.
const WAITING_FACTOR: usize = 4;
/// A session of Engine.IO has a poll that waits, and a WebSocket that it may go on by.
const LASTING_FACTOR: usize = 2;

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
pub(crate) fn notice_silence(socket: &impl AsFd) -> io::Result<()> {
    setsockopt(socket, sockopt::KeepAlive, &true)?;
    #[cfg(target_os = "linux")]
    {
        setsockopt(socket, sockopt::TcpKeepIdle, &KEEPALIVE_AFTER_SECONDS)?;
        setsockopt(socket, sockopt::TcpKeepInterval, &KEEPALIVE_EVERY_SECONDS)?;
        setsockopt(socket, sockopt::TcpUserTimeout, &UNACKNOWLEDGED_MS_MAX)?;
    }
    Ok(())
}

/// Accepts for as long as it is polled; handshakes under way end with it, and so do polls that wait.
pub(crate) async fn accept(node: Arc<Node>, listener: TcpListener) {
    let waiting_max = node.config.limits.handshakes_max * WAITING_FACTOR;
    let lasting_max = node.config.limits.connections_max * LASTING_FACTOR;
    let mut handshakes = JoinSet::new();
    let mut lasting = JoinSet::new();
    let mut sweeping = pin!(node.polls.keep());
    loop {
        tokio::select! {
            accepted = listener.accept(), if handshakes.len() < waiting_max => match accepted {
                Ok((stream, peer)) => {
                    if let Some(handshake) = begin(&node, stream, peer) {
                        handshakes.spawn(handshake);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept");
                    sleep(PAUSE).await;
                }
            },
            Some(ended) = handshakes.join_next() => {
                if let Some(Some(rest)) = see_off(ended) {
                    if lasting.len() < lasting_max {
                        lasting.spawn(rest);
                    } else {
                        node.metrics.refused(Refused::Full);
                    }
                }
            }
            Some(ended) = lasting.join_next() => {
                see_off(ended);
            }
            never = &mut sweeping => match never {},
        }
    }
}

/// The handshake of whoever has come; `None` where there is none.
fn begin(
    node: &Arc<Node>,
    stream: TcpStream,
    peer: SocketAddr,
) -> Option<impl Future<Output = Option<Lasting>> + use<>> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection that ended at once");
        return None;
    }
    if let Ok(stranger) = node.door.peer(peer.ip()) {
        let node = Arc::clone(node);
        return Some(async move { http::serve(&node, stream, (peer.ip(), stranger)).await });
    }
    node.metrics.refused(Refused::Address);
    http::turn_away(&stream);
    None
}

fn see_off<T>(ended: Result<T, JoinError>) -> Option<T> {
    ended
        .inspect_err(|error| tracing::error!(%error, "a handshake broke off"))
        .ok()
}

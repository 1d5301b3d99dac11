//! Accepting: a permit before each, a pause when it fails, one task per connection until its handshake is over.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::sleep,
};

use crate::{http, node::Node};

/// Bytes that the kernel keeps for a slow client, who could otherwise hold megabytes that no limit of ours sees. Accepted
/// sockets inherit it.
const SEND_BUFFER_BYTES: u32 = 64 * 1024;
const BACKLOG: u32 = 4096;
/// After a failed accept, which most often means that descriptors have run out.
const PAUSE: Duration = Duration::from_millis(100);

/// Opens the public port.
pub fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart must not wait until the kernel has forgotten the last connections.
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Accepts for as long as it is polled; handshakes under way end with it.
pub(crate) async fn accept(node: Arc<Node>, listener: TcpListener) {
    let mut handshakes = JoinSet::new();
    loop {
        // Finished ones are let go of.
        while handshakes.try_join_next().is_some() {}
        let (stream, _) = match listener.accept().await {
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
        handshakes.spawn(handshake(Arc::clone(&node), stream));
    }
}

async fn handshake(node: Arc<Node>, stream: TcpStream) {
    http::serve(&node, stream).await;
}

//! Reading without a buffer of one's own: wait until the socket has something, then take it into the shard's buffer.
//!
//! Nothing is lost when a read is cancelled, unlike with `read_frame` of fastwebsockets: what was taken from the socket goes to
//! the parser before anything is awaited again, and a frame of which only a part has come is kept there, not in a future.

use std::{cell::RefCell, io::ErrorKind, ops::ControlFlow, rc::Rc};

use tokio::{net::TcpStream, task::coop};

/// The buffer that all connections of a shard read into, one after the other.
pub(crate) type Scratch = Rc<RefCell<Box<[u8]>>>;

/// Why reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The peer closed its side, or the connection broke.
    Gone,
    /// The hearer has heard enough.
    Enough,
}

/// Hands on whatever arrives. Waiting is all it does between reads, so it can be dropped at any time without loss.
pub(crate) async fn read(
    stream: &TcpStream,
    scratch: &Scratch,
    mut hear: impl FnMut(&mut [u8]) -> ControlFlow<()>,
) -> Ended {
    loop {
        if stream.readable().await.is_err() {
            return Ended::Gone;
        }
        {
            let mut buffer = scratch.borrow_mut();
            match stream.try_read(&mut buffer) {
                Ok(0) => return Ended::Gone,
                Ok(count) if hear(&mut buffer[..count]).is_break() => return Ended::Enough,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Ended::Gone,
            }
        }
        // A client that never stops talking must not keep the others of its shard waiting.
        coop::consume_budget().await;
    }
}

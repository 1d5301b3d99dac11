//! From polling to a WebSocket: it shows that it works, then the client changes over, and polls no more.
//!
//! The connection does not notice. What it wrote and nobody has fetched goes to the WebSocket first, and what was posted is
//! in its socket before anything of the WebSocket's; so nothing is lost, told twice or turned round. Until the client's last
//! word the polling goes on, and whatever goes wrong before leaves it as it was.

use std::{io, mem, time::Duration};

use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use super::session::{POST_TIME_MAX, Phase, PollSession};
use crate::{
    codec::Frame,
    relay::carry,
    transport::ws::{Limits, NoFirstFrame, first_text},
};

/// From the WebSocket's beginning to the client's word that it changes over.
pub(crate) const UPGRADE_TIME_MAX: Duration = Duration::from_secs(10);

const PROBE: &str = "2probe";
const PROBED: &[u8] = b"3probe";
const UPGRADE: &str = "5";

/// Why the session goes on as before.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error("it was upgraded, is being upgraded, or is over")]
    Phase,
    #[error("it took too long")]
    Time,
    #[error("something else was said")]
    Words,
    #[error(transparent)]
    Frame(#[from] NoFirstFrame),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl PollSession {
    /// Has the WebSocket show that it works, and the client change over to it. Returns what came after its last word. Until
    /// then, and after a failure, the session is polled.
    pub(crate) async fn change_over(
        &self,
        stream: &mut TcpStream,
        unread: Vec<u8>,
        limits: Limits,
    ) -> Result<Vec<u8>, Failed> {
        let _only = self.probing.try_lock().map_err(|_| Failed::Phase)?;
        let probing = self.probe(stream, unread, limits);
        let probed = timeout(UPGRADE_TIME_MAX, probing).await;
        let changed = probed.unwrap_or(Err(Failed::Time)).and_then(|rest| {
            let changed = self.turn(Phase::Probed, Phase::Upgraded);
            changed.then_some(rest).ok_or(Failed::Phase)
        });
        if changed.is_err() {
            self.turn(Phase::Probed, Phase::Polled);
        }
        changed
    }

    async fn probe(
        &self,
        stream: &mut TcpStream,
        unread: Vec<u8>,
        limits: Limits,
    ) -> Result<Vec<u8>, Failed> {
        // Also tells who comes too late at once, and not after a probe.
        if self.is_upgraded() || self.is_over() {
            return Err(Failed::Phase);
        }
        let first = first_text(stream, unread, limits).await?;
        if first.text != PROBE {
            return Err(Failed::Words);
        }
        if !self.turn(Phase::Polled, Phase::Probed) {
            return Err(Failed::Phase);
        }
        stream.write_all(Frame::text(PROBED).bytes()).await?;
        let second = first_text(stream, first.rest, limits).await?;
        if second.text != UPGRADE {
            return Err(Failed::Words);
        }
        Ok(second.rest)
    }

    /// From one phase to the other; false where it is in another.
    pub(super) fn turn(&self, from: Phase, to: Phase) -> bool {
        self.phase.send_if_modified(|phase| {
            let fits = *phase == from;
            if fits {
                *phase = to;
            }
            fits
        })
    }

    /// After the change: carries both ways until one side has ended. Bounded by the connection, whose pings go this way.
    pub(crate) async fn carry(&self, stream: TcpStream, rest: Vec<u8>) {
        // A poll or a post that was under way has been let go by the change, or is about to end.
        let ends = async { (self.up.lock().await, self.down.lock().await) };
        let Ok((mut up, mut down)) = timeout(POST_TIME_MAX, ends).await else {
            return;
        };
        let waiting = mem::take(&mut down.buffer);
        let (from_client, to_client) = stream.into_split();
        let upwards = (from_client, &mut *up, rest);
        carry(upwards, (&mut down.from, to_client, waiting)).await;
    }
}

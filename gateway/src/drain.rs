//! Leaving: clients are told when to come back and sent away over a window, so that the other nodes see no stampede.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{hub::Message, node::Node};

/// For the last goodbyes after the window.
const FAREWELL: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Resolves when everybody has left, or the time is over. `/readyz` is 404 by now; for a while the door stays open,
/// because balancers look only now and then.
pub(crate) async fn drain(node: &Node) {
    let (delay, window) = (
        node.config.timing.drain_delay,
        node.config.timing.drain_window,
    );
    tracing::info!(connections = node.metrics.connections(), "draining");
    sleep(delay).await;
    node.close_to_new();
    node.hub.tell_all(|| Message::Drain(window)).await;
    let deadline = Instant::now() + window + FAREWELL;
    while node.metrics.connections() > 0 && Instant::now() < deadline {
        sleep(LOOK_EVERY).await;
    }
    tracing::info!(left = node.metrics.connections(), "drained");
}

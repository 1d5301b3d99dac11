//! Leaving: clients are told when to come back and sent away over a window, so that the other nodes see no stampede.
//!
//! No durable event rests on this: a gateway that is killed costs nobody one either. It only makes leaving gentle.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::{hub::Message, metrics::Drained, node::Node};

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Resolves when everybody has left, or the time is over, or nobody is to be waited for any more. `/readyz` is 404 by now;
/// for a while the door stays open, because balancers look only now and then.
pub(crate) async fn drain(node: &Node) {
    tracing::info!(connections = node.metrics.connections(), "draining");
    tokio::select! {
        () = send_everybody_away(node) => {}
        () = node.lifecycle.hurried() => tracing::info!("told a second time to stop"),
    }
    node.close_to_new();
    let left = node.metrics.connections();
    node.metrics.drain_remaining.set(left);
    node.metrics
        .drained(Drained::Forced, u64::try_from(left).unwrap_or(0));
    tracing::info!(left, "drained");
}

async fn send_everybody_away(node: &Node) {
    let timing = &node.config.timing;
    sleep(timing.drain_delay).await;
    node.close_to_new();
    let window = timing.drain_window;
    node.hub.tell_all(|| Message::Drain(window)).await;
    let deadline = Instant::now() + window + timing.drain_flush;
    let gone = timeout_at(deadline, async {
        while node.metrics.connections() > 0 {
            node.metrics.drain_remaining.set(node.metrics.connections());
            sleep(LOOK_EVERY).await;
        }
    });
    if gone.await.is_err() {
        tracing::warn!("some connections did not leave in time");
    }
}

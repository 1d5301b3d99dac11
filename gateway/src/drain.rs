//! Leaving: clients are told when to come back and sent away over a window, so that the other nodes see no stampede.
//!
//! No durable event rests on this: a gateway that is killed costs nobody one either. It only makes leaving gentle.

use std::time::Duration;

use shared::lifecycle::Lifecycle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{hub::Message, metrics::Drained, node::Node};

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Resolves when everybody has left, or the time is over, or nobody is to be waited for any more. `/readyz` is 404 by now;
/// for a while the door stays open, because balancers look only now and then. Returns how many are to be cut.
pub(crate) async fn drain(node: &Node) -> u64 {
    tracing::info!(connections = node.metrics.connections(), "draining");
    tokio::select! {
        () = send_everybody_away(node) => {}
        () = node.lifecycle.hurried() => tracing::info!("told a second time to stop"),
    }
    node.close_to_new();
    let left = node.metrics.connections();
    node.metrics.drain_remaining.set(left);
    let cut = u64::try_from(left).unwrap_or(0);
    node.metrics.drained(Drained::Forced, cut);
    tracing::info!(left, "drained");
    cut
}

/// A process takes its counters along when it ends. Where connections were cut, it stays until somebody has had the time to
/// read how many, unless it is told a second time to stop.
pub(crate) async fn stay_to_be_read(cut: u64, linger: Duration, lifecycle: &Lifecycle) {
    if cut == 0 {
        return;
    }
    tracing::info!(cut, seconds = linger.as_secs_f64(), "staying for a scrape");
    tokio::select! {
        () = sleep(linger) => {}
        () = lifecycle.hurried() => tracing::info!("told a second time to stop"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than any test.
    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn it_stays_for_a_scrape_where_something_was_cut_and_nobody_hurries() {
        let lifecycle = Lifecycle::default();
        lifecycle.drain();
        stay_to_be_read(0, LONG, &lifecycle).await;
        stay_to_be_read(1, Duration::from_millis(1), &lifecycle).await;
        let stays = stay_to_be_read(1, LONG, &lifecycle);
        tokio::select! {
            biased;
            () = stays => panic!("nobody hurries"),
            () = std::future::ready(()) => {}
        }
        lifecycle.hurry();
        stay_to_be_read(1, LONG, &lifecycle).await;
    }
}

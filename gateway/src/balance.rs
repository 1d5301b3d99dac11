//! What a node does about how many connections it holds: it says so, asks for no more when it is nearly full, and sends some
//! away when it holds far more than its share.
//!
//! Sockets do not move by themselves: a node that was added stays empty, and one that was away comes back to nothing. Whoever
//! is sent away comes back through the balancer, which knows where there is room.

use std::time::Duration;

use shared::{load::Load, ticks};

use crate::node::Node;

/// Looks at itself between two words to the others.
const LOOKS: u32 = 10;
const LOOK_PAUSE_MIN: Duration = Duration::from_millis(10);
/// A node that holds so many percent of the mean or less keeps them.
const SHARE_PERCENT: usize = 125;
/// Below this no node is worth the trouble.
const KEPT_MIN: usize = 100;
/// Of its connections a node sends away at most this part between two words; with ten seconds between them, half a percent a
/// second.
const SHED_PART: usize = 20;
/// What was above its share must have been so after each of so many words: the others' words are old ones, and while many arrive
/// at once a node that tells its own number a moment later than they did seems to hold far more.
const WORDS: usize = 3;
/// A node asks for no more from so many percent of its places on,
const FULL_PERCENT: usize = 90;
/// and for more again below so many percent of that.
const FULL_AGAIN_PERCENT: usize = 95;

/// Looks after it for as long as it is polled.
pub(crate) async fn keep(node: &Node) {
    let load = Load::new(node.bus.clone());
    let every = node.config.timing.balance;
    let mut looks = ticks::every((every / LOOKS).max(LOOK_PAUSE_MIN));
    let mut lasting = Lasting::default();
    for count in (0..LOOKS).cycle() {
        looks.tick().await;
        let here = usize::try_from(node.metrics.connections()).unwrap_or(0);
        let is_full = is_full(
            here,
            node.config.limits.connections_max,
            node.lifecycle.is_full(),
        );
        node.lifecycle.set_full(is_full);
        if count == 0 {
            let people = node.roster.people();
            node.metrics
                .users
                .set(i64::try_from(people).unwrap_or(i64::MAX));
            // Whoever was told to go does not count any more.
            let leaving = usize::try_from(node.metrics.leaving.get()).unwrap_or(0);
            shed(node, &load, here.saturating_sub(leaving), &mut lasting).await;
        }
    }
}

async fn shed(node: &Node, load: &Load, here: usize, lasting: &mut Lasting) {
    let told = if node.closed_to_new() {
        // It leaves: what it still holds is nobody's measure.
        load.leave().await.map(|()| Vec::new())
    } else {
        load.tell(here).await
    };
    match told {
        Ok(loads) => {
            let surplus = lasting.least(surplus(here, &loads));
            if surplus > 0 {
                tracing::info!(here, surplus, nodes = loads.len(), "sending some away");
                node.hub.shed(surplus, node.config.timing.balance).await;
            }
        }
        Err(error) => tracing::warn!(%error, "the other nodes' connections are not known"),
    }
}

/// The surplus after each of the last words.
#[derive(Debug, Default)]
struct Lasting([usize; WORDS]);

impl Lasting {
    /// What was too many all the time.
    fn least(&mut self, surplus: usize) -> usize {
        self.0.rotate_left(1);
        self.0[WORDS - 1] = surplus;
        self.0.into_iter().min().unwrap_or(0)
    }
}

/// How many of its `here` connections a node sends away now, knowing those of all nodes.
fn surplus(here: usize, loads: &[usize]) -> usize {
    let all: usize = loads.iter().sum();
    let share = all * SHARE_PERCENT / (100 * loads.len().max(1));
    let surplus = here.saturating_sub(share.max(KEPT_MIN));
    surplus.min(here.div_ceil(SHED_PART))
}

fn is_full(here: usize, places: usize, was_full: bool) -> bool {
    let full = places * FULL_PERCENT / 100;
    if was_full {
        here * 100 >= full * FULL_AGAIN_PERCENT
    } else {
        here >= full.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_sheds_what_is_far_above_its_share_and_little_at_a_time() {
        for (here, loads, expected) in [
            (1000, vec![1000], 0),
            (1000, vec![1000, 1000, 1000], 0),
            // A quarter more than the mean is nobody's harm.
            (1250, vec![1250, 750], 0),
            (1260, vec![1260, 740], 10),
            // A new node: a twentieth at a time.
            (1000, vec![1000, 0], 50),
            // Too few to care.
            (90, vec![90, 0], 0),
            (104, vec![104, 0], 4),
            // Nobody knows anything.
            (0, vec![], 0),
        ] {
            assert_eq!(surplus(here, &loads), expected, "{here} of {loads:?}");
        }
    }

    #[test]
    fn only_what_lasts_is_shed() {
        let mut lasting = Lasting::default();
        let shed = [50, 40, 0, 30, 20, 25, 60].map(|surplus| lasting.least(surplus));
        assert_eq!(shed, [0, 0, 0, 0, 0, 20, 20]);
    }

    #[test]
    fn full_begins_later_than_it_ends() {
        let states: Vec<bool> = [899, 900, 880, 856, 854, 899, 900]
            .into_iter()
            .scan(false, |was_full, here| {
                *was_full = is_full(here, 1000, *was_full);
                Some(*was_full)
            })
            .collect();
        let expected = [false, true, true, true, false, false, true];
        assert_eq!(states, expected);
        assert!(!is_full(0, 1, false));
    }
}

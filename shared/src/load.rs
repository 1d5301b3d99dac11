//! How many connections each node holds, so that one that has far more than its share can send some away: sockets do not
//! move to a new node by themselves.
//!
//! A hint and no more. While Redis is away nobody knows, and nobody acts.

use std::time::Duration;

use crate::{
    bus::{Bus, BusError},
    connections::Name,
};

/// A node's word counts for so long; say it again well before.
const KEPT: Duration = Duration::from_secs(30);

/// One node's word.
#[derive(Debug)]
pub struct Load {
    bus: Bus,
    node: Name,
}

impl Load {
    /// For one run of a node.
    pub fn new(bus: Bus) -> Self {
        Self {
            bus,
            node: Name::random(),
        }
    }

    /// Says how many connections this node holds. Returns how many each node does, this one among them.
    pub async fn tell(&self, connections: usize) -> Result<Vec<usize>, BusError> {
        self.bus.load(self.node, Some(connections), KEPT).await
    }

    /// Takes no part any more.
    pub async fn leave(&self) -> Result<(), BusError> {
        self.bus.load(self.node, None, KEPT).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::shared_redis;

    #[tokio::test]
    async fn nodes_know_of_each_other_until_they_leave() {
        let bus = Bus::new(&shared_redis()).unwrap();
        let (here, there) = (Load::new(bus.clone()), Load::new(bus.clone()));
        assert_eq!(here.tell(7).await.unwrap(), [7]);
        let mut both = there.tell(1).await.unwrap();
        both.sort_unstable();
        assert_eq!(both, [1, 7]);
        there.leave().await.unwrap();
        assert_eq!(here.tell(8).await.unwrap(), [8]);
    }

    #[tokio::test]
    async fn a_node_that_says_nothing_does_not_count() {
        let bus = Bus::new(&shared_redis()).unwrap();
        let silent = Name::random();
        let told = bus.load(silent, Some(3), Duration::from_millis(1)).await;
        told.unwrap();
        let here = Load::new(bus);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while here.tell(1).await.unwrap() != [1] {
            assert!(tokio::time::Instant::now() < deadline);
        }
    }
}

//! Where nodes are reached by other nodes, so that one that is asked for a session of another can hand the request on.
//!
//! A hint and no more: while Redis is away nobody is found, and an address may be a dead node's for as long as its word counts.

use std::time::Duration;

use crate::{
    bus::{Bus, BusError},
    connections::Name,
    ticks,
};

/// A node's word counts for so long.
const KEPT: Duration = Duration::from_secs(30);
/// One that fails must not matter.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// This node's word, and those of the others.
#[derive(Debug)]
pub struct Addresses {
    bus: Bus,
    node: Name,
}

impl Addresses {
    /// For one run of a node.
    pub fn new(bus: Bus) -> Self {
        Self {
            bus,
            node: Name::random(),
        }
    }

    /// This run's name.
    pub fn name(&self) -> Name {
        self.node
    }

    /// Says that this node is reached at `address` (`host:port`) for as long as it is polled.
    pub async fn keep(&self, address: &str) {
        let mut times = ticks::every(TELL_EVERY);
        loop {
            times.tick().await;
            if let Err(error) = self.tell(address).await {
                tracing::warn!(%error, "other nodes may not find this one");
            }
        }
    }

    /// Says it once.
    pub async fn tell(&self, address: &str) -> Result<(), BusError> {
        self.bus.note_address(self.node, Some(address), KEPT).await
    }

    /// It is reached no more.
    pub async fn leave(&self) -> Result<(), BusError> {
        self.bus.note_address(self.node, None, KEPT).await
    }

    /// Where this node is reached; `None` where nobody says so.
    pub async fn of(&self, node: Name) -> Result<Option<String>, BusError> {
        self.bus.address(node).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::shared_redis;

    #[tokio::test]
    async fn nodes_find_each_other_until_they_leave() {
        let bus = Bus::new(&shared_redis()).unwrap();
        let (here, there) = (Addresses::new(bus.clone()), Addresses::new(bus));
        assert_eq!(here.of(there.name()).await.unwrap(), None);
        there.tell("node-2:8090").await.unwrap();
        let found = here.of(there.name()).await.unwrap();
        assert_eq!(found.as_deref(), Some("node-2:8090"));
        there.leave().await.unwrap();
        assert_eq!(here.of(there.name()).await.unwrap(), None);
    }
}

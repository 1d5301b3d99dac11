//! Two nodes of one peer on one Redis of their own.

use std::{net::SocketAddr, ops::RangeInclusive, path::Path, sync::atomic::Ordering, thread};

use shared::{
    bus::Bus,
    credentials::Revocations,
    testing::{RedisServer, free_port},
};

use super::{
    audience::{Audience, Publisher, redis_settings},
    node::Node,
    peer::{NodePlan, Passes, PeerKind},
    stand_in::{Ring, StandIn},
};
use crate::{
    Failure,
    swarm::{Cycling, Plan, Swarm},
};

/// Sockets of one process: the system may allow no more than 20,000 descriptors.
const SOCKETS_PER_PROCESS: usize = 15_000;
const NODES: usize = 2;

/// Everything that is started for one measurement; dropped, nothing is left.
pub(super) struct Cluster {
    pub(super) peer: PeerKind,
    pub(super) nodes: Vec<Node>,
    /// Where each tells what it counts.
    pub(super) metrics: Vec<SocketAddr>,
    pub(super) publisher: Publisher,
    redis: RedisServer,
    stand_in: StandIn,
}

impl Cluster {
    pub(super) async fn start(peer: PeerKind, programs: &Path) -> Result<Self, Failure> {
        let redis = RedisServer::start().await;
        say_that_sessions_stand(&redis.url()).await?;
        let stand_in = StandIn::start()?;
        let mut nodes = Vec::new();
        let mut metrics = Vec::new();
        for _ in 0..NODES {
            let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
            let plan = NodePlan {
                addr: local(free_port()),
                metrics_addr: local(free_port()),
                redis_url: &redis.url(),
                api_url: &stand_in.url,
                shards: shards(),
            };
            metrics.push(plan.metrics_addr);
            nodes.push(Node::start(peer.command(programs, &plan), plan.addr).await?);
        }
        Ok(Self {
            publisher: Publisher::connect(peer, &redis.url()).await?,
            peer,
            nodes,
            metrics,
            redis,
            stand_in,
        })
    }

    /// These people, half on each node, in as few processes as can hold them; everybody is connected.
    pub(super) fn connect(
        &self,
        people: RangeInclusive<usize>,
        in_room: bool,
    ) -> Result<Vec<Swarm>, Failure> {
        self.stand_in.in_room.store(in_room, Ordering::Relaxed);
        let mut swarms = start_swarms(&self.lines(people, in_room))?;
        swarms.iter_mut().try_for_each(Swarm::ready)?;
        Ok(swarms)
    }

    /// Has these people come, half to each node, and does not wait for them.
    pub(super) fn begin(&self, people: RangeInclusive<usize>) -> Result<Vec<Swarm>, Failure> {
        start_swarms(&self.lines(people, false))
    }

    /// From now on these people show each other that they are online.
    pub(super) fn know_each_other(&self, ring: Ring) {
        self.stand_in.ring.get_or_init(|| ring);
    }

    /// People who come, hear one message, and leave, for as long as the swarm lives.
    pub(super) fn cycle(&self, people: usize, at_once: usize) -> Result<Swarm, Failure> {
        let plan = Plan {
            sockets: people,
            cycling: Some(Cycling {
                at_once,
                redis_url: self.redis.url(),
                peer: self.peer,
            }),
        };
        let mut swarm = Swarm::start(&plan, &self.lines(1..=people, false))?;
        swarm.ready()?;
        Ok(swarm)
    }

    fn lines(&self, people: RangeInclusive<usize>, in_room: bool) -> Vec<String> {
        let passes = Passes::default();
        let people = people.map(|person| u64::try_from(person).expect("few"));
        let nodes = people.zip(self.nodes.iter().cycle());
        let lines = nodes.map(|(person, node)| {
            let hears = if in_room {
                Audience::Room
            } else {
                Audience::Person(person)
            };
            let (path, token) = (self.peer.path(hears), passes.token(person));
            format!("{} {path} {token} {person}", node.addr)
        });
        lines.collect()
    }

    pub(super) fn cpu_seconds(&self) -> Result<f64, Failure> {
        let each = self.nodes.iter().map(Node::cpu_seconds);
        Ok(each.sum::<Result<f64, _>>()?)
    }

    pub(super) fn resident_kib(&self) -> Result<f64, Failure> {
        let each = self.nodes.iter().map(Node::resident_kib);
        Ok(each.sum::<Result<f64, _>>()?)
    }
}

/// As if each node had its share of the machine for itself: one thread a processor, in all nodes together.
fn shards() -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    (processors / NODES).max(1)
}

/// Says, as `api` does, that Redis knows of every session that was ended; without it, gateways ask `api` about each.
async fn say_that_sessions_stand(redis_url: &str) -> Result<(), Failure> {
    let refused = |error: shared::bus::BusError| Failure::Refused(error.to_string());
    let bus = Bus::new(&redis_settings(redis_url)).map_err(refused)?;
    let revocations = Revocations::new(bus);
    revocations.restore(&[]).await.map_err(refused)
}

/// In as few processes as can hold them.
fn start_swarms(lines: &[String]) -> Result<Vec<Swarm>, Failure> {
    let processes = lines.len().div_ceil(SOCKETS_PER_PROCESS).max(1);
    let shares = lines.chunks(lines.len().div_ceil(processes).max(1));
    let swarms = shares.map(|lines| {
        let plan = Plan {
            sockets: lines.len(),
            cycling: None,
        };
        Swarm::start(&plan, lines)
    });
    swarms.collect()
}

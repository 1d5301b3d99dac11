//! A node's subscription connections: one to each server that has channels.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use super::{
    changes::{Changes, Verb},
    link::{Endpoint, Link, LinkEvent},
};
use crate::{
    bus::{
        names::Names,
        topology::{Layout, Topology},
    },
    tls,
    wire::Channel,
};

/// A connection's number on this node, used once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LineId(u32);

/// The connection to one server, and what is still to be said on it.
pub(super) struct Line {
    pub(super) id: LineId,
    pub(super) link: Link,
    pub(super) changes: Changes,
    /// A Pub/Sub channel of its own that this server has.
    pub(super) probe_stream: String,
    pub(super) probed_at: Option<Instant>,
}

/// All of them.
pub(super) struct Lines {
    topology: Arc<Topology>,
    tls: Option<tls::Client>,
    timeout: Duration,
    names: Names,
    layout: Arc<Layout>,
    /// In the order of the layout's servers.
    all: Vec<Line>,
    last_id: LineId,
    turn: usize,
}

impl Lines {
    /// None yet; [`Lines::follow`] makes them.
    pub(super) fn new(
        topology: Arc<Topology>,
        tls: Option<tls::Client>,
        timeout: Duration,
        names: Names,
    ) -> Self {
        Self {
            topology,
            tls,
            timeout,
            names,
            layout: Arc::default(),
            all: Vec::new(),
            last_id: LineId::default(),
            turn: 0,
        }
    }

    pub(super) fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    pub(super) fn watch(&self) -> watch::Receiver<Arc<Layout>> {
        self.topology.watch()
    }

    /// Keeps the connections to servers that are still there, and makes those that are new. Returns which were up and are
    /// given up, by their servers' places until now.
    pub(super) fn follow(&mut self, layout: Arc<Layout>) -> Vec<usize> {
        let old = std::mem::take(&mut self.all);
        let mut old: Vec<(usize, Line)> = old.into_iter().enumerate().collect();
        for index in 0..layout.servers().len() {
            let server = &layout.servers()[index];
            let kept = old
                .iter()
                .position(|(_, line)| line.link.server() == server);
            let line = match kept {
                Some(position) => old.swap_remove(position).1,
                None => self.line(&layout, index),
            };
            self.all.push(line);
        }
        self.layout = layout;
        let given_up = old.iter().filter(|(_, line)| line.link.is_up());
        given_up.map(|(place, _)| *place).collect()
    }

    fn line(&mut self, layout: &Layout, index: usize) -> Line {
        self.last_id = LineId(self.last_id.0.wrapping_add(1).max(1));
        let is_own = |stream: &String| layout.owner(stream.as_bytes()) == Some(index);
        let number = rand::random();
        let mut probes = self.names.probes(number);
        // A server that has none of them has no channels either.
        let probe_stream = probes.find(is_own).unwrap_or_default();
        Line {
            id: self.last_id,
            link: Link::new(Endpoint {
                server: layout.servers()[index].clone(),
                tls: self.tls.clone(),
                timeout: self.timeout,
            }),
            changes: Changes::default(),
            probe_stream,
            probed_at: None,
        }
    }

    /// The connection that a channel belongs on. One that never was, where nobody has the channel.
    pub(super) fn of(&self, channel: Channel) -> LineId {
        let stream = self.names.stream(channel);
        let owner = self.layout.owner(stream.as_bytes());
        let line = owner.and_then(|owner| self.all.get(owner));
        line.map_or(LineId::default(), |line| line.id)
    }

    pub(super) fn get(&mut self, id: LineId) -> Option<&mut Line> {
        self.all.iter_mut().find(|line| line.id == id)
    }

    pub(super) fn iter(&mut self) -> impl Iterator<Item = &mut Line> {
        self.all.iter_mut()
    }

    /// Queues a change; needless while the connection is down.
    pub(super) fn change(&mut self, id: LineId, verb: Verb, channel: Channel) {
        if let Some(line) = self.get(id)
            && line.link.is_up()
        {
            line.changes.push(verb, channel);
        }
    }

    /// The place of a connection's server in the layout, from 0 on.
    pub(super) fn place(&self, id: LineId) -> Option<usize> {
        self.all.iter().position(|line| line.id == id)
    }

    /// Which connections are up, in the order of the servers.
    pub(super) fn up(&self) -> Vec<bool> {
        self.all.iter().map(|line| line.link.is_up()).collect()
    }

    /// Whether there are connections to all servers.
    pub(super) fn are_up(&self) -> bool {
        !self.all.is_empty() && self.all.iter().all(|line| line.link.is_up())
    }

    /// What happens next on any of them. May be dropped and called again at any point: what a connection waits for, it keeps.
    pub(super) async fn next(&mut self) -> (LineId, LinkEvent) {
        self.turn = self.turn.wrapping_add(1);
        let start = self.turn;
        let lines = &mut self.all;
        poll_fn(|context| {
            let count = lines.len();
            for index in 0..count {
                // Each is first in its turn, so that a busy one does not silence the others.
                let line = &mut lines[start.wrapping_add(index) % count];
                let next = pin!(line.link.next());
                if let Poll::Ready(event) = next.poll(context) {
                    return Poll::Ready((line.id, event));
                }
            }
            Poll::Pending
        })
        .await
    }
}

//! The subscriber's task: it owns the connections, the table of channels and everything that waits.
//!
//! The table says what is wanted; on every new connection all of it is asked for again. Nothing that the task awaits can
//! be held up by a slow neighbour: Redis's commands and the log are asked by [`super::work`], results come back here.

mod checks;
mod joins;
mod order;
mod subscription;
mod whereabouts;

use std::{collections::VecDeque, mem, sync::Arc};

use futures_util::{StreamExt, stream::FuturesUnordered};
use indexmap::IndexMap;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    Request, Sink,
    followed::{CheckNumber, Followed, Order},
    lines::{LineId, Lines},
    link::LinkEvent,
    stream::{Step, Stream},
    tuning::Tuning,
    wheel::Wheel,
    work::{self, Done, Fetch, Work},
};
use crate::{
    bus::{
        Bus, History,
        metrics::{BusMetrics, Loss},
        topology::Layout,
    },
    ticks,
    wire::Channel,
};

/// Requests, and frames, that are taken at a time before anything else has its turn.
const BATCH_MAX: usize = 256;
/// Holes that are filled at a time.
const FETCHES_MAX: usize = 32;

/// What the wheel brings back; the number is the [`Followed::serial`] that it was about.
enum Due {
    /// Compare the channel with the log, as is done regularly.
    SelfCheck(Channel, u64),
    /// Compare it, since that failed before.
    Check(Channel, u64),
    /// Fetch what should have come by now.
    CatchUp(Channel, u64),
    /// Try a failed fetch again.
    RetryFetch(Channel, u64),
    /// Refuse joins that have waited for too long.
    JoinsExpire(Channel, u64),
    /// Unsubscribe, unless somebody came back.
    Dissolve(Channel, u64),
}

pub(super) struct Actor<S> {
    bus: Bus,
    history: History,
    sink: S,
    metrics: BusMetrics,
    tuning: Tuning,
    lines: Lines,
    layout: watch::Receiver<Arc<Layout>>,
    /// Channels that are [`Subscription::Adrift`](super::followed::Subscription::Adrift).
    adrift: Vec<Channel>,
    is_looking: bool,
    look_at: Instant,
    /// Without a gap, whoever left: the last takes the place of who leaves.
    table: IndexMap<Channel, Followed>,
    serials: u64,
    joins_pending: usize,
    wheel: Wheel<Due>,
    work: FuturesUnordered<Work>,
    checks: VecDeque<Channel>,
    checks_started: CheckNumber,
    checks_running: usize,
    fetches: VecDeque<Fetch>,
    fetches_running: usize,
    /// Kept for its room; empty between inputs.
    steps: Vec<Step>,
}

impl<S: Sink> Actor<S> {
    pub(super) fn new(
        lines: Lines,
        bus: Bus,
        history: History,
        sink: S,
        metrics: BusMetrics,
        tuning: Tuning,
    ) -> Self {
        Self {
            bus,
            history,
            sink,
            metrics,
            layout: lines.watch(),
            lines,
            adrift: Vec::new(),
            is_looking: false,
            look_at: Instant::now(),
            table: IndexMap::new(),
            serials: 0,
            joins_pending: 0,
            wheel: Wheel::new(tuning.tick),
            tuning,
            work: FuturesUnordered::new(),
            checks: VecDeque::new(),
            checks_started: 0,
            checks_running: 0,
            fetches: VecDeque::new(),
            fetches_running: 0,
            steps: Vec::new(),
        }
    }

    /// Runs until every handle is gone.
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        let mut ticks = ticks::every(self.tuning.tick);
        let mut requests = Vec::with_capacity(BATCH_MAX);
        self.on_layout();
        self.look_if_due();
        loop {
            tokio::select! {
                count = inbox.recv_many(&mut requests, BATCH_MAX) => {
                    if count == 0 {
                        return;
                    }
                    for request in requests.drain(..) {
                        self.on_request(request);
                    }
                }
                (line, event) = self.lines.next() => self.on_link(line, event),
                Ok(()) = self.layout.changed() => self.on_layout(),
                Some(done) = self.work.next() => self.on_done(done),
                _ = ticks.tick() => self.on_tick(),
            }
            self.start_work();
        }
    }

    fn on_request(&mut self, request: Request) {
        match request {
            Request::Join(join) => self.on_join(join),
            Request::Leave(channel, listener) => self.on_leave(channel, listener),
        }
    }

    fn on_link(&mut self, line: LineId, event: LinkEvent) {
        match event {
            LinkEvent::Up => self.on_up(line),
            LinkEvent::Down => self.on_down(line, Loss::Closed),
            LinkEvent::Frame(frame) => {
                self.on_frame(line, frame);
                for _ in 0..BATCH_MAX {
                    let lines = self.lines.get(line);
                    let Some(frame) = lines.and_then(|line| line.link.buffered_frame()) else {
                        break;
                    };
                    self.on_frame(line, frame);
                }
            }
        }
    }

    fn on_done(&mut self, done: Done) {
        match done {
            Done::Checked(number, answers) => self.on_checked(number, answers),
            Done::Fetched(fetch, outcome) => self.on_fetched(fetch, outcome),
            Done::Probed => {}
            Done::Looked(outcome) => self.on_looked(outcome),
        }
    }

    fn on_tick(&mut self) {
        for due in self.wheel.advance() {
            match due {
                Due::SelfCheck(channel, serial) => self.on_self_check(channel, serial),
                Due::Check(channel, serial) => self.on_check_due(channel, serial),
                Due::CatchUp(channel, serial) => self.on_catch_up(channel, serial),
                Due::RetryFetch(channel, serial) => self.on_retry_fetch(channel, serial),
                Due::JoinsExpire(channel, serial) => self.on_joins_expire(channel, serial),
                Due::Dissolve(channel, serial) => self.on_dissolve(channel, serial),
            }
        }
        self.watch_connections();
        self.look_if_due();
    }

    /// Begins whatever has been decided and is within its bounds.
    fn start_work(&mut self) {
        self.send_changes();
        self.start_checks();
        while self.fetches_running < FETCHES_MAX
            && let Some(fetch) = self.fetches.pop_front()
        {
            self.fetches_running += 1;
            self.work.push(work::fetch(self.history.clone(), fetch));
        }
    }

    /// The channel, if it is still the one that something was planned for.
    fn followed(&mut self, channel: Channel, serial: u64) -> Option<&mut Followed> {
        let followed = self.table.get_mut(&channel)?;
        (followed.serial == serial).then_some(followed)
    }

    /// Gives the channel's stream an input and takes the steps that follow.
    fn with_stream(&mut self, channel: Channel, input: impl FnOnce(&mut Stream, &mut Vec<Step>)) {
        let mut steps = mem::take(&mut self.steps);
        if let Some(followed) = self.table.get_mut(&channel)
            && let Order::Live(stream) = &mut followed.order
        {
            input(stream, &mut steps);
        }
        self.take_steps(channel, &mut steps);
        self.steps = steps;
    }
}

#[cfg(test)]
mod tests;

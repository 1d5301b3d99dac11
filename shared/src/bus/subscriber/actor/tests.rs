use std::{iter, sync::Arc};

use bytes::Bytes;

use super::*;
use crate::{
    bus::{
        subscriber::{Join, Joined, ListenerId, Listeners, changes::Verb, resp::Frame},
        topology::Topology,
    },
    telemetry::metrics::Metrics,
    testing::{MemoryLog, shared_redis},
    wire::{Event, Position},
};

struct Nobody;

impl Sink for Nobody {
    fn joined(&mut self, _: ListenerId, _: Joined) {}

    fn event(&mut self, _: Listeners, _: Arc<Event>) {}

    fn lost(&mut self, _: Listeners, _: Channel, _: Position) {}

    fn interrupted(&mut self, _: Listeners, _: Channel) {}
}

/// With one connection, on which nothing is said but by the test.
fn actor() -> (Actor<Nobody>, LineId) {
    let settings = shared_redis();
    let bus = Bus::new(&settings).unwrap();
    let history = History::new(bus.clone(), Arc::new(MemoryLog::default()));
    let topology = Arc::new(Topology::new(&settings.url, &settings).unwrap());
    let lines = Lines::new(topology, None, settings.timeout, bus.names().clone());
    let metrics = BusMetrics::register(&Metrics::default(), bus.metrics());
    let mut actor = Actor::new(lines, bus, history, Nobody, metrics, Tuning::default());
    actor.on_layout();
    let line = actor.lines.iter().next().unwrap().id;
    (actor, line)
}

/// Somebody comes, leaves and comes again while Redis has not answered: every answer frees the place of its question.
#[tokio::test]
async fn each_answer_is_counted_whatever_the_channel_is_by_then() {
    let (mut actor, line) = actor();
    let channel: Channel = "user:1".parse().unwrap();
    actor.on_join(Join {
        channel,
        listener: ListenerId(0),
        token: 1,
        since: None,
    });
    let stream = Bytes::from(actor.bus.names().stream(channel));
    let changes = &mut actor.lines.get(line).unwrap().changes;
    let verbs = [Verb::Subscribe, Verb::Unsubscribe, Verb::Subscribe];
    for verb in verbs {
        changes.push(verb, channel);
    }
    assert_eq!(iter::from_fn(|| changes.next_batch()).count(), verbs.len());
    for verb in verbs {
        let answer = match verb {
            Verb::Subscribe => Frame::Subscribed(stream.clone()),
            Verb::Unsubscribe => Frame::Unsubscribed(stream.clone()),
        };
        actor.on_frame(line, answer);
    }
    assert_eq!(actor.lines.get(line).unwrap().changes.unconfirmed(), 0);
}

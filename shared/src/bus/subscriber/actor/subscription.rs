//! The connection: what comes on it, what is asked on it, and whether it is worth keeping.

use tokio::time::Instant;

use super::Actor;
use crate::{
    bus::{
        metrics::Loss,
        notice::parse_notice,
        subscriber::{
            Sink,
            changes::{Changes, Verb},
            followed::{Followed, Subscription},
            lines::LineId,
            resp::Frame,
            work,
        },
    },
    wire::{Channel, Event},
};

impl<S: Sink> Actor<S> {
    pub(super) fn on_up(&mut self, id: LineId) {
        self.note_connections();
        let is_cluster = self.lines.topology().is_cluster();
        let Some(line) = self.lines.get(id) else {
            return;
        };
        line.probed_at = None;
        line.changes = Changes::default();
        // Last the one that everybody hears: when that is in force again, so are all others, and whoever was told things that
        // may have changed meanwhile can ask anew (`Sink::interrupted`).
        let (last, first): (Vec<Channel>, _) = self
            .table
            .iter()
            .filter(|(_, followed)| followed.line == id)
            .map(|(channel, _)| *channel)
            .partition(|channel| *channel == Channel::Broadcast);
        let first: Vec<Channel> = first;
        for channel in first.into_iter().chain(last) {
            line.changes.push(Verb::Subscribe, channel);
        }
        let command = Verb::Subscribe.command(is_cluster).to_owned();
        let probe = [command, line.probe_stream.clone()];
        line.link.send(&probe);
    }

    pub(super) fn on_down(&mut self, id: LineId, loss: Loss) {
        if let Some(place) = self.lines.place(id) {
            self.metrics.subscriptions.lost(place, loss);
        }
        self.note_connections();
        for followed in self.table.values_mut() {
            if followed.line == id {
                followed.subscription = Subscription::Wanted;
            }
        }
        self.look_soon();
    }

    pub(super) fn note_connections(&mut self) {
        self.metrics.follow(&self.lines.up());
    }

    pub(super) fn on_frame(&mut self, line: LineId, frame: Frame) {
        match frame {
            Frame::Message { channel, payload } => {
                let Some(channel) = self.bus.names().channel(&channel) else {
                    return;
                };
                if let Some(head) = parse_notice(&payload) {
                    self.metrics.notices.inc();
                    self.on_notice(channel, head);
                    return;
                }
                match Event::from_record(channel, &payload) {
                    Ok(event) => {
                        let place = self.lines.place(line).unwrap_or_default();
                        self.metrics.received(&event, place);
                        self.on_event(event);
                    }
                    Err(error) => {
                        self.metrics.malformed.inc();
                        tracing::warn!(%channel, %error, "a message that is no event");
                    }
                }
            }
            Frame::Subscribed(stream) => {
                if let Some(channel) = self.bus.names().channel(&stream) {
                    self.on_subscribed(line, channel);
                }
            }
            Frame::Unsubscribed(stream) => {
                if let Some(channel) = self.bus.names().channel(&stream) {
                    self.on_unsubscribed(line, channel);
                }
            }
            Frame::Reply => {}
            Frame::Error(text) => {
                // Only SUBSCRIBE and UNSUBSCRIBE are sent here; whichever failed, nothing is certain any more.
                let error = String::from_utf8_lossy(&text).into_owned();
                if !self.on_moved(line, &error) {
                    tracing::error!(%error, "redis refused a subscription");
                    self.give_up_connection(line, Loss::Refused);
                }
            }
        }
    }

    fn on_subscribed(&mut self, line: LineId, channel: Channel) {
        self.confirmed(line);
        let Some(followed) = self.table.get_mut(&channel) else {
            return;
        };
        if followed.line != line {
            return;
        }
        if let Some(since) = followed.wanted_since.take() {
            let seconds = &self.metrics.subscribe_seconds;
            seconds.observe(since.elapsed().as_secs_f64());
        }
        followed.subscription = Subscription::Confirmed {
            checks_before: self.checks_started,
        };
        if channel.is_durable() {
            self.queue_check(channel);
            self.plan_self_check(channel);
        } else {
            // Who listens already has heard it before.
            if !followed.listeners.is_empty() {
                self.sink.interrupted(followed.listeners, channel);
            }
            self.settle(channel, None);
        }
    }

    /// The answer to an UNSUBSCRIBE; except that a cluster ends subscriptions on its own too, when a channel's slot goes to
    /// another server.
    fn on_unsubscribed(&mut self, line: LineId, channel: Channel) {
        let is_in_force =
            |followed: &&mut Followed| followed.line == line && followed.is_confirmed();
        let Some(followed) = self.table.get_mut(&channel).filter(is_in_force) else {
            return self.confirmed(line);
        };
        if self.lines.topology().is_cluster() {
            return self.set_adrift(channel);
        }
        // What was confirmed was an earlier SUBSCRIBE. Another follows, or does now: once too often does no harm.
        followed.subscription = Subscription::Wanted;
        self.lines.change(line, Verb::Subscribe, channel);
        self.confirmed(line);
    }

    fn confirmed(&mut self, line: LineId) {
        if let Some(line) = self.lines.get(line) {
            line.changes.confirmed();
        }
    }

    /// A connection can be up and deliver nothing, for instance when its server was cut off from the others. So a silent
    /// one has to show that it delivers what is published where everybody publishes.
    pub(super) fn watch_connections(&mut self) {
        let mut deaf = Vec::new();
        for line in self.lines.iter().filter(|line| line.link.is_up()) {
            let heard_at = line.link.heard_at();
            match line.probed_at {
                Some(probed_at) if heard_at > probed_at => line.probed_at = None,
                Some(probed_at) if probed_at.elapsed() > self.tuning.probe_wait => {
                    deaf.push(line.id);
                }
                None if heard_at.elapsed() > self.tuning.silence => {
                    line.probed_at = Some(Instant::now());
                    let stream = line.probe_stream.clone();
                    self.work.push(work::probe(self.bus.clone(), stream));
                }
                Some(_) | None => {}
            }
        }
        for line in deaf {
            tracing::warn!("a subscription connection delivers nothing; making another");
            self.give_up_connection(line, Loss::Silent);
        }
    }

    fn give_up_connection(&mut self, id: LineId, loss: Loss) {
        if let Some(line) = self.lines.get(id)
            && line.link.is_up()
        {
            line.link.drop_connection();
            self.on_down(id, loss);
        }
    }

    pub(super) fn send_changes(&mut self) {
        let is_cluster = self.lines.topology().is_cluster();
        // One command may be about one slot only.
        let most = if is_cluster { 1 } else { usize::MAX };
        for line in self.lines.iter().filter(|line| line.link.is_up()) {
            while let Some((verb, channels)) = line.changes.next_batch() {
                for channels in channels.chunks(most) {
                    let mut words = vec![verb.command(is_cluster).to_owned()];
                    words.extend(channels.iter().map(|c| self.bus.names().stream(*c)));
                    line.link.send(&words);
                }
                if verb == Verb::Subscribe {
                    for channel in channels {
                        if let Some(followed) = self.table.get_mut(&channel) {
                            followed.subscription = Subscription::Sent;
                        }
                    }
                }
            }
        }
    }
}

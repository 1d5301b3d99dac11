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
            followed::Subscription,
            resp::Frame,
            work,
        },
    },
    wire::{Channel, Event},
};

impl<S: Sink> Actor<S> {
    pub(super) fn on_up(&mut self) {
        self.metrics.subscription.up();
        self.probed_at = None;
        self.changes = Changes::default();
        // Last the one that everybody hears: when that is in force again, so are all others, and whoever was told things that
        // may have changed meanwhile can ask anew (`Sink::interrupted`).
        let (last, first): (Vec<Channel>, _) = self
            .table
            .keys()
            .partition(|channel| **channel == Channel::Broadcast);
        let first: Vec<Channel> = first;
        for channel in first.into_iter().chain(last) {
            self.changes.push(Verb::Subscribe, channel);
        }
        let probe = [
            Verb::Subscribe.command().to_owned(),
            self.probe_stream.clone(),
        ];
        self.link.send(&probe);
    }

    pub(super) fn on_down(&mut self, loss: Loss) {
        self.metrics.subscription.lost(loss);
        for followed in self.table.values_mut() {
            followed.subscription = Subscription::Wanted;
        }
    }

    pub(super) fn on_frame(&mut self, frame: Frame) {
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
                        self.metrics.received(&event);
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
                    self.on_subscribed(channel);
                }
            }
            Frame::Unsubscribed(stream) => {
                if let Some(channel) = self.bus.names().channel(&stream) {
                    self.on_unsubscribed(channel);
                }
            }
            Frame::Reply => {}
            Frame::Error(text) => {
                // Only SUBSCRIBE and UNSUBSCRIBE are sent here; whichever failed, nothing is certain any more.
                let error = String::from_utf8_lossy(&text).into_owned();
                tracing::error!(%error, "redis refused a subscription");
                self.give_up_connection(Loss::Refused);
            }
        }
    }

    fn on_subscribed(&mut self, channel: Channel) {
        self.changes.confirmed();
        let Some(followed) = self.table.get_mut(&channel) else {
            return;
        };
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

    /// Expected after an UNSUBSCRIBE. When the channel is confirmed, Redis ended the subscription on its own.
    fn on_unsubscribed(&mut self, channel: Channel) {
        self.changes.confirmed();
        if let Some(followed) = self.table.get_mut(&channel)
            && followed.is_confirmed()
        {
            followed.subscription = Subscription::Wanted;
            self.changes.push(Verb::Subscribe, channel);
        }
    }

    /// A connection can be up and deliver nothing, for instance when its server was cut off from the others. So a silent
    /// one has to show that it delivers what is published where everybody publishes.
    pub(super) fn watch_connection(&mut self) {
        if !self.link.is_up() {
            return;
        }
        let heard_at = self.link.heard_at();
        match self.probed_at {
            Some(probed_at) if heard_at > probed_at => self.probed_at = None,
            Some(probed_at) if probed_at.elapsed() > self.tuning.probe_wait => {
                tracing::warn!("the subscription connection delivers nothing; making another");
                self.give_up_connection(Loss::Silent);
            }
            None if heard_at.elapsed() > self.tuning.silence => {
                self.probed_at = Some(Instant::now());
                let stream = self.probe_stream.clone();
                self.work.push(work::probe(self.bus.clone(), stream));
            }
            Some(_) | None => {}
        }
    }

    fn give_up_connection(&mut self, loss: Loss) {
        if self.link.is_up() {
            self.link.drop_connection();
            self.on_down(loss);
        }
    }

    pub(super) fn send_changes(&mut self) {
        while self.link.is_up()
            && let Some((verb, channels)) = self.changes.next_batch()
        {
            let mut words = Vec::with_capacity(channels.len() + 1);
            words.push(verb.command().to_owned());
            for channel in channels {
                words.push(self.bus.names().stream(channel));
                if verb == Verb::Subscribe
                    && let Some(followed) = self.table.get_mut(&channel)
                {
                    followed.subscription = Subscription::Sent;
                }
            }
            self.link.send(&words);
        }
    }
}

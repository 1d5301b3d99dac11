//! Tells the people who are connected here.

use std::{sync::Arc, time::Duration};

use shared::{
    flags::PRESENCE,
    ids::UserId,
    presence::{News, Seen},
    ticks,
};
use tokio::sync::mpsc;

use super::{
    Inner, Presence, Word, data,
    fold::{Change, Fold, Telling},
    frames,
};
use crate::{codec::Encoded, hub::Hub, switches::Switches};

/// A second's budget goes out in so many parts, so that nothing else has to wait for it.
const PARTS: usize = 10;
/// Words that are taken before the clock is looked at.
const BURST_MAX: usize = 256;

pub(super) struct Teller {
    presence: Presence,
    hub: Hub,
    switches: Arc<Switches>,
    fold: Fold,
    /// Whether operators let it be told.
    is_on: bool,
}

impl Teller {
    pub(super) fn new(presence: Presence, hub: Hub, switches: Arc<Switches>) -> Self {
        Self {
            presence,
            hub,
            fold: Fold::default(),
            is_on: switches.is_on(&PRESENCE),
            switches,
        }
    }

    /// Runs until the handle is gone.
    pub(super) async fn tell(mut self, mut words: mpsc::Receiver<Word>) {
        let budget = self.presence.0.settings.frames_per_second;
        let part = (budget / PARTS).max(1);
        let mut ticks = ticks::every(Duration::from_secs(1) / u32::try_from(PARTS).unwrap_or(1));
        let mut burst = Vec::with_capacity(BURST_MAX);
        loop {
            tokio::select! {
                count = words.recv_many(&mut burst, BURST_MAX) => {
                    if count == 0 {
                        return;
                    }
                    for word in burst.drain(..) {
                        self.take_in(word);
                    }
                }
                _ = ticks.tick() => self.send(part, self.now_ms()),
            }
        }
    }

    fn take_in(&mut self, word: Word) {
        if !self.is_on {
            return;
        }
        let now_ms = self.now_ms();
        match word {
            Word::News(body) => match data(&body) {
                Some(news) => self.take_news(news),
                // Of another release, perhaps: something has changed, and nobody here knows what.
                None => self.ask_all(),
            },
            Word::Ours(news) => self.take_news(news),
            Word::Contact(viewer, change) => {
                self.fold.join(viewer, change.user_id);
                self.fold.tell(viewer, change, now_ms);
            }
            Word::Cut(viewer, user) => self.fold.cut(viewer, user, now_ms),
            Word::Ask(viewer) => self.fold.ask(viewer, now_ms),
            Word::AskAll => self.ask_all(),
        }
    }

    fn take_news(&mut self, news: News) {
        let now_ms = self.now_ms();
        for told in news.told {
            let change = Change {
                user_id: told.user_id,
                online: told.online,
                last_seen: told.last_seen_ms.map(Seen),
            };
            for viewer in self.of_here(told.viewers) {
                self.fold.tell(viewer, change, now_ms);
            }
        }
        for viewer in self.of_here(news.ask) {
            self.fold.ask(viewer, now_ms);
        }
        if news.ask_all {
            self.ask_all();
        }
    }

    /// Whoever is not here any more is not to be told anything.
    fn of_here(&self, mut viewers: Vec<UserId>) -> Vec<UserId> {
        let locals = self.presence.locals();
        viewers.retain(|viewer| locals.is_here(*viewer));
        viewers
    }

    fn ask_all(&mut self) {
        let now_ms = self.now_ms();
        for viewer in self.presence.locals().everybody() {
            self.fold.ask(viewer, now_ms);
        }
    }

    /// Switched off or on, everybody here is to ask: nothing that they know holds any more.
    fn follow_switch(&mut self) {
        let is_on = self.switches.is_on(&PRESENCE);
        if is_on != self.is_on {
            self.is_on = is_on;
            self.fold = Fold::default();
            self.ask_all();
        }
    }

    fn send(&mut self, most: usize, elapsed_ms: u64) {
        self.follow_switch();
        if self.presence.take_overflown() {
            tracing::warn!("too much was said about presence at once; everybody here is to ask");
            self.ask_all();
        }
        for (viewer, telling) in self.fold.due(elapsed_ms, most) {
            self.send_to(viewer, &telling, elapsed_ms);
        }
    }

    fn send_to(&mut self, viewer: UserId, telling: &Telling, elapsed_ms: u64) {
        let Inner { metrics, clock, .. } = &*self.presence.0;
        let (kind, event) = frames::event(viewer, telling, clock.now_ms());
        let told = Encoded::new(event).map(|e| self.hub.tell(viewer, Arc::new(e)));
        if told == Ok(true) {
            return metrics.frame(kind);
        }
        metrics.frame_lost();
        // When their pause is over, and within the budget, like everything else.
        if self.presence.locals().is_here(viewer) {
            self.fold.ask(viewer, elapsed_ms);
        }
    }

    fn now_ms(&self) -> u64 {
        self.presence.now().elapsed_ms
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        bus::Bus, clock::Clock, flags::Overrides, telemetry::metrics::Metrics,
        testing::shared_redis,
    };

    use super::*;
    use crate::{
        hub::{Inbox, Message},
        presence::{PresenceMetrics, Settings},
    };

    const SETTINGS: Settings = Settings {
        is_on: true,
        grace: Duration::from_secs(5),
        lease: Duration::from_secs(15),
        frames_per_second: 1000,
    };

    fn user(number: i64) -> UserId {
        UserId::new(number).unwrap()
    }

    fn teller(hub: &Hub) -> Teller {
        let metrics = PresenceMetrics::new(&Metrics::default());
        let (presence, _) = Presence::new(SETTINGS, Clock::System, metrics);
        let bus = Bus::new(&shared_redis()).unwrap();
        let switches = Switches::new(bus, Overrides::default());
        Teller::new(presence, hub.clone(), Arc::new(switches))
    }

    fn fill(hub: &Hub) {
        let (_, event) = frames::event(user(9), &Telling::Ask, 0);
        let encoded = Arc::new(Encoded::new(event).unwrap());
        while hub.tell(user(9), Arc::clone(&encoded)) {}
    }

    /// The kinds of what waits for the shard, and whether it asks to ask.
    async fn told(inbox: &mut Inbox) -> Vec<(String, bool)> {
        let mut messages = Vec::new();
        while !inbox.is_empty() {
            inbox.receive(&mut messages, BURST_MAX).await;
        }
        let events = messages.iter().filter_map(|message| match message {
            Message::Event(encoded) => Some(&encoded.event),
            _ => None,
        });
        let told = events.map(|event| {
            let body = std::str::from_utf8(&event.body).unwrap();
            (event.kind.to_string(), body.contains(r#""ask":true"#))
        });
        told.collect()
    }

    #[tokio::test]
    async fn whoever_a_frame_did_not_reach_is_asked_to_ask_after_their_pause() {
        let (hub, mut inboxes) = Hub::new(1);
        let mut inbox = inboxes.pop().unwrap();
        let mut teller = teller(&hub);
        let here = teller.presence.come(user(1));
        fill(&hub);
        for viewer in [1, 2] {
            // Nobody asks for the second, who has left.
            teller.take_in(Word::Cut(user(viewer), user(5)));
        }
        let mut now_ms = teller.now_ms();
        teller.send(9, now_ms);
        told(&mut inbox).await;
        teller.send(9, now_ms + 999);
        assert_eq!(told(&mut inbox).await, [], "not at once");

        // Nor is it given up when the question is lost too.
        now_ms += 1000;
        fill(&hub);
        teller.send(9, now_ms);
        told(&mut inbox).await;
        teller.send(9, now_ms + 9_999);
        assert_eq!(told(&mut inbox).await, []);
        teller.send(9, now_ms + 10_000);
        assert_eq!(
            told(&mut inbox).await,
            [("presence_changed".to_owned(), true)]
        );
        teller.send(9, now_ms + 60_000);
        assert_eq!(told(&mut inbox).await, [], "once");
        drop(here);
    }
}

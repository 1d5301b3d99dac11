//! Tells the people who are connected here.

use std::{sync::Arc, time::Duration};

use shared::{
    flags::PRESENCE,
    ids::UserId,
    presence::{News, Seen},
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use super::{
    Presence, Word, data,
    fold::{Change, Fold},
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
        let mut ticks = interval(Duration::from_secs(1) / u32::try_from(PARTS).unwrap_or(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
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
                _ = ticks.tick() => self.send(part),
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

    fn send(&mut self, most: usize) {
        self.follow_switch();
        if self.presence.take_overflown() {
            tracing::warn!("too much was said about presence at once; everybody here is to ask");
            self.ask_all();
        }
        let metrics = &self.presence.0.metrics;
        let now_ms = self.presence.0.clock.now_ms();
        for (viewer, telling) in self.fold.due(self.now_ms(), most) {
            let (kind, event) = frames::event(viewer, &telling, now_ms);
            let told = Encoded::new(event).map(|e| self.hub.tell(viewer, Arc::new(e)));
            match told {
                Ok(true) => metrics.frame(kind),
                Ok(false) | Err(_) => metrics.frame_lost(),
            }
        }
    }

    fn now_ms(&self) -> u64 {
        self.presence.now().elapsed_ms
    }
}

//! Changes that are still to be told: bounded, by person, in the order in which they happened. Pure: time is an argument.

use std::collections::{HashMap, VecDeque};

use shared::{ids::UserId, memory::GiveBack as _};

/// Changes that may wait.
const WAITING_MAX: usize = 65_536;
/// Changes that are told at once; the others wait, and may cancel each other.
const READY_MAX: usize = 2000;
/// A change is told when it is so old. Two who come at the same moment on two nodes are both written down by then, so that one
/// of them is told of the other, or finds them when asking.
const SETTLED_MS: u64 = 300;

/// Something that a person's contacts are to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) online: bool,
    pub(super) last_seen_ms: Option<i64>,
    /// Told although the person is invisible: that they have become so is what it is about.
    pub(super) even_invisible: bool,
}

#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// With the time at which it happened, on the clock that never jumps.
    waiting: HashMap<UserId, (u64, Waiting)>,
    /// The same people.
    order: VecDeque<UserId>,
}

impl Backlog {
    /// Adds a change; it takes the place of an earlier one of the same person. False: there is no room, and all are given up.
    pub(super) fn put(&mut self, user: UserId, mut waiting: Waiting, now_ms: u64) -> bool {
        // Somebody who has become invisible and goes: that they are offline was still to be told.
        let earlier = self.waiting.get(&user);
        if earlier.is_some_and(|(_, earlier)| earlier.even_invisible && !waiting.online) {
            waiting.even_invisible = true;
        }
        if self.waiting.insert(user, (now_ms, waiting)).is_none() {
            self.order.push_back(user);
        }
        let has_room = self.waiting.len() <= WAITING_MAX;
        if !has_room {
            *self = Self::default();
        }
        has_room
    }

    /// Whether as much again would fit: who can wait with adding more, should.
    pub(super) fn is_half_full(&self) -> bool {
        self.waiting.len() >= WAITING_MAX / 2
    }

    /// The oldest changes that may be told; they stay until [`Backlog::told`].
    pub(super) fn ready(&self, now_ms: u64) -> Vec<(UserId, Waiting)> {
        let oldest = self.order.iter().take(READY_MAX);
        let changes = oldest.map_while(|user| {
            let (since_ms, waiting) = self.waiting.get(user)?;
            (since_ms + SETTLED_MS <= now_ms).then_some((*user, *waiting))
        });
        changes.collect()
    }

    /// So many of the oldest have been told.
    pub(super) fn told(&mut self, count: usize) {
        for user in self.order.drain(..count.min(self.order.len())) {
            self.waiting.remove(&user);
        }
        self.waiting.give_back();
        self.order.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: i64) -> UserId {
        UserId::new(number).unwrap()
    }

    const fn waiting(online: bool) -> Waiting {
        Waiting {
            online,
            last_seen_ms: None,
            even_invisible: false,
        }
    }

    #[test]
    fn changes_settle_fold_and_go_in_order() {
        let mut backlog = Backlog::default();
        for (number, online, now_ms) in [(1, true, 0), (2, true, 10), (1, false, 20), (3, true, 20)]
        {
            assert!(backlog.put(user(number), waiting(online), now_ms));
        }
        assert_eq!(backlog.ready(319), []);
        let ready = backlog.ready(320);
        let expected = [(1, false), (2, true), (3, true)];
        assert_eq!(ready, expected.map(|(who, on)| (user(who), waiting(on))));
        backlog.told(2);
        assert_eq!(backlog.ready(320), [(user(3), waiting(true))]);
    }

    #[test]
    fn who_becomes_invisible_and_goes_is_offline_to_all() {
        let mut backlog = Backlog::default();
        let vanished = Waiting {
            even_invisible: true,
            ..waiting(false)
        };
        backlog.put(user(1), vanished, 0);
        backlog.put(user(1), waiting(false), 0);
        assert_eq!(backlog.ready(300), [(user(1), vanished)]);
        backlog.put(user(1), waiting(true), 0);
        assert_eq!(backlog.ready(300), [(user(1), waiting(true))]);
    }

    #[test]
    fn too_many_are_given_up_together() {
        let mut backlog = Backlog::default();
        for number in 1..=65_536 {
            assert!(backlog.put(user(number), waiting(true), 0));
        }
        assert!(backlog.is_half_full());
        assert!(backlog.put(user(1), waiting(false), 0));
        assert_eq!(backlog.ready(1000).len(), 2000);
        assert!(!backlog.put(user(70_000), waiting(true), 0));
        assert_eq!(backlog.ready(1000), []);
    }
}

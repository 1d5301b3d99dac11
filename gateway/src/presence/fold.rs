//! What people who are connected here are to be told, folded by person, within a budget. Pure: time is an argument.
//!
//! A person gets at most one frame a second. All people together get no more frames than the budget allows: who has to wait
//! for longer than [`LATE_MS`] because of it, or has missed more than [`CHANGES_MAX`], is not told what happened but asked to
//! ask, and then left alone for a while. So the memory of a person is bounded, and the number of frames is, whatever happens.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    mem,
};

use shared::{ids::UserId, memory::GiveBack as _, presence::PresenceView};

/// A change as it is told.
pub(super) type Change = PresenceView;

/// Between two frames to one person.
const PAUSE_MS: u64 = 1000;
/// Who has waited for longer is told to ask.
const LATE_MS: u64 = 1000;
/// After being told to ask, for so long a person is told nothing. Longer than clients take to ask.
const REST_MS: u64 = 10_000;
/// Changes that one frame tells.
const CHANGES_MAX: usize = 100;
/// For so long nothing that was on its way comes through about somebody who ceased to be a contact.
const CUT_MS: u64 = 10_000;
/// Cuts that are remembered.
const CUTS_MAX: usize = 65_536;

/// What one frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Telling {
    /// What has changed, in order.
    Changes(Vec<Change>),
    /// Much; ask.
    Ask,
}

#[derive(Debug)]
struct Viewer {
    /// When the next frame may go, or when to forget them.
    due_ms: u64,
    waiting: Option<Telling>,
}

/// Everybody who is to be told something, or was a moment ago.
#[derive(Debug, Default)]
pub(super) struct Fold {
    viewers: HashMap<UserId, Viewer>,
    /// The same people by time.
    order: BTreeSet<(u64, UserId)>,
    /// Who ceased to be whose contact, until when; and the same by time.
    cuts: HashMap<(UserId, UserId), u64>,
    cut_order: VecDeque<(u64, (UserId, UserId))>,
}

impl Fold {
    /// The viewer is to be told of a change.
    pub(super) fn tell(&mut self, viewer: UserId, change: Change, now_ms: u64) {
        let cut_until = self.cuts.get(&(viewer, change.user_id));
        if change.online && cut_until.is_some_and(|until_ms| *until_ms > now_ms) {
            return;
        }
        let waiting = &mut self.viewer(viewer, now_ms).waiting;
        match waiting {
            None => *waiting = Some(Telling::Changes(vec![change])),
            Some(Telling::Changes(changes)) => {
                changes.retain(|earlier| earlier.user_id != change.user_id);
                if changes.len() < CHANGES_MAX {
                    changes.push(change);
                } else {
                    *waiting = Some(Telling::Ask);
                }
            }
            Some(Telling::Ask) => {}
        }
    }

    /// The viewer is to ask.
    pub(super) fn ask(&mut self, viewer: UserId, now_ms: u64) {
        self.viewer(viewer, now_ms).waiting = Some(Telling::Ask);
    }

    /// Somebody ceased to be a contact of the viewer's: plainly offline, at once, and whatever else is on its way.
    pub(super) fn cut(&mut self, viewer: UserId, user: UserId, now_ms: u64) {
        self.forget_cuts(now_ms);
        let until_ms = now_ms + CUT_MS;
        self.cuts.insert((viewer, user), until_ms);
        self.cut_order.push_back((until_ms, (viewer, user)));
        let change = Change {
            user_id: user,
            online: false,
            last_seen: None,
        };
        self.tell(viewer, change, now_ms);
    }

    /// They are contacts again.
    pub(super) fn join(&mut self, viewer: UserId, user: UserId) {
        self.cuts.remove(&(viewer, user));
    }

    /// What is to be told now, at most so much, whoever waits the longest first.
    pub(super) fn due(&mut self, now_ms: u64, most: usize) -> Vec<(UserId, Telling)> {
        let mut tellings = Vec::new();
        while let Some((due_ms, user)) = self.order.first().copied()
            && due_ms <= now_ms
            && let Some(viewer) = self.viewers.get_mut(&user)
        {
            if viewer.waiting.is_some() && tellings.len() >= most {
                break;
            }
            self.order.pop_first();
            let Some(telling) = mem::take(&mut viewer.waiting) else {
                self.viewers.remove(&user);
                continue;
            };
            let is_late = now_ms - due_ms > LATE_MS;
            let telling = if is_late { Telling::Ask } else { telling };
            let pause_ms = match telling {
                Telling::Changes(_) => PAUSE_MS,
                Telling::Ask => REST_MS,
            };
            viewer.due_ms = now_ms + pause_ms;
            self.order.insert((viewer.due_ms, user));
            tellings.push((user, telling));
        }
        self.viewers.give_back();
        tellings
    }

    fn viewer(&mut self, user: UserId, now_ms: u64) -> &mut Viewer {
        let order = &mut self.order;
        let viewer = self.viewers.entry(user).or_insert_with(|| {
            order.insert((now_ms, user));
            Viewer {
                due_ms: now_ms,
                waiting: None,
            }
        });
        // Somebody about whom nothing has happened since their pause ended has not been waiting.
        if viewer.waiting.is_none() && viewer.due_ms < now_ms {
            order.remove(&(viewer.due_ms, user));
            viewer.due_ms = now_ms;
            order.insert((now_ms, user));
        }
        viewer
    }

    fn forget_cuts(&mut self, now_ms: u64) {
        while let Some((until_ms, pair)) = self.cut_order.front().copied()
            && (until_ms <= now_ms || self.cut_order.len() >= CUTS_MAX)
        {
            self.cut_order.pop_front();
            if self.cuts.get(&pair) == Some(&until_ms) {
                self.cuts.remove(&pair);
            }
        }
        self.cuts.give_back();
        self.cut_order.give_back();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(number: i64) -> UserId {
        UserId::new(number).unwrap()
    }

    fn change(who: i64, online: bool) -> Change {
        Change {
            user_id: user(who),
            online,
            last_seen: None,
        }
    }

    fn told(viewer: i64, changes: &[(i64, bool)]) -> (UserId, Telling) {
        let changes = changes.iter().map(|(who, online)| change(*who, *online));
        (user(viewer), Telling::Changes(changes.collect()))
    }

    #[test]
    fn the_first_change_is_told_at_once_and_what_follows_is_folded_by_the_second() {
        let mut fold = Fold::default();
        fold.tell(user(1), change(10, true), 50);
        assert_eq!(fold.due(50, 9), [told(1, &[(10, true)])]);
        fold.tell(user(1), change(11, true), 100);
        fold.tell(user(1), change(10, false), 200);
        fold.tell(user(1), change(10, true), 300);
        fold.tell(user(2), change(10, true), 300);
        assert_eq!(fold.due(1049, 9), [told(2, &[(10, true)])]);
        assert_eq!(fold.due(1050, 9), [told(1, &[(11, true), (10, true)])]);
        assert_eq!(fold.due(9000, 9), []);
        assert!(fold.viewers.is_empty() && fold.order.is_empty());
    }

    #[test]
    fn who_misses_too_much_is_asked_to_ask_and_then_left_alone() {
        let mut fold = Fold::default();
        for who in 10..=110 {
            fold.tell(user(1), change(who, true), 0);
        }
        assert_eq!(fold.due(0, 9), [(user(1), Telling::Ask)]);
        fold.tell(user(1), change(10, false), 1);
        assert_eq!(fold.due(9_999, 9), []);
        assert_eq!(fold.due(10_000, 9), [told(1, &[(10, false)])]);
    }

    #[test]
    fn who_waits_too_long_for_the_budget_is_asked_to_ask() {
        let mut fold = Fold::default();
        for viewer in 1..=3 {
            fold.tell(user(viewer), change(10, true), 0);
        }
        assert_eq!(fold.due(0, 1), [told(1, &[(10, true)])]);
        assert_eq!(fold.due(1000, 1), [told(2, &[(10, true)])]);
        assert_eq!(fold.due(1001, 1), [(user(3), Telling::Ask)]);
        // A pause that ended long ago was no waiting.
        fold.tell(user(2), change(10, false), 50_000);
        assert_eq!(fold.due(50_000, 1), [told(2, &[(10, false)])]);
    }

    #[test]
    fn who_ceased_to_be_a_contact_is_offline_whatever_was_on_its_way() {
        let mut fold = Fold::default();
        fold.cut(user(1), user(10), 0);
        fold.tell(user(1), change(10, true), 5);
        fold.tell(user(1), change(11, true), 5);
        assert_eq!(fold.due(5, 9), [told(1, &[(10, false), (11, true)])]);
        fold.join(user(1), user(10));
        fold.tell(user(1), change(10, true), 6);
        assert_eq!(fold.due(1005, 9), [told(1, &[(10, true)])]);
        fold.cut(user(1), user(10), 2000);
        fold.tell(user(1), change(10, true), 13_000);
        assert_eq!(fold.due(13_000, 9).len(), 1);
        fold.cut(user(2), user(10), 14_000);
        assert_eq!(fold.cuts.len(), 1);
    }

    proptest! {
        /// Whatever happens, nobody gets two frames within a second, all together get no more than the budget in a tenth,
        /// and whoever was never asked to ask ends up knowing the truth.
        #[test]
        fn the_bounds_hold_and_what_is_told_is_true(
            changes in prop::collection::vec((0..40_u64, 1..30_i64, 100..160_i64, any::<bool>()), 0..400),
            most in 1..8_usize,
        ) {
            let mut fold = Fold::default();
            let (mut truth, mut known) = (HashMap::new(), HashMap::new());
            let mut last: HashMap<UserId, u64> = HashMap::new();
            let mut asked = BTreeSet::new();
            let mut now_ms = 0;
            let mut changes = changes.into_iter().peekable();
            let mut quiet = 0;
            while quiet < 400 {
                quiet = if changes.peek().is_some() { 0 } else { quiet + 1 };
                if let Some((wait, viewer, who, online)) = changes.next() {
                    now_ms += wait;
                    fold.tell(user(viewer), change(who, online), now_ms);
                    truth.insert((user(viewer), user(who)), online);
                }
                now_ms += 100;
                let due = fold.due(now_ms, most);
                prop_assert!(due.len() <= most);
                for (viewer, telling) in due {
                    let before = last.insert(viewer, now_ms);
                    prop_assert!(before.is_none_or(|before| now_ms - before >= PAUSE_MS));
                    match telling {
                        Telling::Ask => drop(asked.insert(viewer)),
                        Telling::Changes(changes) => for change in changes {
                            known.insert((viewer, change.user_id), change.online);
                        }
                    }
                }
            }
            truth.retain(|(viewer, _), _| !asked.contains(viewer));
            for (pair, online) in truth {
                prop_assert_eq!(known.get(&pair), Some(&online));
            }
            prop_assert!(fold.viewers.is_empty() && fold.order.is_empty());
        }
    }
}

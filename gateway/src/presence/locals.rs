//! Who is connected here, and what of it is still to be written down. Pure: time is an argument.

use std::collections::{HashMap, VecDeque};

use shared::{ids::UserId, memory::GiveBack as _};

/// The time, twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Milliseconds on a clock that never jumps.
    pub(super) elapsed_ms: u64,
    /// Milliseconds since the Unix epoch.
    pub(super) unix_ms: i64,
}

/// Something to be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) user_id: UserId,
    /// `None`: has come. Else when the last connection ended, in milliseconds since the Unix epoch.
    pub(super) left_at_ms: Option<i64>,
}

#[derive(Debug, Default)]
struct Person {
    connections: u32,
    /// Written down as present on this node, as far as is known.
    is_listed: bool,
    /// The last that was to be written had no answer: it may be written or not.
    is_in_doubt: bool,
    /// Among those to be looked at.
    is_queued: bool,
}

/// Everybody with a connection here, or who had one within the grace.
#[derive(Debug)]
pub(super) struct Locals {
    grace_ms: u64,
    /// Small, because there is one for everybody who is connected.
    people: HashMap<UserId, Person>,
    /// When the last connection ended of those who have none.
    left: HashMap<UserId, Moment>,
    /// People whose last connection ended then, the longest ago first. No more than connections that ended within the
    /// grace.
    leaving: VecDeque<(u64, UserId)>,
    /// People about whom something may have to be written, each once.
    queue: VecDeque<UserId>,
}

impl Locals {
    pub(super) fn new(grace_ms: u64) -> Self {
        Self {
            grace_ms,
            people: HashMap::new(),
            left: HashMap::new(),
            leaving: VecDeque::new(),
            queue: VecDeque::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.people.len()
    }

    pub(super) fn is_here(&self, user: UserId) -> bool {
        self.people.contains_key(&user)
    }

    pub(super) fn everybody(&self) -> Vec<UserId> {
        self.people.keys().copied().collect()
    }

    /// Somebody has one more connection.
    pub(super) fn come(&mut self, user: UserId) {
        let person = self.people.entry(user).or_default();
        person.connections += 1;
        let is_news = !person.is_listed || person.is_in_doubt;
        self.left.remove(&user);
        if is_news {
            self.queue(user);
        }
    }

    /// Somebody has one connection less.
    pub(super) fn go(&mut self, user: UserId, now: Moment) {
        let Some(person) = self.people.get_mut(&user) else {
            return;
        };
        person.connections = person.connections.saturating_sub(1);
        if person.connections > 0 {
            return;
        }
        self.left.insert(user, now);
        self.leaving.push_back((now.elapsed_ms, user));
    }

    /// What is to be written down now, at most so much; each is answered by [`Locals::written`] or [`Locals::failed`].
    pub(super) fn take(&mut self, now: Moment, most: usize) -> Vec<Turn> {
        while let Some((left_ms, user)) = self.leaving.front().copied()
            && left_ms + self.grace_ms <= now.elapsed_ms
        {
            self.leaving.pop_front();
            self.queue(user);
        }
        let mut turns = Vec::new();
        while turns.len() < most
            && let Some(user) = self.queue.pop_front()
        {
            turns.extend(self.look_at(user, now));
        }
        self.leaving.give_back();
        self.queue.give_back();
        turns
    }

    fn look_at(&mut self, user: UserId, now: Moment) -> Option<Turn> {
        let person = self.people.get_mut(&user)?;
        person.is_queued = false;
        let may_be_listed = person.is_listed || person.is_in_doubt;
        let is_surely_listed = person.is_listed && !person.is_in_doubt;
        match self.left.get(&user) {
            None if is_surely_listed => None,
            None => Some(Turn {
                user_id: user,
                left_at_ms: None,
            }),
            // Came and went before anybody was told.
            Some(_) if !may_be_listed => {
                self.remove(user);
                None
            }
            Some(left) if left.elapsed_ms + self.grace_ms <= now.elapsed_ms => Some(Turn {
                user_id: user,
                left_at_ms: Some(left.unix_ms),
            }),
            Some(_) => None,
        }
    }

    /// It was written down.
    pub(super) fn written(&mut self, turn: Turn) {
        let Some(person) = self.people.get_mut(&turn.user_id) else {
            return;
        };
        person.is_listed = turn.left_at_ms.is_none();
        person.is_in_doubt = false;
        match self.left.get(&turn.user_id) {
            // Left meanwhile: their grace goes on.
            Some(left) if person.is_listed => {
                self.leaving.push_back((left.elapsed_ms, turn.user_id));
            }
            Some(_) => self.remove(turn.user_id),
            // Came back meanwhile.
            None if !person.is_listed => self.queue(turn.user_id),
            None => {}
        }
    }

    /// Perhaps it was not: it comes again, or what is true by then.
    pub(super) fn failed(&mut self, turn: Turn) {
        if let Some(person) = self.people.get_mut(&turn.user_id) {
            person.is_in_doubt = true;
        }
        self.queue(turn.user_id);
    }

    /// Whoever may be written down as present.
    pub(super) fn listed(&self) -> Vec<UserId> {
        let listed = self.people.iter();
        let listed = listed.filter(|(_, person)| person.is_listed || person.is_in_doubt);
        listed.map(|(user, _)| *user).collect()
    }

    /// Nobody is written down any more: everybody who is connected is to be written down anew.
    pub(super) fn unlist(&mut self) {
        let left = std::mem::take(&mut self.left);
        self.people.retain(|user, _| !left.contains_key(user));
        for person in self.people.values_mut() {
            person.is_listed = false;
            person.is_in_doubt = false;
        }
        for user in self.everybody() {
            self.queue(user);
        }
    }

    fn remove(&mut self, user: UserId) {
        self.people.remove(&user);
        self.people.give_back();
        self.left.remove(&user);
        self.left.give_back();
    }

    fn queue(&mut self, user: UserId) {
        if let Some(person) = self.people.get_mut(&user)
            && !std::mem::replace(&mut person.is_queued, true)
        {
            self.queue.push_back(user);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    const GRACE_MS: u64 = 5000;

    fn user(number: i64) -> UserId {
        UserId::new(number).unwrap()
    }

    fn at(elapsed_ms: u64) -> Moment {
        Moment {
            elapsed_ms,
            unix_ms: i64::try_from(elapsed_ms).unwrap() + 1_000_000,
        }
    }

    enum Step {
        Come,
        Go,
        /// What is taken is written.
        Write(Option<bool>),
        Fail(bool),
        Unlist,
    }

    #[test]
    fn only_a_first_connection_and_the_end_of_a_grace_are_written() {
        use Step::{Come, Go, Unlist, Write};
        for (what, script) in [
            (
                "a visit",
                vec![
                    (0, Come),
                    (100, Write(Some(true))),
                    (1000, Go),
                    (5999, Write(None)),
                    (6000, Write(Some(false))),
                    (20_000, Write(None)),
                ],
            ),
            (
                "a reload within the grace",
                vec![
                    (0, Come),
                    (100, Write(Some(true))),
                    (1000, Go),
                    (3000, Come),
                    (6000, Write(None)),
                    (7000, Go),
                    (8000, Write(None)),
                    (12_000, Write(Some(false))),
                ],
            ),
            (
                "two devices",
                vec![
                    (0, Come),
                    (0, Come),
                    (100, Write(Some(true))),
                    (1000, Go),
                    (9000, Write(None)),
                    (9000, Go),
                    (14_000, Write(Some(false))),
                ],
            ),
            (
                "gone before anybody heard of it",
                vec![
                    (0, Come),
                    (100, Go),
                    (200, Write(None)),
                    (9000, Write(None)),
                ],
            ),
            (
                "under a new lease",
                vec![
                    (0, Come),
                    (100, Write(Some(true))),
                    (200, Unlist),
                    (300, Write(Some(true))),
                    (400, Go),
                    (500, Unlist),
                    (9000, Write(None)),
                ],
            ),
        ] {
            play(what, script);
        }
    }

    #[test]
    fn what_had_no_answer_is_written_again() {
        use Step::{Come, Fail, Go, Write};
        for (what, script) in [
            (
                "while Redis is away",
                vec![
                    (0, Come),
                    (100, Fail(true)),
                    (1100, Fail(true)),
                    (2100, Write(Some(true))),
                    (3000, Go),
                    (8000, Fail(false)),
                    (8500, Come),
                    (9000, Write(Some(true))),
                    (9500, Write(None)),
                ],
            ),
            (
                "gone while nobody knows whether it was heard of",
                vec![
                    (0, Come),
                    (100, Fail(true)),
                    (200, Go),
                    (1000, Write(None)),
                    (5200, Write(Some(false))),
                    (20_000, Write(None)),
                ],
            ),
        ] {
            play(what, script);
        }
    }

    fn play(what: &str, script: Vec<(u64, Step)>) {
        use Step::{Come, Fail, Go, Unlist, Write};
        let mut locals = Locals::new(GRACE_MS);
        for (ms, step) in script {
            let mut take = |expected: Option<bool>| {
                let turns = locals.take(at(ms), 10);
                let came: Vec<bool> = turns.iter().map(|t| t.left_at_ms.is_none()).collect();
                assert_eq!(came, Vec::from_iter(expected), "{what} at {ms}");
                turns
            };
            match step {
                Come => locals.come(user(1)),
                Go => locals.go(user(1), at(ms)),
                Unlist => locals.unlist(),
                Write(expected) => {
                    for turn in take(expected) {
                        locals.written(turn);
                    }
                }
                Fail(expected) => {
                    for turn in take(Some(expected)) {
                        locals.failed(turn);
                    }
                }
            }
        }
    }

    #[test]
    fn somebody_who_leaves_while_they_are_written_down_still_has_their_grace() {
        let mut locals = Locals::new(GRACE_MS);
        locals.come(user(1));
        let turns = locals.take(at(0), 10);
        locals.go(user(1), at(10));
        locals.written(turns[0]);
        assert_eq!(locals.take(at(5009), 10), []);
        let left = locals.take(at(5010), 10);
        assert_eq!(left[0].left_at_ms, Some(1_000_010));
        // And comes back while that is written.
        locals.come(user(1));
        locals.written(left[0]);
        assert_eq!(locals.take(at(5020), 10)[0].left_at_ms, None);
    }

    proptest! {
        /// Whatever happens in between, when it has become quiet exactly those are written down who are connected.
        #[test]
        fn what_is_written_ends_up_true(steps in prop::collection::vec((0..6_u8, 1..4_i64, 0..4000_u64), 0..200)) {
            let mut locals = Locals::new(GRACE_MS);
            let mut connected: HashMap<i64, u32> = HashMap::new();
            let mut listed: HashSet<UserId> = HashSet::new();
            let mut now_ms = 0;
            for (step, who, ms) in steps {
                now_ms += ms;
                match step {
                    0 | 1 => {
                        locals.come(user(who));
                        *connected.entry(who).or_default() += 1;
                    }
                    2 | 3 => if let Some(count) = connected.get_mut(&who).filter(|count| **count > 0) {
                        *count -= 1;
                        locals.go(user(who), at(now_ms));
                    },
                    4 => for turn in locals.take(at(now_ms), 2) {
                        // Perhaps only its answer was lost.
                        if ms % 2 == 0 {
                            apply(turn, &mut listed);
                        }
                        locals.failed(turn);
                    },
                    _ => write(&mut locals, now_ms, &mut listed),
                }
            }
            write(&mut locals, now_ms + GRACE_MS, &mut listed);
            write(&mut locals, now_ms + 2 * GRACE_MS, &mut listed);
            let here = connected.iter().filter(|(_, count)| **count > 0);
            let here: HashSet<UserId> = here.map(|(who, _)| user(*who)).collect();
            prop_assert_eq!(&listed, &here);
            prop_assert_eq!(locals.len(), here.len());
        }
    }

    fn write(locals: &mut Locals, now_ms: u64, listed: &mut HashSet<UserId>) {
        for turn in locals.take(at(now_ms), 10) {
            apply(turn, listed);
            locals.written(turn);
        }
    }

    fn apply(turn: Turn, listed: &mut HashSet<UserId>) {
        if turn.left_at_ms.is_none() {
            listed.insert(turn.user_id);
        } else {
            listed.remove(&turn.user_id);
        }
    }
}

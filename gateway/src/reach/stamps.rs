//! What has happened to whom, as numbers that move on. Neighbours share a number: then an answer is asked for once more
//! than it had to be.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use shared::ids::UserId;

use super::Target;

const STAMPS: usize = 4096;

/// The numbers that an answer was given under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Snapshot {
    asker: u64,
    other: u64,
    all: u64,
}

pub(super) struct Stamps {
    people: Box<[AtomicU64]>,
    all: AtomicU64,
}

impl Default for Stamps {
    fn default() -> Self {
        Self {
            people: (0..STAMPS).map(|_| AtomicU64::new(0)).collect(),
            all: AtomicU64::new(0),
        }
    }
}

impl fmt::Debug for Stamps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stamps").finish_non_exhaustive()
    }
}

impl Stamps {
    /// As it is now; to be taken before the question.
    pub(super) fn snapshot(&self, asker: UserId, target: Target) -> Snapshot {
        let other = match target {
            Target::Person(other) | Target::Call(other) => other,
            // What concerns a group or an unnamed person is told to the asker too, or to all.
            Target::Group(_) | Target::Conversation(_) => asker,
        };
        Snapshot {
            asker: self.of(asker).load(Ordering::Acquire),
            other: self.of(other).load(Ordering::Acquire),
            all: self.all.load(Ordering::Acquire),
        }
    }

    /// Something happened to this person.
    pub(super) fn touch(&self, person: UserId) {
        self.of(person).fetch_add(1, Ordering::AcqRel);
    }

    /// Something happened to people of whom nobody here keeps a list.
    pub(super) fn touch_all(&self) {
        self.all.fetch_add(1, Ordering::AcqRel);
    }

    fn of(&self, person: UserId) -> &AtomicU64 {
        let index = person.get().unsigned_abs() % STAMPS as u64;
        &self.people[usize::try_from(index).unwrap_or(0)]
    }
}

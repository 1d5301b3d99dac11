//! Who types where, as a table; time is an argument.

use std::{collections::HashMap, mem, time::Duration};

use shared::{connections::Name, ids::UserId};
use tokio::time::Instant;

use crate::reach::Reach;

/// Between two starts that go on.
const DEBOUNCE: Duration = Duration::from_secs(2);
/// From a start that went on to its end.
const LASTS: Duration = Duration::from_secs(6);
/// Places that one person may be said to type in. One more takes the place of the oldest.
const PLACES_MAX: usize = 16;
/// Ends that wait to be told, at most; more are left to those who heard the start.
const ENDED_MAX: usize = 4096;

/// A person types in a place, or did a moment ago.
#[derive(Debug, Clone, Copy)]
pub(super) struct Typing {
    pub(super) reach: Reach,
    pub(super) connection: Name,
    started_at: Instant,
    /// Told; kept until the next start may go on.
    is_over: bool,
}

/// An end that is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) person: UserId,
    pub(super) reach: Reach,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    people: HashMap<UserId, Vec<Typing>>,
    ended: Vec<Ended>,
}

impl Table {
    /// Whether it goes on.
    pub(super) fn start(
        &mut self,
        person: UserId,
        connection: Name,
        reach: Reach,
        now: Instant,
    ) -> bool {
        let places = self.people.entry(person).or_default();
        if let Some(typing) = places.iter_mut().find(|typing| typing.reach == reach) {
            let goes_on = now - typing.started_at >= DEBOUNCE;
            if goes_on {
                *typing = Typing {
                    reach,
                    connection,
                    started_at: now,
                    is_over: false,
                };
            }
            return goes_on;
        }
        if places.len() >= PLACES_MAX {
            // Whoever heard of it forgets it by themselves.
            places.remove(0);
        }
        places.push(Typing {
            reach,
            connection,
            started_at: now,
            is_over: false,
        });
        true
    }

    pub(super) fn forget(&mut self, person: UserId, reach: Reach) {
        if let Some(places) = self.people.get_mut(&person) {
            places.retain(|typing| typing.reach != reach);
        }
    }

    /// Whether they typed there.
    pub(super) fn stop(&mut self, person: UserId, reach: Reach) -> bool {
        let mut places = self.people.get_mut(&person).into_iter().flatten();
        let typing = places.find(|typing| typing.reach == reach);
        typing.is_some_and(|typing| !mem::replace(&mut typing.is_over, true))
    }

    /// Ends what a person types in the places that `ends` says; whether there was any.
    pub(super) fn end_of(&mut self, person: UserId, ends: impl Fn(&Typing) -> bool) -> bool {
        let mut any = false;
        let places = self.people.get_mut(&person).into_iter().flatten();
        for typing in places.filter(|typing| ends(typing)) {
            if !mem::replace(&mut typing.is_over, true) && self.ended.len() < ENDED_MAX {
                let reach = typing.reach;
                self.ended.push(Ended { person, reach });
                any = true;
            }
        }
        any
    }

    /// The ends that are to be told now, those that come by themselves among them.
    pub(super) fn take_ended(&mut self, now: Instant) -> Vec<Ended> {
        let ended = &mut self.ended;
        self.people.retain(|person, places| {
            places.retain(|typing| {
                let age = now - typing.started_at;
                if !typing.is_over && age >= LASTS {
                    let reach = typing.reach;
                    ended.push(Ended {
                        person: *person,
                        reach,
                    });
                }
                age < if typing.is_over { DEBOUNCE } else { LASTS }
            });
            !places.is_empty()
        });
        mem::take(ended)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.people.is_empty()
    }
}

//! The order of one durable channel: pure, events in, steps out.
//!
//! Redis keeps the order of a channel by itself: `append.lua` lets successors wait, and one connection delivers what it
//! publishes in order. So a hole is never an event that is about to be overtaken; something was lost, or Redis was empty
//! and began later. That is why a hole that an event shows is asked for at once, without waiting for it to close.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::wire::{Event, Offset, Position};

/// Events that are held behind a hole, or until the channel's head is known. More than these are read from history again.
const HELD_EVENTS_MAX: usize = 512;
/// Events that are fetched at a time: small enough that large events stay within a range's bytes.
const FETCH_EVENTS_MAX: u64 = 128;

/// What to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Hand the event on.
    Deliver(Arc<Event>),
    /// Read the events after `after` up to and including `through`, and say how it went.
    Fetch { after: Position, through: Offset },
    /// The listeners have lost something for good; what is delivered next follows this position.
    Lost(Position),
}

/// Why events cannot be had ever again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

/// A channel whose head is not known yet.
#[derive(Debug, Default)]
pub(super) struct Opening {
    held: VecDeque<Arc<Event>>,
    /// The last word about the head.
    noticed: Option<Position>,
}

impl Opening {
    /// Holds a live event. The oldest give way: they are the likeliest to lie before the head.
    pub(super) fn event(&mut self, event: Arc<Event>) {
        if self.held.len() == HELD_EVENTS_MAX {
            self.held.pop_front();
        }
        self.held.push_back(event);
    }

    /// Somebody moved the head.
    pub(super) fn notice(&mut self, head: Position) {
        self.noticed = Some(head);
    }

    /// The stream starts at the head. What came meanwhile is to be told to it next.
    pub(super) fn start(&mut self, head: Position) -> (Stream, Meanwhile) {
        let meanwhile = Meanwhile {
            events: std::mem::take(&mut self.held),
            noticed: self.noticed.take(),
        };
        (Stream::new(head), meanwhile)
    }
}

/// What came while the head was not known.
#[derive(Debug)]
pub(super) struct Meanwhile {
    pub(super) events: VecDeque<Arc<Event>>,
    pub(super) noticed: Option<Position>,
}

/// A channel that is being followed.
#[derive(Debug)]
pub(super) struct Stream {
    /// Everything up to here was handed on.
    position: Position,
    /// The log is known to go at least this far.
    reach: Offset,
    /// Events behind a hole.
    held: BTreeMap<Offset, Arc<Event>>,
    /// A fetch is under way, or waits to be tried again.
    is_fetching: bool,
}

impl Stream {
    fn new(position: Position) -> Self {
        Self {
            position,
            reach: position.offset,
            held: BTreeMap::new(),
            is_fetching: false,
        }
    }

    /// Everything up to here was handed on.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// Whether the log is known to go further than what was handed on.
    pub(super) fn is_behind(&self) -> bool {
        self.reach > self.position.offset
    }

    /// How far the log is known to go.
    pub(super) fn reach(&self) -> Offset {
        self.reach
    }

    /// A live event at `at`.
    pub(super) fn event(&mut self, at: Position, event: Arc<Event>, steps: &mut Vec<Step>) {
        if at.epoch != self.position.epoch {
            let before = at.offset.saturating_sub(1);
            self.jump(
                Position {
                    offset: before,
                    ..at
                },
                steps,
            );
        }
        if at.offset <= self.position.offset {
            return;
        }
        self.reach = self.reach.max(at.offset);
        self.hold(at.offset, event);
        self.release(steps);
        if !self.held.is_empty() {
            self.fetch(steps);
        }
    }

    /// The log ends here, or went at least this far a moment ago. When that leaves us behind ([`Stream::is_behind`]), the
    /// events may be on their way: call [`Stream::catch_up`] a moment later.
    pub(super) fn head(&mut self, head: Position, steps: &mut Vec<Step>) {
        if head.epoch == self.position.epoch {
            self.reach = self.reach.max(head.offset);
        } else {
            self.jump(head, steps);
        }
    }

    /// Fetches what is missing, unless that is under way.
    pub(super) fn catch_up(&mut self, steps: &mut Vec<Step>) {
        if self.is_behind() {
            self.fetch(steps);
        }
    }

    /// The fetch after `after` brought these events, or word that there are none to bring.
    pub(super) fn fetched(
        &mut self,
        after: Position,
        outcome: Result<Vec<Arc<Event>>, Gone>,
        steps: &mut Vec<Step>,
    ) {
        self.is_fetching = false;
        if after.epoch == self.position.epoch {
            if let Ok(events) = outcome {
                self.fill(events);
            } else {
                self.skip_hole(steps);
            }
            self.release(steps);
        }
        self.catch_up(steps);
    }

    /// The fetch could not be made; it may be tried again now.
    pub(super) fn retry(&mut self, steps: &mut Vec<Step>) {
        self.is_fetching = false;
        self.catch_up(steps);
    }

    /// Goes on elsewhere.
    fn jump(&mut self, to: Position, steps: &mut Vec<Step>) {
        steps.push(Step::Lost(to));
        self.position = to;
        self.reach = to.offset;
        self.held.clear();
    }

    /// Goes on behind the hole with what is held there.
    fn skip_hole(&mut self, steps: &mut Vec<Step>) {
        let held = std::mem::take(&mut self.held);
        let reach = self.reach;
        let first_held = held.first_key_value().map(|(offset, _)| offset - 1);
        let offset = first_held.unwrap_or(reach).max(self.position.offset);
        self.jump(
            Position {
                offset,
                ..self.position
            },
            steps,
        );
        self.held = held;
        self.reach = reach.max(offset);
    }

    fn fill(&mut self, events: Vec<Arc<Event>>) {
        for event in events {
            if let Some(offset) = event.offset()
                && offset > self.position.offset
            {
                self.held.insert(offset, event);
            }
        }
    }

    /// Keeps an event; when they are too many, those nearest to the hole.
    fn hold(&mut self, offset: Offset, event: Arc<Event>) {
        self.held.insert(offset, event);
        if self.held.len() > HELD_EVENTS_MAX {
            self.held.pop_last();
        }
    }

    /// Hands on what follows the position.
    fn release(&mut self, steps: &mut Vec<Step>) {
        while let Some(entry) = self.held.first_entry() {
            let next = self.position.offset.saturating_add(1);
            if *entry.key() > next {
                break;
            }
            let is_next = *entry.key() == next;
            let event = entry.remove();
            if is_next {
                self.position.offset = next;
                steps.push(Step::Deliver(event));
            }
        }
        if self.held.is_empty() {
            // Empty, but not yet without a node: of every channel where two events ever crossed.
            self.held = BTreeMap::new();
        }
    }

    fn fetch(&mut self, steps: &mut Vec<Step>) {
        if self.is_fetching {
            return;
        }
        let page_end = self.position.offset.saturating_add(FETCH_EVENTS_MAX);
        let through = self.hole_end().min(page_end);
        self.is_fetching = true;
        steps.push(Step::Fetch {
            after: self.position,
            through,
        });
    }

    /// The last offset that is missing before something that is held.
    fn hole_end(&self) -> Offset {
        let held = self.held.first_key_value();
        held.map_or(self.reach, |(offset, _)| offset - 1)
    }
}

#[cfg(test)]
mod tests;

//! What waits for one connection's socket: bounded, in three classes.
//!
//! Durable events and answers are never dropped; when there is no room for one, the connection is too slow. State keeps
//! only the newest of each key. Chatter goes first.

use std::{collections::VecDeque, io::IoSlice, mem, num::NonZeroI64, sync::Arc};

use bytes::Bytes;
use shared::wire::Class;
use smallvec::SmallVec;

use super::spare;
use crate::{
    codec::{self, Lead},
    delivering::Delivering,
    session::{Path, Room},
};

/// What is known about an event's way, to be measured when its last byte is written.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) class: Class,
    pub(crate) path: Path,
    pub(crate) committed_at_ms: i64,
    /// Which event it is, where the ledger wants to know.
    pub(crate) traced: Option<NonZeroI64>,
    /// Where this is recorded, for the few that are followed.
    pub(crate) delivering: Option<Arc<Delivering>>,
}

/// Why a frame is in the queue no more, and was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Another one needed its place.
    ForRoom,
    /// A newer one with its key took its place.
    Replaced,
}

/// One frame in the queue.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) bytes: Bytes,
    /// [`Class::Durable`] for everything that is no event.
    pub(crate) class: Class,
    /// Of a state event.
    pub(crate) key: Option<Arc<str>>,
    /// It tells who is online by what has changed: without it what the client knows is wrong.
    pub(crate) tells_presence: bool,
    /// Of an event.
    pub(crate) delivery: Option<Delivery>,
}

impl Item {
    /// What is no event.
    pub(crate) fn frame(bytes: Bytes) -> Self {
        Self {
            bytes,
            class: Class::Durable,
            key: None,
            tells_presence: false,
            delivery: None,
        }
    }
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It goes out.
    Queued,
    /// It goes out in the place of an older one with its key.
    Replaced,
    /// It was not worth sending to somebody so slow.
    Dropped,
    /// There is no room for something that must not be dropped.
    Full,
}

/// Frames in the order in which they go out. Takes no memory while it is empty.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    /// Of the first item, which can be neither dropped nor replaced any more.
    written: usize,
    joined: Option<Box<Joined>>,
}

/// The first items, as one message on its way: none of them can be dropped or replaced any more.
#[derive(Debug)]
struct Joined {
    /// What goes before each.
    leads: VecDeque<Lead>,
}

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Frames, and bytes of them that are not written.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        (self.items.len(), self.bytes.saturating_sub(self.written))
    }

    /// What still fits.
    pub(crate) fn room(&self, bound: Room) -> Room {
        Room {
            frames: bound.frames.saturating_sub(self.items.len()),
            bytes: bound.bytes.saturating_sub(self.bytes),
        }
    }

    /// Queues a frame by its class. `evicted` hears of each frame that had to give way to it.
    pub(crate) fn push(
        &mut self,
        item: Item,
        bound: Room,
        mut evicted: impl FnMut(Item, Gone),
    ) -> Pushed {
        match item.class {
            Class::Chatter if !self.admits(&item, bound) => return Pushed::Dropped,
            Class::State => loop {
                let older = self.same_key(&item);
                match older {
                    Some(index) if self.fits_instead(index, &item, bound) => {
                        evicted(self.replace(index, item), Gone::Replaced);
                        return Pushed::Replaced;
                    }
                    None if self.fits(&item, bound) => break,
                    _ => {}
                }
                let Some(gone) = self.evict(Class::Chatter) else {
                    return Pushed::Dropped;
                };
                evicted(gone, Gone::ForRoom);
            },
            Class::Durable => {
                for class in [Class::Chatter, Class::State] {
                    while !self.fits(&item, bound)
                        && let Some(gone) = self.evict(class)
                    {
                        evicted(gone, Gone::ForRoom);
                    }
                }
                if !self.fits(&item, bound) {
                    return Pushed::Full;
                }
            }
            Class::Chatter => {}
        }
        self.append(item);
        Pushed::Queued
    }

    /// Queues the last frame, whatever else waits. `instead` also gives up everything that is not on its way.
    pub(crate) fn push_last(&mut self, bytes: Bytes, instead: bool) {
        if instead {
            let begun = self.begun();
            self.items.truncate(begun);
            self.bytes = self.length_of(begun);
        }
        self.append(Item::frame(bytes));
    }

    /// The events that wait.
    pub(crate) fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.items.iter().filter_map(|item| item.delivery.as_ref())
    }

    /// Takes everything, to make one thing of it; `done` hears of every event.
    pub(crate) fn take_all(&mut self, mut done: impl FnMut(Delivery)) -> Vec<Bytes> {
        let items = mem::take(&mut self.items);
        (self.bytes, self.written) = (0, 0);
        let items = items.into_iter();
        let bytes = items.map(|item| {
            item.delivery.map(&mut done);
            item.bytes
        });
        bytes.collect()
    }

    /// What is to be written, where it is one frame as it was queued.
    pub(crate) fn only(&self) -> Option<&[u8]> {
        match (self.items.len(), self.items.front(), &self.joined) {
            (1, Some(item), None) => Some(&item.bytes[self.written..]),
            _ => None,
        }
    }

    /// Makes one message of the frames that are to be written next, as far as they can be one and none is on its way.
    pub(crate) fn join(&mut self) {
        // What is alone goes as it is.
        if self.joined.is_some() || self.items.len() < 2 {
            return;
        }
        let count = match self.written {
            0 => codec::together(self.items.iter().map(|item| &item.bytes)),
            _ => 1,
        };
        let before = self.length_of(count);
        let frames = self.items.iter_mut().take(count);
        let mut frames: SmallVec<[&mut Bytes; codec::OBJECTS_MAX]> =
            frames.map(|item| &mut item.bytes).collect();
        let leads = codec::join(&mut frames);
        drop(frames);
        self.joined = Some(Box::new(Joined { leads }));
        self.bytes = self.bytes - before + self.length_of(count);
    }

    /// Fills `slices` with what is to be written next; returns how many.
    pub(crate) fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        if let Some(joined) = &self.joined {
            return self.fill_joined(joined, slices);
        }
        let mut count = 0;
        for (slice, item) in slices.iter_mut().zip(&self.items) {
            let skip = if count == 0 { self.written } else { 0 };
            *slice = IoSlice::new(&item.bytes[skip..]);
            count += 1;
        }
        count
    }

    /// The message on its way, and nothing after it.
    fn fill_joined<'a>(&'a self, joined: &'a Joined, slices: &mut [IoSlice<'a>]) -> usize {
        let objects = joined.leads.iter().zip(&self.items);
        let parts = objects.flat_map(|(lead, item)| [&lead[..], &item.bytes[..]]);
        let mut skip = self.written;
        let rests = parts.filter_map(|part| {
            let skipped = skip.min(part.len());
            skip -= skipped;
            Some(&part[skipped..]).filter(|rest| !rest.is_empty())
        });
        let filled = slices.iter_mut().zip(rests);
        filled
            .map(|(slice, rest)| *slice = IoSlice::new(rest))
            .count()
    }

    /// So many bytes were written; `done` hears of every event that went out whole. Returns how many frames did.
    pub(crate) fn advance(&mut self, bytes: usize, mut done: impl FnMut(Delivery)) -> usize {
        let mut frames = 0;
        self.written += bytes;
        while let Some(first) = self.items.front() {
            let length = self.lead(0).len() + first.bytes.len();
            if self.written < length {
                return frames;
            }
            self.written -= length;
            self.bytes -= length;
            let written = self.items.pop_front();
            written.and_then(|item| item.delivery).map(&mut done);
            frames += usize::from(self.is_end_of_frame());
        }
        // Empty again: an idle connection holds no buffer.
        spare::put(mem::take(&mut self.items));
        frames
    }

    /// An item went out: whether that was a whole frame.
    fn is_end_of_frame(&mut self) -> bool {
        let Some(joined) = &mut self.joined else {
            return true;
        };
        joined.leads.pop_front();
        let is_end = joined.leads.is_empty();
        if is_end {
            self.joined = None;
        }
        is_end
    }

    /// What goes before this item.
    fn lead(&self, index: usize) -> &[u8] {
        let joined = self.joined.as_ref();
        joined
            .and_then(|joined| joined.leads.get(index))
            .map_or(&[][..], |lead| &lead[..])
    }

    /// How many of the first items are on their way.
    fn begun(&self) -> usize {
        match &self.joined {
            Some(joined) => joined.leads.len(),
            None => usize::from(self.written > 0),
        }
    }

    /// Bytes of the first items, with what goes before them.
    fn length_of(&self, count: usize) -> usize {
        let items = self.items.iter().take(count).enumerate();
        items
            .map(|(index, item)| self.lead(index).len() + item.bytes.len())
            .sum()
    }

    fn append(&mut self, item: Item) {
        self.bytes += item.bytes.len();
        if self.items.capacity() == 0 {
            self.items = spare::take();
        }
        self.items.push_back(item);
    }

    /// Whether there is room for an item of its class without anybody giving way.
    pub(crate) fn admits(&self, item: &Item, bound: Room) -> bool {
        match item.class {
            // From half way on, what nobody will miss is kept out.
            Class::Chatter => self.fits(item, half(bound)),
            Class::State | Class::Durable => self.fits(item, bound),
        }
    }

    fn fits(&self, item: &Item, bound: Room) -> bool {
        self.items.len() < bound.frames && self.bytes + item.bytes.len() <= bound.bytes
    }

    /// Whether it has room in the place of an older one. What is no longer than that always has.
    fn fits_instead(&self, index: usize, item: &Item, bound: Room) -> bool {
        let (older, newer) = (self.items[index].bytes.len(), item.bytes.len());
        newer <= older || self.bytes - older + newer <= bound.bytes
    }

    /// Puts it in the place of an older one, which is returned.
    fn replace(&mut self, index: usize, item: Item) -> Item {
        self.bytes = self.bytes - self.items[index].bytes.len() + item.bytes.len();
        mem::replace(&mut self.items[index], item)
    }

    fn same_key(&self, item: &Item) -> Option<usize> {
        let key = item.key.as_ref()?;
        let begun = self.begun();
        let mut rest = self.items.iter().skip(begun);
        let found = rest.position(|waiting| waiting.key.as_ref() == Some(key))?;
        Some(begun + found)
    }

    /// Takes the oldest frame of this class out, if there is one.
    fn evict(&mut self, class: Class) -> Option<Item> {
        let begun = self.begun();
        let mut rest = self.items.iter().skip(begun);
        let found = rest.position(|waiting| waiting.class == class)?;
        let item = self.items.remove(begun + found)?;
        self.bytes -= item.bytes.len();
        Some(item)
    }
}

fn half(bound: Room) -> Room {
    Room {
        frames: bound.frames / 2,
        bytes: bound.bytes / 2,
    }
}

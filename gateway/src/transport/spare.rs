//! Buffers of queues that have become empty. In a busy room every connection needs one a few times a second, for microseconds; to
//! allocate them each time would cost as much as all else that a queue does.

use std::{cell::RefCell, collections::VecDeque};

use super::queue::Item;

/// Buffers that are kept, and how long they may be: what a burst to a full room needs.
const BUFFERS_MAX: usize = 4096;
const ITEMS_MAX: usize = 16;

thread_local! {
    static SPARE: RefCell<Spare> = const { RefCell::new(Spare::new()) };
}

#[derive(Debug)]
struct Spare {
    buffers: Vec<VecDeque<Item>>,
    /// The fewest that have been here since they were last looked after.
    unused: usize,
}

impl Spare {
    const fn new() -> Self {
        Self {
            buffers: Vec::new(),
            unused: 0,
        }
    }

    fn take(&mut self) -> VecDeque<Item> {
        let buffer = self.buffers.pop().unwrap_or_default();
        self.unused = self.unused.min(self.buffers.len());
        buffer
    }

    fn put(&mut self, buffer: VecDeque<Item>) {
        if self.buffers.len() < BUFFERS_MAX && (1..=ITEMS_MAX).contains(&buffer.capacity()) {
            self.buffers.push(buffer);
        }
    }

    fn look_after(&mut self) {
        let used = self.buffers.len() - self.unused;
        self.buffers.truncate(used);
        self.buffers.shrink_to(used);
        self.unused = used;
    }
}

/// An empty buffer.
pub(super) fn take() -> VecDeque<Item> {
    SPARE.with_borrow_mut(Spare::take)
}

/// Keeps an empty buffer for who needs one next.
pub(super) fn put(buffer: VecDeque<Item>) {
    SPARE.with_borrow_mut(|spare| spare.put(buffer));
}

/// Gives back what this thread has not needed since it last did so.
pub(crate) fn look_after() {
    SPARE.with_borrow_mut(Spare::look_after);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_since_the_last_look_stays_and_the_rest_goes() {
        let mut spare = Spare::new();
        for _ in 0..=BUFFERS_MAX {
            spare.put(VecDeque::with_capacity(4));
        }
        assert_eq!(spare.buffers.len(), BUFFERS_MAX, "no more than the bound");
        spare.put(VecDeque::new());
        spare.look_after();
        // Nobody has taken one, but who put them here has used them.
        assert_eq!(spare.buffers.len(), BUFFERS_MAX);
        let taken: Vec<_> = (0..10).map(|_| spare.take()).collect();
        assert!(taken.iter().all(|buffer| buffer.capacity() >= 4));
        for buffer in taken {
            spare.put(buffer);
        }
        spare.look_after();
        assert_eq!(spare.buffers.len(), 10);
        spare.look_after();
        assert_eq!((spare.buffers.len(), spare.buffers.capacity()), (0, 0));
        spare.put(VecDeque::with_capacity(ITEMS_MAX + 1));
        assert!(spare.buffers.is_empty(), "too long for a thousand of them");
    }
}

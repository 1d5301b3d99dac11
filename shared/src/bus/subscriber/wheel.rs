//! Things to do later: one list a tick, so that an entry costs nothing while it waits.

use std::time::Duration;

/// Ticks ahead that can be told apart; what is further away comes at the end.
const SLOTS: usize = 2048;

/// A timer wheel. It does not know the time; its owner calls [`Wheel::advance`] every tick.
#[derive(Debug)]
pub(super) struct Wheel<T> {
    tick: Duration,
    now: usize,
    slots: Vec<Vec<T>>,
}

impl<T> Wheel<T> {
    pub(super) fn new(tick: Duration) -> Self {
        Self {
            tick,
            now: 0,
            slots: std::iter::repeat_with(Vec::new).take(SLOTS).collect(),
        }
    }

    /// Not earlier than `wait` from now, and less than two ticks later; at most 2047 ticks from now.
    pub(super) fn insert(&mut self, wait: Duration, item: T) {
        let ticks = wait.as_nanos().div_ceil(self.tick.as_nanos()) + 1;
        let ticks = usize::try_from(ticks).unwrap_or(SLOTS).min(SLOTS - 1);
        self.slots[(self.now + ticks) % SLOTS].push(item);
    }

    /// One tick has passed: what is due now.
    pub(super) fn advance(&mut self) -> Vec<T> {
        self.now = (self.now + 1) % SLOTS;
        std::mem::take(&mut self.slots[self.now])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_in_their_tick_never_early_and_once() {
        let tick = Duration::from_millis(100);
        let mut wheel = Wheel::new(tick);
        for start in 0..20 {
            // Started in the middle of nowhere, so that slots wrap around.
            for (wait_ms, ticks) in [
                (0, 1),
                (1, 2),
                (100, 2),
                (101, 3),
                (20_000, 201),
                (999_999, 2047),
            ] {
                wheel.insert(Duration::from_millis(wait_ms), wait_ms);
                let passed = (1..=SLOTS).find(|_| wheel.advance() == [wait_ms]);
                assert_eq!(passed, Some(ticks), "{wait_ms} ms after tick {start}");
                assert!((0..SLOTS).all(|_| wheel.advance().is_empty()));
            }
        }
    }
}

//! The last stretch of a trace: from when a node has an event to when sockets have taken it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};

use shared::{
    telemetry::trace::{FOLLOWED_MAX, Kind, Span},
    wire::Event,
};

/// One step for an event and a node, however many hear it. It ends when the last socket that is followed has taken the event,
/// or will not.
#[derive(Debug)]
pub(crate) struct Delivering {
    span: Span,
    committed_at_ms: i64,
    /// Connections that it is for.
    hearers: AtomicUsize,
    /// Of those that are followed: how many have it, and when the last one had it, counted from the commit.
    written: AtomicUsize,
    slowest_ms: AtomicI64,
}

impl Delivering {
    /// For an event whose trace is recorded; `None` for all others.
    pub(crate) fn of(event: &Event) -> Option<Arc<Self>> {
        let name = || format!("deliver {}", event.kind).into();
        let mut span = Span::after(event.trace, Kind::Consumer, name)?;
        span.note("hubbub.event_id", event.id.to_string());
        Some(Arc::new(Self {
            span,
            committed_at_ms: event.committed_at_ms,
            hearers: AtomicUsize::new(0),
            written: AtomicUsize::new(0),
            slowest_ms: AtomicI64::new(0),
        }))
    }

    /// One more connection hears it; `None` where enough are followed.
    pub(crate) fn follow(self: &Arc<Self>) -> Option<Arc<Self>> {
        let before = self.hearers.fetch_add(1, Ordering::Relaxed);
        (before < FOLLOWED_MAX).then(|| Arc::clone(self))
    }

    /// A socket has taken its last byte.
    pub(crate) fn wrote(&self, now_ms: i64) {
        let took_ms = now_ms.saturating_sub(self.committed_at_ms);
        self.slowest_ms.fetch_max(took_ms, Ordering::Relaxed);
        self.written.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Delivering {
    fn drop(&mut self) {
        let count = |number: &AtomicUsize| {
            i64::try_from(number.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
        };
        let (hearers, written) = (count(&self.hearers), count(&self.written));
        let followed = hearers.min(i64::try_from(FOLLOWED_MAX).unwrap_or(i64::MAX));
        self.span.note("hubbub.hearers", hearers);
        self.span.note("hubbub.followed", followed);
        self.span.note("hubbub.written", written);
        let slowest_ms = self.slowest_ms.load(Ordering::Relaxed);
        self.span.note("hubbub.slowest_ms", slowest_ms);
        if written < followed {
            self.span.failed();
        }
    }
}

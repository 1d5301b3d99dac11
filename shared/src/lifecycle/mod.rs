//! Ready is a latch; stopping is announced once to everybody who must act on it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Where a process is in its life; it only moves forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Not everything that is needed has been seen yet.
    Starting,
    /// Serving.
    Ready,
    /// Told to stop: serving what is there, taking nothing new.
    Draining,
}

/// The process's phase, shared by whoever sets it and whoever asks.
#[derive(Debug, Clone)]
pub struct Lifecycle(Arc<State>);

#[derive(Debug)]
struct State {
    phase: watch::Sender<Phase>,
    full: AtomicBool,
    hurried: watch::Sender<bool>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self(Arc::new(State {
            phase: watch::Sender::new(Phase::Starting),
            full: AtomicBool::new(false),
            hurried: watch::Sender::new(false),
        }))
    }
}

impl Lifecycle {
    /// The phase now.
    pub fn phase(&self) -> Phase {
        *self.0.phase.borrow()
    }

    /// Start-up is complete. Has no effect on a process that is draining already.
    pub fn ready(&self) {
        self.advance(Phase::Ready);
    }

    /// Whether it should get traffic: it is ready, and not full.
    pub fn takes_traffic(&self) -> bool {
        self.phase() == Phase::Ready && !self.is_full()
    }

    /// Whether it has as much as it wants.
    pub fn is_full(&self) -> bool {
        self.0.full.load(Ordering::Relaxed)
    }

    /// Says whether it has as much as it wants; unlike the phase, that comes and goes.
    pub fn set_full(&self, full: bool) {
        self.0.full.store(full, Ordering::Relaxed);
    }

    /// Told to stop a second time: nobody is waited for any more.
    pub fn hurry(&self) {
        self.drain();
        self.0.hurried.send_replace(true);
    }

    /// Resolves when the process was told to stop a second time; at once if it was told before.
    pub async fn hurried(&self) {
        let mut hurried = self.0.hurried.subscribe();
        // The sender lives in `self`, so the wait cannot fail.
        hurried.wait_for(|hurried| *hurried).await.ok();
    }

    /// Stop: `/readyz` answers 404 from now on, and [`Lifecycle::draining`] resolves.
    pub fn drain(&self) {
        self.advance(Phase::Draining);
    }

    /// Resolves when the process was told to stop; at once if it was told before.
    pub async fn draining(&self) {
        let mut phase = self.0.phase.subscribe();
        // The sender lives in `self`, so the wait cannot fail.
        phase.wait_for(|phase| *phase == Phase::Draining).await.ok();
    }

    fn advance(&self, to: Phase) {
        self.0.phase.send_if_modified(|phase| {
            let forwards = *phase < to;
            if forwards {
                *phase = to;
            }
            forwards
        });
    }
}

/// Resolves at SIGTERM or SIGINT.
pub async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_phase_never_goes_back() {
        let lifecycle = Lifecycle::default();
        assert_eq!(lifecycle.phase(), Phase::Starting);
        lifecycle.ready();
        assert_eq!(lifecycle.phase(), Phase::Ready);
        lifecycle.drain();
        lifecycle.ready();
        assert_eq!(lifecycle.phase(), Phase::Draining);
        lifecycle.draining().await;
    }

    #[tokio::test]
    async fn full_comes_and_goes_and_a_second_word_ends_the_waiting() {
        let lifecycle = Lifecycle::default();
        assert!(!lifecycle.takes_traffic());
        lifecycle.ready();
        assert!(lifecycle.takes_traffic());
        lifecycle.set_full(true);
        assert!(!lifecycle.takes_traffic());
        lifecycle.set_full(false);
        assert!(lifecycle.takes_traffic());
        lifecycle.hurry();
        assert_eq!(lifecycle.phase(), Phase::Draining);
        lifecycle.hurried().await;
    }
}

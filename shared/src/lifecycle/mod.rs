//! Ready is a latch; stopping is announced once to everybody who must act on it.

use std::sync::Arc;

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
pub struct Lifecycle(Arc<watch::Sender<Phase>>);

impl Default for Lifecycle {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Starting)))
    }
}

impl Lifecycle {
    /// The phase now.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Start-up is complete. Has no effect on a process that is draining already.
    pub fn ready(&self) {
        self.advance(Phase::Ready);
    }

    /// Stop: `/readyz` answers 404 from now on, and [`Lifecycle::draining`] resolves.
    pub fn drain(&self) {
        self.advance(Phase::Draining);
    }

    /// Resolves when the process was told to stop; at once if it was told before.
    pub async fn draining(&self) {
        let mut phase = self.0.subscribe();
        // The sender lives in `self`, so the wait cannot fail.
        phase.wait_for(|phase| *phase == Phase::Draining).await.ok();
    }

    fn advance(&self, to: Phase) {
        self.0.send_if_modified(|phase| {
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
}

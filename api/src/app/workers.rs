//! Computation that would stop the runtime's threads: on threads of its own, a few at a time.

use std::sync::Arc;

use shared::wire::Code;
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::error::Error;

/// Who may wait for their turn, per worker. More would wait longer than their callers do.
const WAITING_PER_WORKER: usize = 16;

/// A bounded set of workers; clones share it.
#[derive(Debug, Clone)]
pub struct Workers {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Workers {
    /// As many computations at the same time.
    pub fn new(count: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(count)),
            admitted: Arc::new(Semaphore::new(count * (1 + WAITING_PER_WORKER))),
        }
    }

    /// Computes something on a worker; `overloaded` when too many wait already.
    pub async fn run<T: Send + 'static>(
        &self,
        compute: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let overloaded = || Error::new(Code::Overloaded, "too many requests of this kind wait");
        let _admitted = self.admitted.try_acquire().map_err(|_| overloaded())?;
        let running = Arc::clone(&self.running).acquire_owned().await;
        let running = running.map_err(|_| overloaded())?;
        let computed = spawn_blocking(move || {
            let value = compute();
            // Held by the computation, not by the request: a caller who goes away does not stop it.
            drop(running);
            value
        });
        computed.await.map_err(Error::internal)
    }
}

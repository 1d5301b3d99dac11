//! Timed work, most of which one pod at a time does.
//!
//! A job runs where its lease is held, and is written so that a second run beside it, after a lease was lost unnoticed,
//! does no harm.

mod backlog;
mod lease;
#[cfg(test)]
mod tests;

use std::{future::Future, pin::Pin, time::Duration};

use shared::{lifecycle::Lifecycle, ticks};

pub use backlog::{Backlog, work_off};
pub use lease::STATEMENTS;

use super::{App, error::Error};

/// Something to do again and again.
pub trait Job: Send + 'static {
    /// Names its lease.
    const NAME: &'static str;
    /// How often it runs.
    const EVERY: Duration;
    /// Whether every pod does it for itself, without a lease.
    const EVERYWHERE: bool = false;

    /// Does it once.
    fn run(&mut self, app: &App) -> impl Future<Output = Result<(), Error>> + Send;

    /// Another pod does it now: forget what was carried from run to run.
    fn on_lease_lost(&mut self) {}
}

/// How a feature's job is started: see [`start`].
pub type Start = fn(App, Lifecycle) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// [`run`] for a job that begins with nothing: what a feature registers, as `jobs::start::<ItsJob>`.
pub fn start<J: Job + Default>(
    app: App,
    lifecycle: Lifecycle,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(run(J::default(), app, lifecycle))
}

/// Runs a job until the process is told to stop; then gives its lease back.
pub async fn run<J: Job>(mut job: J, app: App, lifecycle: Lifecycle) {
    let mut ticks = ticks::every(J::EVERY);
    let stop = lifecycle.draining();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = ticks.tick() => {}
        }
        // To stop is to stop here too: a job that is cut short is run again by the next holder.
        tokio::select! {
            () = &mut stop => break,
            () = run_once(&mut job, &app) => {}
        }
    }
    if !J::EVERYWHERE
        && let Err(error) = lease::release(&app, J::NAME).await
    {
        tracing::debug!(job = J::NAME, %error, "lease not given back; it will expire");
    }
}

/// Runs a job once, if its lease is ours or free.
pub(crate) async fn run_once<J: Job>(job: &mut J, app: &App) {
    let outcome = match is_ours::<J>(app).await {
        Ok(true) => job.run(app).await,
        Ok(false) => {
            job.on_lease_lost();
            Ok(())
        }
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        tracing::warn!(job = J::NAME, %error, "job failed; it runs again");
    }
}

async fn is_ours<J: Job>(app: &App) -> Result<bool, Error> {
    if J::EVERYWHERE {
        return Ok(true);
    }
    let lifetime = J::EVERY.saturating_mul(2).max(Duration::from_secs(5));
    lease::acquire(app, J::NAME, lifetime).await
}

//! Who runs a job, and when.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use shared::lifecycle::Lifecycle;
use tokio::sync::Notify;

use super::{Job, lease, run, run_once};
use crate::app::{App, error::Error, testing::TestStores};

/// Counts its runs and says when one is over.
#[derive(Clone, Default)]
struct Counting {
    runs: Arc<AtomicUsize>,
    lost: Arc<AtomicUsize>,
    ran: Arc<Notify>,
}

impl Job for Counting {
    const NAME: &'static str = "counting";
    const EVERY: Duration = Duration::from_millis(1);

    async fn run(&mut self, _: &App) -> Result<(), Error> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        self.ran.notify_one();
        Err(Error::defect("a failure does not end the job"))
    }

    fn on_lease_lost(&mut self) {
        self.lost.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn one_pod_runs_a_job_and_hands_it_over_when_it_stops() {
    let stores = TestStores::create().await;
    let (one, ..) = stores.pod("api-1");
    let (two, ..) = stores.pod("api-2");
    let (mut first, mut second) = (Counting::default(), Counting::default());
    let lifecycle = Lifecycle::default();
    let running = tokio::spawn(run(first.clone(), one.clone(), lifecycle.clone()));
    for _ in 0..3 {
        first.ran.notified().await;
    }
    run_once(&mut second, &two).await;
    assert_eq!(second.runs.load(Ordering::SeqCst), 0);
    assert_eq!(second.lost.load(Ordering::SeqCst), 1);

    lifecycle.drain();
    running.await.unwrap();
    run_once(&mut second, &two).await;
    assert_eq!(
        second.runs.load(Ordering::SeqCst),
        1,
        "the lease was given back"
    );
    run_once(&mut first, &one).await;
    assert_eq!(first.lost.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_ends_by_itself() {
    let stores = TestStores::create().await;
    let (one, ..) = stores.pod("api-1");
    let (two, ..) = stores.pod("api-2");
    let (hour, nothing) = (Duration::from_hours(1), Duration::ZERO);
    assert!(lease::acquire(&one, "a", hour).await.unwrap());
    assert!(!lease::acquire(&two, "a", hour).await.unwrap());
    assert!(
        lease::acquire(&two, "b", hour).await.unwrap(),
        "another lease"
    );
    // Renewed for no time at all: over as soon as somebody else asks.
    assert!(lease::acquire(&one, "a", nothing).await.unwrap());
    assert!(lease::acquire(&two, "a", hour).await.unwrap());
    lease::release(&one, "a").await.unwrap();
    assert!(
        !lease::acquire(&one, "a", hour).await.unwrap(),
        "only its owner gives it back"
    );
}

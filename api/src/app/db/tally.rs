//! How many statements a request runs: the number must not grow with the length of what it answers.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

tokio::task_local! {
    static TALLY: Arc<AtomicU64>;
}

/// Runs something, and counts the statements that it runs in this task, `begin` and `commit` among them.
pub(in crate::app) async fn tally<F: Future>(inside: F) -> (F::Output, u64) {
    let count = Arc::new(AtomicU64::new(0));
    let output = TALLY.scope(Arc::clone(&count), inside).await;
    (output, count.load(Ordering::Relaxed))
}

/// One more, if anybody counts.
pub(super) fn add_one() {
    // What is outside of requests is counted by the metrics alone.
    TALLY
        .try_with(|count| count.fetch_add(1, Ordering::Relaxed))
        .ok();
}

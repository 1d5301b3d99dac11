//! Tells `api` when people were last seen, in batches; `api` keeps it where it survives a restart of Redis.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{ids::UserId, presence::LastSeen, ticks};

use crate::api_client::ApiClient;

/// Between two reports.
const EVERY: Duration = Duration::from_secs(1);
/// People in one report.
const BATCH_MAX: usize = 1000;
/// People whose report waits while `api` is away; later ones are not reported.
const WAITING_MAX: usize = 65_536;

/// What is to be reported; clones share it.
#[derive(Clone)]
pub(super) struct Reporter {
    waiting: Arc<Mutex<HashMap<UserId, i64>>>,
    api: ApiClient,
}

impl Reporter {
    pub(super) fn new(api: ApiClient) -> Self {
        Self {
            waiting: Arc::default(),
            api,
        }
    }

    /// Somebody was online until then.
    pub(super) fn seen(&self, seen: LastSeen) {
        add(&mut self.waiting(), seen);
    }

    /// Reports for as long as it is polled.
    pub(super) async fn report(self) {
        let mut ticks = ticks::every(EVERY);
        let mut is_failing = false;
        loop {
            ticks.tick().await;
            let batch = self.take();
            if batch.is_empty() {
                continue;
            }
            match self.api.report_last_seen(&batch).await {
                Ok(()) => is_failing = false,
                Err(error) => {
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::warn!(%error, "nobody writes down who was last seen when");
                    }
                    let mut waiting = self.waiting();
                    for seen in batch {
                        add(&mut waiting, seen);
                    }
                }
            }
        }
    }

    fn take(&self) -> Vec<LastSeen> {
        let mut waiting = self.waiting();
        let people: Vec<UserId> = waiting.keys().take(BATCH_MAX).copied().collect();
        let seen = people.into_iter().filter_map(|user_id| {
            let at_ms = waiting.remove(&user_id)?;
            Some(LastSeen { user_id, at_ms })
        });
        seen.collect()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<UserId, i64>> {
        // Nothing that can panic runs while it is held.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(waiting: &mut HashMap<UserId, i64>, seen: LastSeen) {
    let has_room = waiting.len() < WAITING_MAX;
    match waiting.entry(seen.user_id) {
        Entry::Occupied(mut entry) => {
            let latest = seen.at_ms.max(*entry.get());
            entry.insert(latest);
        }
        Entry::Vacant(entry) if has_room => drop(entry.insert(seen.at_ms)),
        Entry::Vacant(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_time_is_kept_and_no_more_people_than_may_wait() {
        let mut waiting = HashMap::new();
        let mut seen = |number, at_ms| {
            let user_id = UserId::new(number).unwrap();
            add(&mut waiting, LastSeen { user_id, at_ms });
            (waiting.len(), waiting.get(&user_id).copied())
        };
        for number in 1..=65_536 {
            seen(number, 5);
        }
        assert_eq!(seen(1, 7), (65_536, Some(7)));
        assert_eq!(seen(1, 6), (65_536, Some(7)));
        assert_eq!(seen(70_000, 6), (65_536, None));
    }
}

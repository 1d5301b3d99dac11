//! How long things take, in one place, so that tests can wait less.

use std::{ops::Range, time::Duration};

use crate::bus::backoff::Pauses;

/// Times of a subscriber.
#[derive(Debug, Clone)]
pub(in crate::bus) struct Tuning {
    /// The resolution of everything below.
    pub(in crate::bus) tick: Duration,
    /// A join that is not answered by then is refused.
    pub(in crate::bus) join_wait: Duration,
    /// Between the last leave of a channel and its unsubscription, so that a reload does not churn.
    pub(in crate::bus) linger: Duration,
    /// Between two comparisons of a channel's position with the log's: what was lost without a trace is found by then.
    pub(in crate::bus) self_check: Range<Duration>,
    /// Between learning that events exist and asking for them: most are on their way.
    pub(in crate::bus) grace: Duration,
    /// A connection that brings nothing for this long is probed.
    pub(in crate::bus) silence: Duration,
    /// It is given up when the probe does not come back by then.
    pub(in crate::bus) probe_wait: Duration,
    /// Before a failed fetch or comparison is tried again.
    pub(in crate::bus) retry: Pauses,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(125),
            join_wait: Duration::from_secs(5),
            linger: Duration::from_secs(5),
            self_check: Duration::from_secs(18)..Duration::from_secs(25),
            grace: Duration::from_millis(250),
            silence: Duration::from_secs(10),
            probe_wait: Duration::from_secs(5),
            retry: Pauses {
                first: Duration::from_millis(250),
                max: Duration::from_secs(8),
            },
        }
    }
}

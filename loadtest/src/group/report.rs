//! What came of it, for people and for programs.

use std::{fmt, time::Duration};

use serde_json::{Value, json};

use super::counters::Counts;
use crate::{Failure, latency::Latencies};

/// Figures of one run.
pub(super) struct Report {
    pub(super) members: usize,
    pub(super) online: usize,
    pub(super) messages: usize,
    /// Messages that reached a socket.
    pub(super) received: u64,
    /// How late they were there, from when they were meant to leave.
    pub(super) late: Latencies,
    /// How long the answers to the sender took.
    pub(super) answers: Latencies,
    pub(super) took: Duration,
    pub(super) done: Counts,
}

impl Report {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "scenario": "group",
            "members": self.members,
            "online": self.online,
            "gateways": 2,
            "messages": self.messages,
            "seconds": self.took.as_secs_f64(),
            "deliveries": self.received,
            "delivery_ms": quantiles(&self.late),
            "answer_ms": quantiles(&self.answers),
            "transactions": self.done.transactions,
            "log_rows": self.done.log_rows,
            "notifications": self.done.notifications,
            "redis_publishes": self.done.publishes,
            "postgresql_commits": self.done.commits,
        })
    }

    /// Fails where a message was more than one of anything, or did not arrive everywhere.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let messages = i64::try_from(self.messages).unwrap_or(i64::MAX);
        let deliveries = u64::try_from(self.messages * self.online).unwrap_or(u64::MAX);
        let Counts {
            messages: stored,
            log_rows,
            transactions,
            notifications,
            publishes,
            ..
        } = self.done;
        let is_as_it_should_be = self.received == deliveries
            && [stored, log_rows, transactions] == [messages; 3]
            && notifications == 0
            // Besides, gateways tell each other that they live.
            && (messages..messages * 2).contains(&publishes);
        if is_as_it_should_be {
            return Ok(());
        }
        let said = "a message was not one transaction, one row, one publication, or did not arrive";
        Err(Failure::Refused(said.to_owned()))
    }
}

fn quantiles(latencies: &Latencies) -> Value {
    json!({
        "p50": latencies.quantile_ms(0.5),
        "p99": latencies.quantile_ms(0.99),
        "max": latencies.quantile_ms(1.0),
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let latencies = |latencies: &Latencies| {
            let at = |share| latencies.quantile_ms(share);
            format!(
                "p50 {:.1}   p99 {:.1}   max {:.1}",
                at(0.5),
                at(0.99),
                at(1.0)
            )
        };
        let rows = [
            (
                "members, online on two gateways",
                format!("{}, {}", self.members, self.online),
            ),
            (
                "messages",
                format!("{} in {:.1} s", self.messages, self.took.as_secs_f64()),
            ),
            ("deliveries", self.received.to_string()),
            ("  after ms", latencies(&self.late)),
            ("answers to the sender after ms", latencies(&self.answers)),
            (
                "transactions that wrote them",
                self.done.transactions.to_string(),
            ),
            ("rows of the log", self.done.log_rows.to_string()),
            ("notifications", self.done.notifications.to_string()),
            (
                "publications in Redis, all",
                self.done.publishes.to_string(),
            ),
            (
                "commits in PostgreSQL, jobs and readings too",
                self.done.commits.to_string(),
            ),
        ];
        for (name, value) in rows {
            writeln!(f, "{name:<46}{value}")?;
        }
        Ok(())
    }
}

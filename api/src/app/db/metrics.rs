//! What is counted of PostgreSQL.

use std::time::Duration;

use prometheus::{Histogram, HistogramVec, IntCounterVec, IntGaugeVec};
use shared::telemetry::metrics::{HTTP_SECONDS, Metrics};
use tokio_postgres::error::SqlState;

use super::migrate::Schema;

/// One process's pool and statements.
#[derive(Debug)]
pub(in crate::app) struct DatabaseMetrics {
    pool_connections: IntGaugeVec,
    pool_wait_seconds: Histogram,
    query_seconds: HistogramVec,
    errors: IntCounterVec,
    schema_version: IntGaugeVec,
}

/// What statements begin with. Hundreds of statements by name would be thousands of series.
const OPERATIONS: [&str; 6] = ["select", "insert", "update", "delete", "with", "other"];
const ERROR_KINDS: [&str; 6] = [
    "connection",
    "other",
    "pool",
    "serialization",
    "timeout",
    "unique",
];

impl DatabaseMetrics {
    pub(in crate::app) fn register(metrics: &Metrics) -> Self {
        let errors = metrics.counters(
            "db_errors_total",
            "Statements that failed, and waits for a connection that were in vain.",
            &["kind"],
        );
        for kind in ERROR_KINDS {
            errors.with_label_values(&[kind]);
        }
        let query_seconds = metrics.histograms(
            "db_query_duration_seconds",
            "Statements, by the word that they begin with.",
            &["op"],
            HTTP_SECONDS,
        );
        for operation in OPERATIONS {
            query_seconds.with_label_values(&[operation]);
        }
        Self {
            errors,
            query_seconds,
            pool_connections: metrics.gauges(
                "db_pool_connections",
                "Connections to PostgreSQL.",
                &["state"],
            ),
            pool_wait_seconds: metrics.histogram(
                "db_pool_wait_seconds",
                "Waits for a connection to PostgreSQL.",
                HTTP_SECONDS,
            ),
            schema_version: metrics.gauges(
                "schema_version",
                "The newest migration: of this program (wanted), and of the database when it started (found).",
                &["side"],
            ),
        }
    }

    /// A connection was asked for so long.
    pub(super) fn waited(&self, time: Duration) {
        self.pool_wait_seconds.observe(time.as_secs_f64());
    }

    pub(super) fn pool(&self, status: &deadpool_postgres::Status) {
        let gauge = |state: &str, count: usize| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.pool_connections.with_label_values(&[state]).set(count);
        };
        gauge("max", status.max_size);
        gauge("idle", status.available);
        gauge("used", status.size.saturating_sub(status.available));
    }

    /// No connection could be had.
    pub(super) fn pool_failed(&self) {
        self.errors.with_label_values(&["pool"]).inc();
    }

    /// A statement ended, well or not.
    pub(super) fn ran(&self, statement: &str, time: Duration) {
        let seconds = self
            .query_seconds
            .with_label_values(&[operation(statement)]);
        seconds.observe(time.as_secs_f64());
    }

    pub(super) fn failed(&self, error: &tokio_postgres::Error) {
        let kind = error.code().map_or("connection", error_kind);
        self.errors.with_label_values(&[kind]).inc();
    }

    /// What schema there was, and what this program needs.
    pub(in crate::app) fn schema(&self, schema: Schema) {
        for (side, version) in [("found", schema.found), ("wanted", schema.wanted)] {
            self.schema_version.with_label_values(&[side]).set(version);
        }
    }
}

fn operation(statement: &str) -> &'static str {
    let code = statement.lines().map(str::trim_start);
    let first = code
        .filter(|line| !line.is_empty() && !line.starts_with("--"))
        .find_map(|line| line.split_ascii_whitespace().next());
    let known = |name: &&&str| first.is_some_and(|first| first.eq_ignore_ascii_case(name));
    OPERATIONS.iter().find(known).copied().unwrap_or("other")
}

fn error_kind(state: &SqlState) -> &'static str {
    if *state == SqlState::QUERY_CANCELED || *state == SqlState::LOCK_NOT_AVAILABLE {
        return "timeout";
    }
    match state.code() {
        "40001" | "40P01" => "serialization",
        "23505" => "unique",
        code if code.starts_with("08") || code.starts_with("57P") => "connection",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_and_errors_have_few_names() {
        for (statement, expected) in [
            ("select 1", "select"),
            ("\n  -- why\n  WITH a as (select 1) select * from a", "with"),
            ("\ninsert into t values (1)", "insert"),
            ("vacuum", "other"),
            ("", "other"),
        ] {
            assert_eq!(operation(statement), expected, "{statement:?}");
        }
        for (state, expected) in [
            ("57014", "timeout"),
            ("55P03", "timeout"),
            ("40P01", "serialization"),
            ("23505", "unique"),
            ("57P01", "connection"),
            ("23503", "other"),
        ] {
            assert_eq!(error_kind(&SqlState::from_code(state)), expected, "{state}");
        }
    }
}

//! What came of it, for people and for programs.

use std::{fmt, time::Duration};

use serde_json::{Map, Value, json};

use crate::latency::Latencies;

/// Figures of one question.
pub(super) struct Report {
    pub(super) name: String,
    pub(super) requests: usize,
    pub(super) took: Duration,
    /// Of the pod.
    pub(super) cpu: Duration,
    pub(super) statements: f64,
    pub(super) latencies: Latencies,
    /// What else there is to tell.
    pub(super) rows: Vec<(&'static str, Value)>,
}

impl Report {
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    fn per(&self, time: Duration) -> f64 {
        self.requests as f64 / time.as_secs_f64()
    }

    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    fn statements_each(&self) -> f64 {
        self.statements / self.requests as f64
    }

    pub(super) fn to_json(&self) -> Value {
        let more: Map<String, Value> = self
            .rows
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        json!({
            "scenario": self.name,
            "requests": self.requests,
            "per_second": self.per(self.took),
            "per_core_second": self.per(self.cpu),
            "statements_per_request": self.statements_each(),
            "p50_ms": self.latencies.quantile_ms(0.5),
            "p99_ms": self.latencies.quantile_ms(0.99),
            "more": more,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.name)?;
        let latency = |share| self.latencies.quantile_ms(share);
        let rows = [
            ("requests", format!("{}", self.requests)),
            ("a second here", format!("{:.0}", self.per(self.took))),
            (
                "a second of one core of api",
                format!("{:.0}", self.per(self.cpu)),
            ),
            (
                "after ms",
                format!("p50 {:.1}   p99 {:.1}", latency(0.5), latency(0.99)),
            ),
            ("statements each", format!("{:.2}", self.statements_each())),
        ];
        for (name, value) in rows {
            writeln!(f, "  {name:<44}{value}")?;
        }
        for (name, value) in &self.rows {
            writeln!(f, "  {name:<44}{value}")?;
        }
        Ok(())
    }
}

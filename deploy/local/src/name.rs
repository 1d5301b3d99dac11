//! The processes of an instance, by the names that are typed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the processes that `./dev up` starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Name {
    /// The database.
    Postgres,
    /// The event bus.
    Redis,
    /// The first `api`.
    #[serde(rename = "api-1")]
    Api1,
    /// The second `api`.
    #[serde(rename = "api-2")]
    Api2,
    /// The first `gateway`.
    #[serde(rename = "gateway-1")]
    Gateway1,
    /// The second `gateway`.
    #[serde(rename = "gateway-2")]
    Gateway2,
    /// HAProxy, which holds the public port.
    Balancer,
    /// Who watches the others; only with `--observe`.
    Prometheus,
}

impl Name {
    /// All of them, in the order in which they start.
    pub(crate) const ALL: [Self; 8] = [
        Self::Postgres,
        Self::Redis,
        Self::Api1,
        Self::Api2,
        Self::Gateway1,
        Self::Gateway2,
        Self::Balancer,
        Self::Prometheus,
    ];

    /// Groups that start together; each needs the ones before it. They stop in the opposite order.
    pub(crate) const TIERS: [&[Self]; 5] = [
        &[Self::Postgres, Self::Redis],
        &[Self::Api1, Self::Api2],
        &[Self::Gateway1, Self::Gateway2],
        &[Self::Balancer],
        &[Self::Prometheus],
    ];

    /// Stopping is finer than starting: Redis goes before PostgreSQL.
    pub(crate) const STOP_ORDER: [&[Self]; 6] = [
        &[Self::Prometheus],
        &[Self::Balancer],
        &[Self::Gateway1, Self::Gateway2],
        &[Self::Api1, Self::Api2],
        &[Self::Redis],
        &[Self::Postgres],
    ];

    /// The name as it is typed and shown.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Api1 => "api-1",
            Self::Api2 => "api-2",
            Self::Gateway1 => "gateway-1",
            Self::Gateway2 => "gateway-2",
            Self::Balancer => "balancer",
            Self::Prometheus => "prometheus",
        }
    }

    /// Whether the process has a second port for metrics, and where it is one of our own programs for readiness.
    pub(crate) const fn has_metrics_port(self) -> bool {
        matches!(
            self,
            Self::Api1 | Self::Api2 | Self::Gateway1 | Self::Gateway2 | Self::Balancer
        )
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|name| name.as_str() == text)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::as_str).join(", ");
                format!("there is no process {text:?}; there are {known}")
            })
    }
}

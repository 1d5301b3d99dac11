//! The sections that both programs have.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time};

use super::{Duration, List, Network, Reader, Switch};
use crate::credentials::Secret;

/// Where Redis is, and what our names start with.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// One server, a list, `redis+sentinel://…` or `redis+cluster://…`; with `rediss` by TLS.
    pub url: String,
    /// Where Pub/Sub is, if not there; in the same forms.
    pub pubsub_url: Option<String>,
    /// Authorities (PEM) that certificates of the servers come from; else the system's.
    pub ca_file: Option<PathBuf>,
    /// Put before every key and Pub/Sub channel, so that several installations can share a server.
    pub prefix: String,
    /// The longest wait for an answer.
    pub timeout: time::Duration,
}

impl RedisSettings {
    /// `REDIS_URL`, `REDIS_PUBSUB_URL`, `REDIS_CA_FILE`, `REDIS_PREFIX`, `REDIS_TIMEOUT`.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let url = reader.required("REDIS_URL", "redis://[user:password@]host:port");
        let pubsub_url = reader.with_default::<String>(
            "REDIS_PUBSUB_URL",
            "",
            "where Pub/Sub is, if not at REDIS_URL",
        );
        let ca_file = reader.with_default::<String>(
            "REDIS_CA_FILE",
            "",
            "authorities (PEM) for rediss://; else the system's",
        );
        let prefix = reader.with_default("REDIS_PREFIX", "hubbub:", "before every key and channel");
        let timeout =
            reader.with_default::<Duration>("REDIS_TIMEOUT", "2s", "longest wait for an answer");
        Some(Self {
            url: url?,
            pubsub_url: pubsub_url.filter(|url| !url.is_empty()),
            ca_file: ca_file.filter(|path| !path.is_empty()).map(PathBuf::from),
            prefix: prefix?,
            timeout: timeout?.0,
        })
    }
}

/// What signs and verifies tokens.
#[derive(Debug, Clone)]
pub struct SecretSettings {
    /// The first signs, all verify: put a new one in front to rotate.
    pub jwt_secrets: Vec<Secret>,
}

impl SecretSettings {
    /// `JWT_SECRET`.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let name = "JWT_SECRET";
        let help = "signs tokens; several with commas: the first signs, all verify";
        let List(jwt_secrets) = reader.required(name, help)?;
        if jwt_secrets.is_empty() {
            reader.reject(name, "at least one secret");
        }
        Some(Self { jwt_secrets })
    }
}

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For eyes.
    Text,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("json or text"),
        }
    }
}

/// Logs, and the listener for health and metrics.
#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    /// This process's name in logs, metrics and `welcome`.
    pub node_name: String,
    /// How lines of the log look.
    pub log_format: LogFormat,
    /// A `tracing` filter: `info`, `info,api=debug`.
    pub log_level: String,
    /// Where `/healthz`, `/readyz` and `/metrics` are served. Never reachable from outside.
    pub metrics_addr: SocketAddr,
    /// Traces.
    pub tracing: TracingSettings,
}

/// Where spans go, and of how many requests.
#[derive(Debug, Clone)]
pub struct TracingSettings {
    /// `http://host:port` of a collector; without one there are no traces.
    pub endpoint: Option<String>,
    /// The share of requests, from 0 to 1, of those whose callers do not say.
    pub share: f64,
}

impl TracingSettings {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER_ARG`.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let help = "http://host:port of a collector of traces";
        let endpoint = reader.with_default::<String>(name, "", help)?;
        let endpoint = endpoint.trim_end_matches('/');
        if !(endpoint.is_empty() || endpoint.starts_with("http://")) {
            reader.reject(name, "an address that begins with http://");
        }
        let name = "OTEL_TRACES_SAMPLER_ARG";
        let share =
            reader.with_default::<f64>(name, "0.01", "share of requests that are traced")?;
        if !(0.0..=1.0).contains(&share) {
            reader.reject(name, "from 0 to 1");
        }
        Some(Self {
            endpoint: (!endpoint.is_empty()).then(|| endpoint.to_owned()),
            share,
        })
    }
}

impl TelemetrySettings {
    /// `NODE_NAME`, `LOG_FORMAT`, `LOG_LEVEL`, `METRICS_ADDR`, and the section of traces.
    pub fn read(reader: &mut Reader, metrics_addr: &str) -> Option<Self> {
        let default_name = format!("{}-{:08x}", program(), rand::random::<u32>());
        let node_name = reader.with_default(
            "NODE_NAME",
            &default_name,
            "this process in logs and welcome",
        );
        let log_format = reader.with_default("LOG_FORMAT", "json", "json or text");
        let log_level = reader.with_default("LOG_LEVEL", "info", "a filter such as info,api=debug");
        let metrics_addr = Self::read_metrics_addr(reader, metrics_addr);
        let tracing = TracingSettings::read(reader);
        Some(Self {
            node_name: node_name?,
            log_format: log_format?,
            log_level: log_level?,
            metrics_addr: metrics_addr?,
            tracing: tracing?,
        })
    }

    /// `METRICS_ADDR` alone: what a health check needs.
    pub fn read_metrics_addr(reader: &mut Reader, default: &str) -> Option<SocketAddr> {
        let help = "health and metrics; keep it private";
        reader.with_default("METRICS_ADDR", default, help)
    }
}

fn program() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(|path| path.file_stem());
    name.map_or_else(
        || "hubbub".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Who may call, and through whom.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Where to listen.
    pub addr: SocketAddr,
    /// Origins whose pages may use cookies here, such as `https://app.example.com`.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Whether rate limits hold; size and safety limits always do.
    pub rate_limits: bool,
}

impl HttpSettings {
    /// `addr_name` (`API_ADDR` or `GATEWAY_ADDR`), `ALLOWED_ORIGINS`, `TRUSTED_PROXIES`, `RATE_LIMITS`.
    pub fn read(reader: &mut Reader, addr_name: &'static str, addr: &str) -> Option<Self> {
        let addr = reader.with_default(addr_name, addr, "where to listen");
        let origins = reader.with_default::<List<String>>(
            "ALLOWED_ORIGINS",
            "",
            "origins whose pages may use cookies, with commas",
        );
        let proxies = reader.with_default::<List<Network>>(
            "TRUSTED_PROXIES",
            "",
            "addresses or networks whose X-Forwarded-For is believed",
        );
        let limits = reader.with_default::<Switch>("RATE_LIMITS", "on", "off only for load tests");
        Some(Self {
            addr: addr?,
            allowed_origins: origins?.0,
            trusted_proxies: proxies?.0,
            rate_limits: limits?.0,
        })
    }
}

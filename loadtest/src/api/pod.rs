//! The pod that is asked.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hyper::Method;
use shared::testing::HttpClient;
use tokio::{task::JoinSet, time::Instant};

use super::{Population, Question, report::Report};
use crate::{
    Failure,
    gateway::Node,
    latency::Latencies,
    stack::{SECRET, free_address, variable},
};

/// As deployed: each request takes its tokens and writes its line.
const LIMITS: [(&str, &str); 4] = [
    ("RATE_LIMITS", "on"),
    ("RATE_LIMIT_USER", "1000000+1000000/s"),
    ("RATE_LIMIT_ADDRESS", "1000000+1000000/s"),
    ("LOG_LEVEL", "info"),
];
/// How the pod runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Without rate limits, and with a log of troubles alone: what answering costs.
    Bare,
    /// With limits that nobody reaches, and a line in the log for each request.
    Deployed,
}

impl Manner {
    const fn name(self) -> &'static str {
        match self {
            Self::Bare => "without limits and log",
            Self::Deployed => "as deployed",
        }
    }
}

/// A running `api`.
pub(super) struct Pod {
    node: Node,
    manner: Manner,
    addr: SocketAddr,
    metrics: SocketAddr,
}

impl Pod {
    pub(super) async fn start(programs: &Path, manner: Manner) -> Result<Self, Failure> {
        let (addr, metrics) = (free_address(), free_address());
        let mut serve = command(programs, metrics)?;
        serve.arg("serve").env("API_ADDR", addr.to_string());
        if manner == Manner::Deployed {
            serve
                .envs(LIMITS)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
        }
        Ok(Self {
            node: Node::start(serve, addr).await?,
            manner,
            addr,
            metrics,
        })
    }

    /// Asks, and says what it cost.
    pub(super) async fn measure(
        &self,
        question: Question,
        each: (&Arc<Population>, usize),
        requests: usize,
    ) -> Result<Report, Failure> {
        let (cpu, statements) = (self.node.cpu_seconds()?, statements(self.metrics).await?);
        let begin = Instant::now();
        let latencies = self.send(question, each, requests).await?;
        Ok(Report {
            name: format!("{}, {}", question.name(), self.manner.name()),
            requests,
            took: begin.elapsed(),
            cpu: Duration::from_secs_f64(self.node.cpu_seconds()? - cpu),
            statements: self::statements(self.metrics).await? - statements,
            latencies,
            rows: Vec::new(),
        })
    }

    /// So many requests, over so many connections.
    pub(super) async fn send(
        &self,
        question: Question,
        (population, connections): (&Arc<Population>, usize),
        requests: usize,
    ) -> Result<Latencies, Failure> {
        let (addr, next) = (self.addr, Arc::new(AtomicUsize::new(0)));
        let mut clients = JoinSet::new();
        for _ in 0..connections {
            let (next, population) = (next.clone(), population.clone());
            clients.spawn(async move {
                // One connection, because it asks one thing at a time.
                let client = HttpClient::new(&format!("http://{addr}"));
                let mut latencies = Latencies::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= requests {
                        return Ok::<_, Failure>(latencies);
                    }
                    let us = population.ask(question, &client, number).await?;
                    latencies.record(us);
                }
            });
        }
        let mut latencies = Latencies::default();
        while let Some(client) = clients.join_next().await {
            let client = client.map_err(|error| Failure::Refused(error.to_string()))?;
            latencies.add(&client?);
        }
        Ok(latencies)
    }
}

/// `api`, as all of its commands need it here.
pub(super) fn command(programs: &Path, metrics: SocketAddr) -> Result<Command, Failure> {
    let mut command = Command::new(programs.join("api"));
    command.envs([
        ("NODE_NAME", "api-1"),
        ("DATABASE_URL", &*variable("DATABASE_URL")?),
        ("REDIS_URL", &variable("REDIS_URL")?),
        ("JWT_SECRET", SECRET),
        ("METRICS_ADDR", &metrics.to_string()),
        ("RATE_LIMITS", "off"),
        ("SECURE_COOKIES", "off"),
        ("LOG_LEVEL", "warn"),
    ]);
    Ok(command)
}

/// Statements that the pod has run so far, its jobs' too.
async fn statements(metrics: SocketAddr) -> Result<f64, Failure> {
    let client = HttpClient::new(&format!("http://{metrics}"));
    let answer = client.send(Method::GET, "/metrics", None, None).await?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let lines = text
        .lines()
        .filter(|line| line.contains("db_query_duration_seconds_count{"));
    let values = lines.filter_map(|line| line.split_whitespace().last()?.parse::<f64>().ok());
    let values: Vec<f64> = values.collect();
    if values.is_empty() {
        let detail = "the pod does not count its statements".to_owned();
        return Err(Failure::Refused(detail));
    }
    Ok(values.iter().sum())
}

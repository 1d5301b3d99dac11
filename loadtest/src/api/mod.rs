//! `loadtest api`: what reading a post, a page of the feed, and liking one post all at once costs a pod of `api`.
//!
//! On a large population that `api populate` makes, in the stores of `DATABASE_URL` and `REDIS_URL`, migrated, with nobody
//! else on them. Every request is another post or another reader, so that nothing is answered from what was just read. A
//! core is a second of processor time of the pod: the client, PostgreSQL and whatever else runs here do not count.

mod report;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hyper::Method;
use rand::seq::IndexedRandom;
use serde_json::Value;
use shared::testing::HttpClient;
use tokio::{task::JoinSet, time::Instant};

use self::report::Report;
use crate::{
    Failure,
    gateway::Node,
    latency::Latencies,
    stack::{SECRET, free_address, variable},
    stopwatch::now_us,
};

/// Before it is measured: connections are open and statements prepared.
const WARM_UP: usize = 2000;

/// As deployed: each request takes its tokens and writes its line.
const LIMITS: [(&str, &str); 4] = [
    ("RATE_LIMITS", "on"),
    ("RATE_LIMIT_USER", "1000000+1000000/s"),
    ("RATE_LIMIT_ADDRESS", "1000000+1000000/s"),
    ("LOG_LEVEL", "info"),
];

/// How large, and how much is asked.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// What is handed to `api populate`.
    sizes: Vec<String>,
    online: usize,
    requests: usize,
    connections: usize,
    /// With rate limits that nobody reaches, and a line in the log for each request: as it is deployed.
    is_limited: bool,
    programs: PathBuf,
    json: Option<PathBuf>,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
enum Question {
    Post,
    Feed,
    PublicFeed,
    Like,
}

impl Question {
    const ALL: [Self; 4] = [Self::Post, Self::Feed, Self::PublicFeed, Self::Like];

    const fn name(self) -> &'static str {
        match self {
            Self::Post => "GET /posts/{id}",
            Self::Feed => "GET /feed?limit=20",
            Self::PublicFeed => "GET /feed?type=public&limit=20",
            Self::Like => "PUT /posts/{id}/like, all of one post",
        }
    }
}

impl Reading {
    /// `[--people N] [--posts N] [--follows N] [--likes N] [--comments N] [--online N] [--requests N] [--connections N]
    /// [--limits on] [--programs FOLDER] [--json FILE]`.
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let own = std::env::current_exe()?;
        let mut reading = Self {
            sizes: Vec::new(),
            online: 2000,
            requests: 20_000,
            connections: 16,
            is_limited: false,
            programs: own.parent().ok_or(Failure::Usage)?.to_owned(),
            json: None,
        };
        while let Some(word) = given.next() {
            let value = given.next().ok_or(Failure::Usage)?;
            let number = || value.parse().map_err(|_| Failure::Usage);
            match word.as_str() {
                "--people" | "--posts" | "--follows" | "--likes" | "--comments" => {
                    reading.sizes.extend([word, value]);
                }
                "--online" => reading.online = number()?,
                "--requests" => reading.requests = number()?,
                "--connections" => reading.connections = number()?,
                "--limits" => reading.is_limited = value == "on",
                "--programs" => reading.programs = PathBuf::from(value),
                "--json" => reading.json = Some(PathBuf::from(value)),
                _ => return Err(Failure::Usage),
            }
        }
        Ok(reading)
    }

    /// Makes the population, asks, and prints what it cost.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let population = Arc::new(self.populate()?);
        println!("{}", self.plans()?);
        let mut reports = Vec::new();
        for question in Question::ALL {
            let report = self.ask(question, &population).await?;
            println!("{report}");
            reports.push(report.to_json());
        }
        if let Some(path) = &self.json {
            let reports = Value::from(reports);
            std::fs::write(path, format!("{reports:#}\n"))?;
        }
        Ok(())
    }

    fn populate(&self) -> Result<Population, Failure> {
        let mut command = command(&self.programs, free_address())?;
        let output = command
            .arg("populate")
            .args(&self.sizes)
            .args(["--online", &self.online.to_string()])
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::Refused(said));
        }
        let made = serde_json::from_slice(&output.stdout);
        made.map_err(|error| Failure::Refused(error.to_string()))
    }

    /// Statements that would read a large table whole, now that there are large ones.
    fn plans(&self) -> Result<String, Failure> {
        let mut command = command(&self.programs, free_address())?;
        let output = command.arg("plans").output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::Refused(said));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    async fn ask(
        &self,
        question: Question,
        population: &Arc<Population>,
    ) -> Result<Report, Failure> {
        let (addr, metrics) = (free_address(), free_address());
        let mut serve = command(&self.programs, metrics)?;
        serve.arg("serve").env("API_ADDR", addr.to_string());
        if self.is_limited {
            serve
                .envs(LIMITS)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
        }
        let node = Node::start(serve, addr).await?;
        let requests = match question {
            Question::Like => population.tokens.len(),
            _ => self.requests,
        };
        // Liking once more is no like: the pod warms up with something else.
        let warm_up = match question {
            Question::Like => Question::Post,
            question => question,
        };
        self.send(warm_up, population, addr, WARM_UP).await?;
        let (cpu, statements) = (node.cpu_seconds()?, statements(metrics).await?);
        let begin = Instant::now();
        let latencies = self.send(question, population, addr, requests).await?;
        Ok(Report {
            name: question.name(),
            requests,
            took: begin.elapsed(),
            cpu: Duration::from_secs_f64(node.cpu_seconds()? - cpu),
            statements: self::statements(metrics).await? - statements,
            latencies,
        })
    }

    /// So many requests, over all connections.
    async fn send(
        &self,
        question: Question,
        population: &Arc<Population>,
        addr: SocketAddr,
        requests: usize,
    ) -> Result<Latencies, Failure> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut clients = JoinSet::new();
        for _ in 0..self.connections {
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

/// What `api populate` made.
#[derive(serde::Deserialize)]
struct Population {
    first_post: u64,
    posts: u64,
    tokens: Vec<String>,
}

impl Population {
    /// How many microseconds the answer took.
    async fn ask(
        &self,
        question: Question,
        client: &HttpClient,
        number: usize,
    ) -> Result<u64, Failure> {
        let post = self.first_post + rand::random_range(0..self.posts);
        let (method, path) = match question {
            Question::Post => (Method::GET, format!("/api/v1/posts/{post}")),
            Question::Feed => (Method::GET, "/api/v1/feed?limit=20".to_owned()),
            Question::PublicFeed => (Method::GET, "/api/v1/feed?type=public&limit=20".to_owned()),
            Question::Like => {
                let hot = self.first_post;
                (Method::PUT, format!("/api/v1/posts/{hot}/like"))
            }
        };
        let token = match question {
            Question::Like => self.tokens.get(number),
            _ => self.tokens.choose(&mut rand::rng()),
        };
        let token = token.map(String::as_str);
        let asked_us = now_us();
        let answer = client.send(method, &path, token, None).await?;
        let took_us = now_us() - asked_us;
        // A post of a private account is not there for everybody: that is an answer too.
        if answer.status.is_success() || answer.status.as_u16() == 404 {
            Ok(took_us)
        } else {
            Err(Failure::Refused(answer.json.to_string()))
        }
    }
}

fn command(programs: &Path, metrics: SocketAddr) -> Result<Command, Failure> {
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

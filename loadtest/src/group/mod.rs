//! `loadtest group`: messages to one large group, many of whose members listen on two gateways.
//!
//! What is to hold: a message is one transaction, one row of the log and one publication, however many members there are;
//! what it costs beyond that is paid by gateways, for those who are online. PostgreSQL and Redis are those of
//! `DATABASE_URL` and `REDIS_URL`, migrated and seeded, with nobody else on them.

mod counters;
mod report;

use std::{path::PathBuf, time::Duration};

use hyper::Method;
use serde_json::{Value, json};
use shared::testing::HttpClient;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use self::{counters::Counters, report::Report};
use crate::{
    Failure,
    latency::Latencies,
    own_folder,
    stack::Stack,
    stopwatch::now_us,
    swarm::{MARK, Swarm},
};

/// After the sockets, before the first message: what comes of connecting is over by then.
const SETTLE: Duration = Duration::from_secs(3);
/// How long the last deliveries may take.
const ARRIVE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How large, and how much is said.
#[derive(Debug, Clone)]
pub(crate) struct Meeting {
    members: usize,
    online: usize,
    messages: usize,
    /// Messages a second.
    rate: f64,
    programs: PathBuf,
    json: Option<PathBuf>,
}

impl Meeting {
    /// `[--members N] [--online N] [--messages N] [--rate N] [--programs FOLDER] [--json FILE]`.
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut meeting = Self {
            members: 10_000,
            online: 2_000,
            messages: 200,
            rate: 10.0,
            programs: own_folder()?,
            json: None,
        };
        while let Some(word) = given.next() {
            let value = given.next().ok_or(Failure::Usage)?;
            let number = || value.parse().map_err(|_| Failure::Usage);
            match word.as_str() {
                "--members" => meeting.members = number()?,
                "--online" => meeting.online = number()?,
                "--messages" => meeting.messages = number()?,
                "--rate" => meeting.rate = value.parse().map_err(|_| Failure::Usage)?,
                "--programs" => meeting.programs = PathBuf::from(value),
                "--json" => meeting.json = Some(PathBuf::from(value)),
                _ => return Err(Failure::Usage),
            }
        }
        Ok(meeting)
    }

    /// Runs it, prints what came of it, and fails if a message was more than one of anything, or did not arrive.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let stack = Stack::start(&self.programs).await?;
        let crowd = stack.gather(self.members, self.online)?;
        let mut swarm = stack.listen(&crowd)?;
        sleep(SETTLE).await;
        swarm.report()?;

        let mut counters = Counters::connect(stack.database_url(), stack.redis_url()).await?;
        let before = counters.read().await?;
        let begin = Instant::now();
        let answers = self.speak(&stack, &crowd).await?;
        let took = begin.elapsed();
        let (received, late) = self.listen(&mut swarm).await?;
        let after = counters.read().await?;

        let report = Report {
            members: self.members,
            online: self.online,
            messages: self.messages,
            received,
            late,
            answers,
            took,
            done: after.since(&before),
        };
        println!("{report}");
        if let Some(path) = &self.json {
            std::fs::write(path, format!("{:#}\n", report.to_json()))?;
        }
        report.verdict()
    }

    /// Sends the messages at an even pace, each bearing the moment at which it was meant to leave. How long the answers took.
    async fn speak(&self, stack: &Stack, crowd: &Value) -> Result<Latencies, Failure> {
        let token = crowd["online"][0]["token"].as_str();
        let apis: Vec<HttpClient> = stack
            .apis()
            .iter()
            .map(|url| HttpClient::new(url))
            .collect();
        let mut pace = interval(Duration::from_secs_f64(1.0 / self.rate));
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut answers = Latencies::default();
        for (_, api) in (0..self.messages).zip(apis.iter().cycle()) {
            pace.tick().await;
            let at_us = now_us();
            let content = format!(r#"{MARK}{at_us:016}""#);
            let message = json!({"group_id": crowd["group_id"], "content": content});
            let path = "/api/v1/messages";
            let answer = api.send(Method::POST, path, token, Some(&message)).await?;
            if !answer.status.is_success() {
                return Err(Failure::Refused(answer.json.to_string()));
            }
            answers.record(now_us() - at_us);
        }
        Ok(answers)
    }

    /// What has arrived, once everything has, or time is up.
    async fn listen(&self, swarm: &mut Swarm) -> Result<(u64, Latencies), Failure> {
        let expected = u64::try_from(self.messages * self.online).unwrap_or(u64::MAX);
        let deadline = Instant::now() + ARRIVE;
        let (mut received, mut late) = (0, Latencies::default());
        loop {
            let seen = swarm.report()?;
            received += seen.received;
            late.add(&seen.latencies.into());
            if received >= expected || Instant::now() > deadline {
                return Ok((received, late));
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

//! `loadtest presence-storm`: many people who know each other come at once, to two gateways on one Redis.
//!
//! What is to hold: the frames about presence of a second stay within the gateways' budget, whatever happens, and what has
//! nothing to do with presence keeps its latency. Every person has the same number of contacts, the next in a ring.

use std::{path::PathBuf, time::Duration};

use hyper::Method;
use shared::testing::HttpClient;
use tokio::time::{Instant, sleep};

use super::{
    cluster::Cluster,
    load::{Load, Outcome},
    peer::PeerKind,
    stand_in::Ring,
};
use crate::{Failure, own_folder, swarm::Swarm};

/// People outside the ring, who are written to before and meanwhile.
const PROBES: usize = 50;
/// Messages a second to them, all together.
const PROBE_RATE: f64 = 500.0;
/// What a node sends at most, unless it is told otherwise.
const FRAMES_PER_SECOND: u64 = 1000;
/// How long it is listened to before the storm, and how long from its beginning.
const BEFORE: Duration = Duration::from_secs(5);
const MEANWHILE: Duration = Duration::from_secs(30);
/// Between two looks at what the gateways count.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How many people, and with how many contacts each.
#[derive(Debug)]
pub(crate) struct Storm {
    people: usize,
    contacts: usize,
    programs: PathBuf,
}

/// What the gateways counted, from the storm's beginning.
#[derive(Debug, Default)]
struct Counted {
    frames: u64,
    asks: u64,
    /// The most between two moments a second apart.
    frames_a_second: u64,
    online: u64,
    /// When everybody had been told of, at the latest.
    online_after: Duration,
}

impl Storm {
    /// `[--people N] [--contacts N] [--programs FOLDER]`.
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut storm = Self {
            people: 10_000,
            contacts: 200,
            programs: own_folder()?,
        };
        while let Some(word) = given.next() {
            let value = given.next().ok_or(Failure::Usage)?;
            let number = || value.parse().map_err(|_| Failure::Usage);
            match word.as_str() {
                "--people" => storm.people = number()?,
                "--contacts" => storm.contacts = number()?,
                "--programs" => storm.programs = PathBuf::from(value),
                _ => return Err(Failure::Usage),
            }
        }
        Ok(storm)
    }

    /// Runs it, prints what came of it, and fails if the bound did not hold.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let cluster = Cluster::start(PeerKind::Hubbub, &self.programs).await?;
        cluster.know_each_other(Ring {
            first: PROBES + 1,
            people: self.people,
            contacts: self.contacts,
        });
        let mut probes = cluster.connect(1..=PROBES, false)?;
        let load = |lasts| Load {
            in_room: false,
            people: PROBES,
            rate: PROBE_RATE,
            lasts,
        };
        let before = load(BEFORE).run(&cluster, &mut probes).await?;
        let began = Instant::now();
        let mut storm = cluster.begin(PROBES + 1..=PROBES + self.people)?;
        let meanwhile = load(MEANWHILE);
        let (meanwhile, counted) = tokio::join!(
            meanwhile.run(&cluster, &mut probes),
            count(&cluster, began + MEANWHILE)
        );
        storm.iter_mut().try_for_each(Swarm::ready)?;
        self.tell(&before, &meanwhile?, &counted?, cluster.nodes.len())
    }

    fn tell(
        &self,
        before: &Outcome,
        meanwhile: &Outcome,
        counted: &Counted,
        nodes: usize,
    ) -> Result<(), Failure> {
        // A second's budget goes out in tenths, of which eleven may lie within any second.
        let budget = FRAMES_PER_SECOND * u64::try_from(nodes).unwrap_or(u64::MAX);
        let bound = budget + budget / 10;
        let pairs = self.people * self.contacts;
        println!(
            "{} people with {} contacts each: {pairs} pairs",
            self.people, self.contacts
        );
        println!(
            "online {} within {:.1} s; frames about presence {}, of which {} ask; at most {} a second, bound {bound}",
            counted.online,
            counted.online_after.as_secs_f64(),
            counted.frames,
            counted.asks,
            counted.frames_a_second
        );
        for (when, outcome) in [("before", before), ("meanwhile", meanwhile)] {
            let [p50, p99] = [0.5, 0.99].map(|share| outcome.latencies.quantile_ms(share));
            println!(
                "{when}: messages {} of {}, {} listeners sent away, p50 {p50:.1} ms, p99 {p99:.1} ms, {:.1} s of processor time",
                outcome.received, outcome.expected, outcome.closed, outcome.cpu_seconds
            );
        }
        if counted.frames_a_second > bound {
            return Err(Failure::Refused("the bound does not hold".to_owned()));
        }
        Ok(())
    }
}

/// Looks at what the gateways count until then.
async fn count(cluster: &Cluster, until: Instant) -> Result<Counted, Failure> {
    let began = Instant::now();
    let clients = cluster.metrics.iter();
    let clients: Vec<HttpClient> = clients
        .map(|addr| HttpClient::new(&format!("http://{addr}")))
        .collect();
    let mut counted = Counted::default();
    let mut looks: Vec<(Instant, u64)> = Vec::new();
    while Instant::now() < until {
        let (mut frames, mut asks, mut online) = (0, 0, 0);
        for client in &clients {
            let answer = client.send(Method::GET, "/metrics", None, None).await?;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            frames += sum(&text, "hubbub_presence_frames_total");
            asks += sum(&text, r#"hubbub_presence_frames_total{kind="ask"}"#);
            online += sum(&text, r#"hubbub_presence_transitions_total{to="online"}"#);
        }
        if online > counted.online {
            counted.online_after = began.elapsed();
        }
        let now = Instant::now();
        let second_ago = looks
            .iter()
            .rfind(|(at, _)| now - *at >= Duration::from_secs(1));
        if let Some((at, then)) = second_ago {
            // As it would have been in exactly a second.
            let millis = u64::try_from((now - *at).as_millis()).unwrap_or(u64::MAX);
            let rate = (frames - then) * 1000 / millis;
            counted.frames_a_second = counted.frames_a_second.max(rate);
        }
        looks.push((now, frames));
        (counted.frames, counted.asks, counted.online) = (frames, asks, online);
        sleep(LOOK_EVERY).await;
    }
    Ok(counted)
}

/// Of all series whose name and labels start like this.
fn sum(metrics: &str, series: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with(series));
    let values = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
    values.sum()
}

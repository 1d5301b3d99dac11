//! Messages at a rate, whatever becomes of them: each has a time at which it is meant to leave, and is late from then on.

use std::time::Duration;

use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, sleep, sleep_until},
};

use super::{
    audience::{Audience, Publisher},
    cluster::Cluster,
};
use crate::{Failure, latency::Latencies, stopwatch::now_us, swarm::Swarm};

/// Between two batches.
const PERIOD: Duration = Duration::from_millis(5);
/// Batches that were not acknowledged yet.
const BATCHES_MAX: usize = 8;
/// How long what was sent may take to arrive before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(3);

/// A second at one rate, and what came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) expected: u64,
    pub(super) closed: u64,
    pub(super) latencies: Latencies,
    pub(super) cpu_seconds: f64,
    /// How late the last message left.
    pub(super) publisher_late: Duration,
}

impl Outcome {
    /// Nothing lost, nobody cut off, and 99 of 100 in time.
    pub(super) fn is_good(&self) -> bool {
        let in_time = self.latencies.quantile_ms(0.99) <= 250.0;
        in_time && self.received == self.expected && self.closed == 0
    }

    /// Seconds of processor time that the nodes took for a million deliveries.
    pub(super) fn cpu_per_million(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts of a measurement")]
        let millions = self.received as f64 / 1e6;
        self.cpu_seconds / millions
    }
}

fn see_off(batch: Option<Result<Result<(), Failure>, JoinError>>) -> Result<(), Failure> {
    batch.map_or(Ok(()), |ended| ended.map_err(std::io::Error::other)?)
}

/// Who is spoken to, and how often.
pub(super) struct Load {
    /// Everybody in the room hears each message; otherwise one person, in turn.
    pub(super) in_room: bool,
    pub(super) people: usize,
    /// Messages a second.
    pub(super) rate: f64,
    pub(super) lasts: Duration,
}

impl Load {
    pub(super) async fn run(
        &self,
        cluster: &Cluster,
        swarms: &mut [Swarm],
    ) -> Result<Outcome, Failure> {
        for swarm in &mut *swarms {
            swarm.report()?;
        }
        let cpu_before = cluster.cpu_seconds()?;
        let (sent, publisher_late) = self.send(&cluster.publisher).await?;
        let audience = if self.in_room { self.people } else { 1 };
        let expected = sent * u64::try_from(audience).expect("few");

        let mut outcome = Outcome {
            sent,
            received: 0,
            expected,
            closed: 0,
            latencies: Latencies::default(),
            cpu_seconds: 0.0,
            publisher_late,
        };
        let give_up = Instant::now() + PATIENCE;
        while outcome.received < expected && Instant::now() < give_up {
            sleep(Duration::from_millis(50)).await;
            for swarm in &mut *swarms {
                let seen = swarm.report()?;
                outcome.received += seen.received;
                outcome.closed += seen.closed;
                outcome.latencies.add(&seen.latencies.into());
            }
        }
        outcome.cpu_seconds = cluster.cpu_seconds()? - cpu_before;
        Ok(outcome)
    }

    /// Sends in batches, each message with the time at which it was due. A batch does not wait for the one before, as those of
    /// other pods would not.
    async fn send(&self, publisher: &Publisher) -> Result<(u64, Duration), Failure> {
        let (begin, begin_us) = (Instant::now(), now_us());
        let (mut sent, mut tick) = (0_u64, 0_u32);
        let mut under_way = JoinSet::new();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rate times a time is a count"
        )]
        let (due_after, due_at_us) = (
            |elapsed: Duration| (self.rate * elapsed.as_secs_f64()) as u64,
            |number: u64| begin_us + (number as f64 / self.rate * 1e6) as u64,
        );
        let people = u64::try_from(self.people).expect("few");
        loop {
            tick += 1;
            let at = PERIOD * tick;
            if at > self.lasts {
                break;
            }
            sleep_until(begin + at).await;
            let due = due_after(at);
            let messages: Vec<_> = (sent..due)
                .map(|number| {
                    let audience = if self.in_room {
                        Audience::Room
                    } else {
                        Audience::Person(number % people + 1)
                    };
                    (audience, due_at_us(number + 1))
                })
                .collect();
            if !messages.is_empty() {
                if under_way.len() == BATCHES_MAX {
                    see_off(under_way.join_next().await)?;
                }
                let publisher = publisher.clone();
                under_way.spawn(async move { publisher.publish(&messages).await });
            }
            sent = due;
        }
        while !under_way.is_empty() {
            see_off(under_way.join_next().await)?;
        }
        Ok((sent, begin.elapsed().saturating_sub(self.lasts)))
    }
}

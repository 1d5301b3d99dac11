//! The works that are measured.

use std::{path::Path, str::FromStr, time::Duration};

use tokio::time::sleep;

use super::{cluster::Cluster, load::Load, peer::PeerKind};
use crate::Failure;

/// A work, and what is asked about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scenario {
    /// Memory of connections on which nothing happens.
    Idle,
    /// What a delivery costs in a room of many, at a rate that is easy.
    Room,
    /// The same in a room whose clients speak Socket.IO.
    SocketIo,
    /// How many deliveries a second in that room, before somebody waits too long.
    Knee,
    /// Everybody on a channel of their own: how many messages a second.
    People,
    /// How often a second somebody can come, hear a message, and leave.
    Cycles,
}

/// How big, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    idle: usize,
    room: usize,
    /// Deliveries a second; a search begins with so many.
    room_rate: f64,
    people: usize,
    /// Messages a second, to begin the search with.
    people_rate: f64,
    cycling: usize,
    lasts: Duration,
    /// Until memory is counted.
    settles: Duration,
}

impl Size {
    pub(super) const FULL: Self = Self {
        idle: 38_000,
        room: 2000,
        room_rate: 100_000.0,
        people: 10_000,
        people_rate: 5000.0,
        cycling: 2000,
        lasts: Duration::from_secs(5),
        settles: Duration::from_secs(5),
    };
    /// To see that it works.
    pub(super) const QUICK: Self = Self {
        idle: 200,
        room: 50,
        room_rate: 1000.0,
        people: 50,
        people_rate: 200.0,
        cycling: 50,
        lasts: Duration::from_millis(500),
        settles: Duration::from_millis(100),
    };
    /// At another rate, of deliveries in a room and of messages to people.
    pub(super) const fn at(self, rate: f64) -> Self {
        Self {
            room_rate: rate,
            people_rate: rate,
            ..self
        }
    }

    /// Steps of a search; the quick one only shows that there is a next.
    const fn steps(&self) -> usize {
        if self.idle == Self::QUICK.idle { 2 } else { 40 }
    }
}

/// From one step of a search to the next.
const STEP: f64 = 1.2;

/// A rate that does not hold is tried so often: what else the machine does for a moment is no knee.
const TRIES: usize = 3;

/// What is to be reached (issues 3 and 6).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Aim {
    /// This figure or less.
    UpTo(f64),
    /// This share of what the peer beside reaches, or less.
    UpToShare(f64),
    /// This share of what the peer beside reaches, or more.
    FromShare(f64),
}

impl Aim {
    /// `None` where there is nothing to hold it against. Whoever reached nothing has not met it.
    pub(super) fn is_met(self, ours: Option<f64>, beside: Option<f64>) -> Option<bool> {
        let bound = match self {
            Self::UpTo(most) => most,
            Self::UpToShare(share) | Self::FromShare(share) => share * beside?,
        };
        Some(ours.is_some_and(|ours| match self {
            Self::UpTo(_) | Self::UpToShare(_) => ours <= bound,
            Self::FromShare(_) => ours >= bound,
        }))
    }
}

/// Figures with their units.
pub(super) type Figures = Vec<(&'static str, f64)>;

impl FromStr for Scenario {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Self, Failure> {
        let found = Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == name);
        found.ok_or(Failure::Usage)
    }
}

impl Scenario {
    pub(super) const ALL: [Self; 6] = [
        Self::Idle,
        Self::Room,
        Self::SocketIo,
        Self::Knee,
        Self::People,
        Self::Cycles,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Room => "room",
            Self::SocketIo => "socketio",
            Self::Knee => "knee",
            Self::People => "people",
            Self::Cycles => "cycles",
        }
    }

    pub(super) const fn peers(self) -> &'static [PeerKind] {
        match self {
            Self::SocketIo => &[
                PeerKind::Hubbub,
                PeerKind::SocketIo,
                PeerKind::HubbubDurable,
                PeerKind::SocketIoDurable,
            ],
            Self::People => &[PeerKind::Bare, PeerKind::Hubbub, PeerKind::HubbubDurable],
            _ => &[PeerKind::Bare, PeerKind::Hubbub],
        }
    }

    /// The figure that the aim is about.
    pub(super) const fn figure(self) -> &'static str {
        match self {
            Self::Idle => "resident KiB per connection",
            Self::Room | Self::SocketIo => "CPU seconds per million",
            Self::Knee => "deliveries a second at the knee",
            Self::People => "messages a second at the knee",
            Self::Cycles => "cycles a second",
        }
    }

    /// What is asked of this peer; nothing of those that it is measured by.
    pub(super) const fn aim(self, peer: PeerKind) -> Option<Aim> {
        Some(match (self, peer) {
            (_, PeerKind::Bare) | (Self::SocketIo, PeerKind::Hubbub | PeerKind::HubbubDurable) => {
                return None;
            }
            (Self::SocketIo, _) => Aim::UpToShare(1.3),
            (Self::Idle, _) => Aim::UpTo(1.5),
            (Self::Room, _) => Aim::UpToShare(1.0),
            (Self::People, PeerKind::HubbubDurable) => Aim::FromShare(0.4),
            (Self::Knee | Self::People, _) => Aim::FromShare(0.9),
            (Self::Cycles, _) => Aim::FromShare(0.7),
        })
    }

    pub(super) async fn run(
        self,
        peer: PeerKind,
        size: &Size,
        programs: &Path,
    ) -> Result<Figures, Failure> {
        eprintln!("{}: {}", self.name(), peer.name());
        let cluster = Cluster::start(peer, programs).await?;
        match self {
            Self::Idle => idle(&cluster, size).await,
            Self::Room | Self::SocketIo => room(&cluster, size).await,
            Self::Knee => knee(&cluster, size).await,
            Self::People => people(&cluster, size).await,
            Self::Cycles => cycles(&cluster, size).await,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a measurement")]
const fn real(count: usize) -> f64 {
    count as f64
}

async fn idle(cluster: &Cluster, size: &Size) -> Result<Figures, Failure> {
    // What a node needs once is not what a connection needs.
    let warm = cluster.connect(1..=2, false)?;
    drop(warm);
    sleep(size.settles).await;
    let before = cluster.resident_kib()?;
    let half = size.idle / 2;
    let first = cluster.connect(1..=half, false)?;
    sleep(size.settles).await;
    let with_half = cluster.resident_kib()?;
    let second = cluster.connect(half + 1..=size.idle, false)?;
    sleep(size.settles).await;
    let cpu_before = cluster.cpu_seconds()?;
    sleep(size.lasts).await;
    let cpu = cluster.cpu_seconds()? - cpu_before;
    let kib = cluster.resident_kib()? - before;
    drop(second);
    // What a channel needs is kept for those who come back at once.
    sleep(size.settles * 3).await;
    let kept = cluster.resident_kib()? - with_half;
    drop(first);
    Ok(vec![
        ("connections", real(size.idle)),
        ("resident KiB per connection", kib / real(size.idle)),
        ("of it kept for each that went", kept / real(half)),
        ("CPU % of one core", cpu / size.lasts.as_secs_f64() * 100.0),
    ])
}

async fn room(cluster: &Cluster, size: &Size) -> Result<Figures, Failure> {
    let mut swarms = cluster.connect(1..=size.room, true)?;
    let load = room_load(size, size.room_rate);
    load.run(cluster, &mut swarms).await?;
    let outcome = load.run(cluster, &mut swarms).await?;
    let lost = outcome.expected - outcome.received;
    #[expect(clippy::cast_precision_loss, reason = "counts of a measurement")]
    let lost = lost as f64;
    Ok(vec![
        ("deliveries a second", size.room_rate),
        ("CPU seconds per million", outcome.cpu_per_million()),
        ("p50 ms", outcome.latencies.quantile_ms(0.5)),
        ("p99 ms", outcome.latencies.quantile_ms(0.99)),
        ("lost", lost),
    ])
}

fn room_load(size: &Size, deliveries: f64) -> Load {
    Load {
        in_room: true,
        people: size.room,
        rate: deliveries / real(size.room),
        lasts: size.lasts,
    }
}

async fn knee(cluster: &Cluster, size: &Size) -> Result<Figures, Failure> {
    let load = |deliveries| room_load(size, deliveries);
    search(cluster, size, (Scenario::Knee, size.room_rate), load).await
}

/// Goes up with the rate until it does not hold, and tells the last that did. Those who were cut off are replaced before the
/// next try.
async fn search(
    cluster: &Cluster,
    size: &Size,
    (scenario, first): (Scenario, f64),
    load_at: impl Fn(f64) -> Load,
) -> Result<Figures, Failure> {
    let (mut rate, mut good) = (first, Vec::new());
    let mut swarms = None;
    for _ in 0..size.steps() {
        let load = load_at(rate);
        let mut held = false;
        for _ in 0..TRIES {
            let connected = match swarms.take() {
                Some(connected) => connected,
                None => cluster.connect(1..=load.people, load.in_room)?,
            };
            let connected = swarms.insert(connected);
            let outcome = load.run(cluster, connected).await?;
            eprintln!("  {rate:.0} a second: {}", report_step(&outcome));
            held = outcome.is_good();
            if held {
                good = vec![
                    (scenario.figure(), rate),
                    ("CPU seconds per million", outcome.cpu_per_million()),
                    ("p50 ms", outcome.latencies.quantile_ms(0.5)),
                    ("p99 ms", outcome.latencies.quantile_ms(0.99)),
                ];
                break;
            }
            // What is still on its way must not be counted with the next.
            swarms = None;
            sleep(size.settles).await;
        }
        if !held {
            break;
        }
        rate *= STEP;
    }
    Ok(good)
}

async fn people(cluster: &Cluster, size: &Size) -> Result<Figures, Failure> {
    let load = |rate| Load {
        in_room: false,
        people: size.people,
        rate,
        lasts: size.lasts,
    };
    search(cluster, size, (Scenario::People, size.people_rate), load).await
}

fn report_step(outcome: &super::load::Outcome) -> String {
    format!(
        "{} sent, {} of {} received, {} cut off, p99 {:.1} ms, publisher late {:.0?}, {:.2} CPU seconds",
        outcome.sent,
        outcome.received,
        outcome.expected,
        outcome.closed,
        outcome.latencies.quantile_ms(0.99),
        outcome.publisher_late,
        outcome.cpu_seconds,
    )
}

async fn cycles(cluster: &Cluster, size: &Size) -> Result<Figures, Failure> {
    const AT_ONCE: usize = 32;
    let mut swarm = cluster.cycle(size.cycling, AT_ONCE)?;
    sleep(size.settles).await;
    swarm.report()?;
    let cpu_before = cluster.cpu_seconds()?;
    sleep(size.lasts).await;
    let cpu = cluster.cpu_seconds()? - cpu_before;
    let seen = swarm.report()?;
    let latencies = crate::latency::Latencies::from(seen.latencies);
    #[expect(clippy::cast_precision_loss, reason = "counts of a measurement")]
    let (done, failed) = (seen.received as f64, seen.closed as f64);
    Ok(vec![
        ("cycles a second", done / size.lasts.as_secs_f64()),
        ("CPU ms per cycle", cpu * 1000.0 / done),
        ("p99 ms", latencies.quantile_ms(0.99)),
        ("failed", failed),
    ])
}

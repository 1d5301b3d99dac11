//! Many sockets in a process of their own, so that their cost is not that of what is measured, nor their descriptors.
//!
//! `loadtest swarm` is started by other commands. It reads one line of JSON ([`Plan`]), a line for each socket
//! (`address path token person`), and then one [`Word`] a line; it answers each with one line.

mod cycle;
mod frames;
mod process;
mod socket;

use std::{
    io::{BufRead, stdin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use serde::{Deserialize, Serialize};
use tokio::{runtime::Builder, sync::Semaphore, task::JoinSet};

pub(crate) use cycle::Cycling;
pub(crate) use frames::MARK;
pub(crate) use process::{Swarm, raise_descriptors};
pub(crate) use socket::SOCKET_IO;

use socket::Door;

use crate::{
    Failure,
    latency::{Buckets, Latencies},
};

/// Handshakes that are under way at once, in each thread.
const CONNECTING: usize = 64;
const THREADS: usize = 2;

/// What a swarm is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// How many lines follow.
    pub(crate) sockets: usize,
    /// Instead of holding connections: come, hear one message, leave.
    pub(crate) cycling: Option<Cycling>,
}

/// What a swarm is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Say when everybody is connected.
    Ready,
    /// Say what was counted, and count anew.
    Report,
}

/// What a swarm has seen.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Messages of ours that arrived.
    pub(crate) received: u64,
    /// Sockets that ended without being told to.
    pub(crate) closed: u64,
    /// How late the messages were, in microseconds, from when they were meant to leave.
    pub(crate) latencies: Buckets,
}

/// What the sockets of one process count.
#[derive(Debug, Default)]
struct Tally {
    connected: AtomicU64,
    closed: AtomicU64,
    latencies: Mutex<Latencies>,
}

impl Tally {
    fn heard(&self, late_us: u64) {
        let mut latencies = self.latencies.lock().expect("nobody panics with it");
        latencies.record(late_us);
    }

    fn take(&self) -> Seen {
        let mut latencies = self.latencies.lock().expect("nobody panics with it");
        let latencies = std::mem::take(&mut *latencies);
        Seen {
            received: latencies.count(),
            closed: self.closed.swap(0, Ordering::Relaxed),
            latencies: latencies.to_buckets(),
        }
    }
}

/// The process: `loadtest swarm`.
pub(crate) fn run() -> Result<(), Failure> {
    raise_descriptors();
    let mut lines = stdin().lock().lines();
    let mut line = || match lines.next() {
        Some(Ok(line)) => Ok(line),
        _ => Err(Failure::Refused("nobody tells what to do".to_owned())),
    };
    let plan: Plan =
        serde_json::from_str(&line()?).map_err(|error| Failure::Refused(error.to_string()))?;
    let mut doors = Vec::with_capacity(plan.sockets);
    for _ in 0..plan.sockets {
        doors.push(line()?.parse()?);
    }
    let tally = Arc::new(Tally::default());
    start_threads(doors, plan.cycling.as_ref(), &tally);
    let wanted = u64::try_from(plan.sockets).expect("few");
    while let Ok(word) = line() {
        match Word::parse(&word)? {
            Word::Ready => {
                process::wait_until(|| tally.connected.load(Ordering::Relaxed) >= wanted);
            }
            Word::Report => {}
        }
        let seen = serde_json::to_string(&tally.take()).expect("numbers can be told");
        println!("{seen}");
    }
    Ok(())
}

impl Word {
    fn parse(text: &str) -> Result<Self, Failure> {
        match text {
            "ready" => Ok(Self::Ready),
            "report" => Ok(Self::Report),
            _ => Err(Failure::Refused(format!("no word {text}"))),
        }
    }
}

/// Each has a share of the sockets; they end with the process.
fn start_threads(doors: Vec<Door>, cycling: Option<&Cycling>, tally: &Arc<Tally>) {
    let mut shares: Vec<Vec<Door>> = (0..THREADS).map(|_| Vec::new()).collect();
    for (number, door) in doors.into_iter().enumerate() {
        shares[number % THREADS].push(door);
    }
    for share in shares {
        let (tally, cycling) = (Arc::clone(tally), cycling.cloned());
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime can be made");
            match cycling {
                Some(cycling) => runtime.block_on(cycle::run(share, &cycling, &tally)),
                None => runtime.block_on(hold(share, &tally)),
            }
        });
    }
}

/// Connects everybody and listens until the process ends.
async fn hold(doors: Vec<Door>, tally: &Arc<Tally>) {
    let gate = Arc::new(Semaphore::new(CONNECTING));
    let mut sockets = JoinSet::new();
    for door in doors {
        let permit = Arc::clone(&gate).acquire_owned().await;
        let permit = permit.expect("the gate is never closed");
        let tally = Arc::clone(tally);
        sockets.spawn(async move {
            match door.enter().await {
                Ok(socket) => {
                    tally.connected.fetch_add(1, Ordering::Relaxed);
                    drop(permit);
                    socket.listen(&tally).await;
                }
                Err(error) => eprintln!("not connected: {error}"),
            }
            tally.closed.fetch_add(1, Ordering::Relaxed);
        });
    }
    while sockets.join_next().await.is_some() {}
}

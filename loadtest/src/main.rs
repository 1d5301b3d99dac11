#![doc = include_str!("../README.md")]
#![expect(
    clippy::print_stdout,
    reason = "a command line client talks on standard output"
)]

use std::{path::PathBuf, process::ExitCode};

use api::Reading;
use feed::Following;
use gateway::{Measurement, Storm};
use group::Meeting;
use probe::Probe;
use soak::Soak;

mod account;
mod api;
mod feed;
mod gateway;
mod group;
mod latency;
mod line;
mod probe;
mod send;
mod soak;
mod stack;
mod stopwatch;
mod swarm;
mod tail;

const USAGE: &str = "\
loadtest tail USER [--url URL] [--password PASSWORD]
    prints that user's live events as they come, one line each
loadtest send FROM TO TEXT [--url URL] [--password PASSWORD]
    sends a message over a socket
loadtest probe FROM TO [--every SECONDS] [--metrics ADDRESS] [--url URL] [--password PASSWORD]
    sends a message over HTTP and awaits it on a WebSocket and on a poll; fails if one does not come within ten seconds.
    With --every over and over, with --metrics as hubbub_probe_* for Prometheus
loadtest gateway [idle|room|socketio|knee|people|cycles ...] [--quick] [--rate N] [--repeats N] [--programs FOLDER]
                 [--json FILE]
    measures the gateway beside the least that does the same work (loadtest/peers/bare), a room at so many deliveries a
    second [default: 100000]
loadtest api [--people N] [--posts N] [--follows N] [--likes N] [--comments N] [--online N] [--requests N]
             [--connections N] [--limits on|off] [--programs FOLDER] [--json FILE]
    measures reading posts and feeds on a large population, on the stores of DATABASE_URL and REDIS_URL
loadtest feed [--followers N] [--online N] [--programs FOLDER] [--json FILE]
    measures one post by somebody whom very many follow, on the stores of DATABASE_URL and REDIS_URL
loadtest group [--members N] [--online N] [--messages N] [--rate N] [--programs FOLDER] [--json FILE]
    measures messages to one large group, on the stores of DATABASE_URL and REDIS_URL
loadtest presence-storm [--people N] [--contacts N] [--programs FOLDER]
    has people who know each other come at once, and counts what they are told [default: 10000 with 200]
loadtest soak [--people N] [--minutes N] [--programs FOLDER] [--json FILE]
    people who come, go, talk, join and leave for a long time, while a gateway and Redis are killed [default: 20000 for 10]

  --url       where Hubbub is [default: http://127.0.0.1:8080]
  --password  of the user who signs in [default: hubbub-demo, the demo users' own]";

/// Where the other programs are, unless told: beside this one.
fn own_folder() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()?;
    Ok(own.parent().ok_or(Failure::Usage)?.to_owned())
}

/// What went wrong, for the person at the terminal.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{USAGE}")]
    Usage,
    #[error("{0}")]
    NoAnswer(#[from] shared::testing::NoAnswer),
    #[error("{0}")]
    NoConnection(#[from] shared::testing::ConnectError),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    System(#[from] std::io::Error),
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
}

struct Arguments {
    words: Vec<String>,
    url: String,
    password: String,
}

impl Arguments {
    fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut arguments = Self {
            words: Vec::new(),
            url: "http://127.0.0.1:8080".to_owned(),
            password: "hubbub-demo".to_owned(),
        };
        while let Some(argument) = given.next() {
            match argument.as_str() {
                "--url" => arguments.url = given.next().ok_or(Failure::Usage)?,
                "--password" => arguments.password = given.next().ok_or(Failure::Usage)?,
                flag if flag.starts_with("--") => return Err(Failure::Usage),
                _ => arguments.words.push(argument),
            }
        }
        Ok(arguments)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let mut given = std::env::args().skip(1).peekable();
    let command = given.next_if(|word| {
        matches!(
            word.as_str(),
            "api"
                | "feed"
                | "gateway"
                | "group"
                | "presence-storm"
                | "probe"
                | "soak"
                | "soak-listeners"
                | "swarm"
        )
    });
    match command.as_deref() {
        Some("api") => return Reading::parse(given)?.run().await,
        Some("feed") => return Following::parse(given)?.run().await,
        Some("gateway") => return Measurement::parse(given)?.run().await,
        Some("probe") => return Probe::parse(given)?.run().await,
        Some("group") => return Meeting::parse(given)?.run().await,
        Some("soak") => return Soak::parse(given)?.run().await,
        Some("soak-listeners") => return soak::listen().await,
        Some("presence-storm") => return Storm::parse(given)?.run().await,
        Some(_) => return swarm::run(),
        None => {}
    }
    let arguments = Arguments::parse(given)?;
    let sign_in = |name: String| account::sign_in(&arguments.url, name, &arguments.password);
    let words: Vec<&str> = arguments.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tail", user] => tail::tail(&sign_in((*user).to_owned()).await?).await,
        ["send", from, to, text] => send::send(&sign_in((*from).to_owned()).await?, to, text).await,
        _ => Err(Failure::Usage),
    }
}

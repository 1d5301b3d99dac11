//! A swarm from outside, and what its process needs of the system.

use std::{
    io::{self, BufRead, BufReader, BufWriter, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::{Plan, Seen};
use crate::Failure;

/// As many sockets as the system lets one process have.
pub(crate) fn raise_descriptors() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        eprintln!("the limit of descriptors stays as it is: {error}");
    }
}

/// Asks every few milliseconds; whoever started this process ends it when that takes too long.
#[expect(
    clippy::disallowed_methods,
    reason = "this thread has nothing else to do, and no runtime"
)]
pub(super) fn wait_until(is: impl Fn() -> bool) {
    while !is() {
        thread::sleep(Duration::from_millis(5));
    }
}

/// A running swarm; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Swarm {
    process: Child,
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Swarm {
    /// Starts one; each of the lines is a socket's `address path token person`.
    pub(crate) fn start(plan: &Plan, lines: &[String]) -> Result<Self, Failure> {
        let own = std::env::current_exe()?;
        let mut process = Command::new(own)
            .arg("swarm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (tell, told) = (process.stdin.take(), process.stdout.take());
        let (tell, told) = (tell.expect("piped"), told.expect("piped"));
        let mut lines_out = BufWriter::new(&tell);
        let plan = serde_json::to_string(plan).expect("a plan can be told");
        writeln!(lines_out, "{plan}")?;
        for line in lines {
            writeln!(lines_out, "{line}")?;
        }
        lines_out.flush()?;
        drop(lines_out);
        Ok(Self {
            process,
            tell,
            told: BufReader::new(told),
        })
    }

    /// Waits until everybody is connected.
    pub(crate) fn ready(&mut self) -> Result<(), Failure> {
        self.ask("ready").map(drop)
    }

    /// What was seen since the last time.
    pub(crate) fn report(&mut self) -> Result<Seen, Failure> {
        self.ask("report")
    }

    fn ask(&mut self, word: &str) -> Result<Seen, Failure> {
        writeln!(self.tell, "{word}")?;
        let mut line = String::new();
        if self.told.read_line(&mut line)? == 0 {
            return Err(io::Error::other("the swarm has ended").into());
        }
        serde_json::from_str(&line).map_err(|error| Failure::Refused(error.to_string()))
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        // It has nothing to put in order.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

//! Which process a pid means, and which processes are below it.
//!
//! Pids are used again, soon in a container; a pid is only safe to kill together with its birth.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// A process that cannot be confused with a later one of the same pid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The number that the system gives and takes back.
    pub(crate) pid: i32,
    /// When it started, in whatever way this system tells; only compared.
    birth: String,
}

impl Identity {
    /// The process that has this pid now; `None` when there is none.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        Some(Self {
            pid,
            birth: birth(pid)?,
        })
    }

    /// Whether that very process still exists. A zombie, which only waits for its parent, does not.
    pub(crate) fn lives(&self) -> bool {
        birth(self.pid).as_ref() == Some(&self.birth)
    }

    /// Whether not even its pid is left. A zombie still has one, and PostgreSQL takes it for a server.
    pub(crate) fn is_gone(&self) -> bool {
        !self.lives() && kill(Pid::from_raw(self.pid), None) == Err(Errno::ESRCH)
    }

    /// Kills it and everything below it, unless it is gone already.
    pub(crate) fn kill(&self) {
        if self.lives() {
            signal_tree(self.pid, Signal::SIGKILL);
        }
    }
}

/// Sends a signal to a process and to all below it, from the top: a PostgreSQL whose postmaster
/// is frozen while its sessions go on is not paused, and one that was killed while its sessions
/// are left cannot be started again. Those that are gone already need no signal.
pub(crate) fn signal_tree(pid: i32, signal: Signal) {
    signal_one(pid, signal);
    for below in descendants(pid) {
        signal_one(below, signal);
    }
}

/// Sends a signal to one process; one that is gone already needs none.
pub(crate) fn signal_one(pid: i32, signal: Signal) {
    match kill(Pid::from_raw(pid), signal) {
        // The only errors are "gone" and "not yours"; neither leaves anything to do.
        Ok(()) | Err(_) => {}
    }
}

/// Everything below a process, parents before children.
pub(crate) fn descendants(pid: i32) -> Vec<i32> {
    let all = parents();
    let mut found = vec![pid];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(
            all.iter()
                .filter(|(_, of)| *of == parent)
                .map(|(child, _)| *child),
        );
        next += 1;
    }
    found.split_off(1)
}

/// When the process with this pid started; `None` when there is none, or only a zombie.
fn birth(pid: i32) -> Option<String> {
    if !Path::new("/proc/self/stat").exists() {
        return ask_ps(&["-o", "lstart=", "-p", &pid.to_string()])
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
    }
    let stat = Stat::read(pid)?;
    (stat.state != "Z").then_some(stat.start)
}

/// Every process with its parent, as (pid, parent).
fn parents() -> Vec<(i32, i32)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return parents_from_ps();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, Stat::read(pid)?.parent)))
        .collect()
}

/// macOS has no `/proc`.
fn parents_from_ps() -> Vec<(i32, i32)> {
    let text = ask_ps(&["-A", "-o", "pid=,ppid="]).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .collect()
}

fn ask_ps(arguments: &[&str]) -> Option<String> {
    let output = Command::new("ps").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()
}

/// The fields of `/proc/PID/stat` that matter here.
struct Stat {
    state: String,
    parent: i32,
    start: String,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The second field is the program's name in brackets and may hold blanks and brackets itself.
    fn parse(text: &str) -> Option<Self> {
        let (_, after_name) = text.rsplit_once(')')?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        Some(Self {
            state: (*fields.first()?).to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            start: (*fields.get(19)?).to_owned(),
        })
    }
}

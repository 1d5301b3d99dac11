//! What runs, and where: for people and for programs.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use crate::control;
use crate::error::{Doing, Error, Result};
use crate::name::Name;

#[cfg(test)]
mod tests;

/// What `./dev status --json` prints. Tests and tools read it, so fields are only ever added.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The public URL.
    pub(crate) url: String,
    /// The demo page, with the token of its buttons.
    pub(crate) demo_url: String,
    /// The processes that are ours, in the order in which they start.
    pub(crate) processes: Vec<ProcessReport>,
    /// As the programs were given it.
    #[serde(rename = "DATABASE_URL")]
    pub(crate) database_url: String,
    /// As the programs were given it.
    #[serde(rename = "REDIS_URL")]
    pub(crate) redis_url: String,
    /// As the programs were given it.
    #[serde(rename = "JWT_SECRET")]
    pub(crate) jwt_secret: String,
    /// The folder of the programs that run.
    pub(crate) programs: PathBuf,
}

/// One process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ProcessReport {
    /// Which.
    pub(crate) name: Name,
    /// Its pid, also after its death; 0 when it was never started.
    pub(crate) pid: i32,
    /// Its main port.
    pub(crate) port: u16,
    /// Its port for `/healthz`, `/readyz` and `/metrics`, if it has one.
    pub(crate) metrics_port: Option<u16>,
    /// How it is reached.
    pub(crate) url: String,
    /// What it does.
    pub(crate) state: ProcessState,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProcessState {
    /// It runs.
    Running,
    /// It was stopped with `pause`.
    Paused,
    /// It ended or was killed, and waits for `start`.
    Dead,
}

impl ProcessState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Dead => "dead",
        }
    }
}

/// The command `status`.
pub(crate) fn run(json: bool) -> Result<ExitCode> {
    match control::ask_status() {
        Ok(report) if json => println!("{}", to_json(&report)?),
        Ok(report) => print!("{}", for_people(&report)),
        Err(Error::NotRunning) if json => {
            println!("{}", serde_json::json!({ "running": false }));
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error),
    }
    Ok(ExitCode::SUCCESS)
}

fn to_json(report: &Report) -> Result<String> {
    serde_json::to_string_pretty(report).doing(|| "write the status as JSON")
}

fn for_people(report: &Report) -> String {
    let lines = report.processes.iter().map(|process| {
        let ProcessReport { name, pid, .. } = process;
        let state = process.state.as_str();
        format!(
            "  {name:<10} {state:<8} pid {pid:<8} {}\n",
            without_password(&process.url)
        )
    });
    std::iter::once(format!("Hubbub is at {}\n\n", report.url))
        .chain(lines)
        .collect()
}

/// A URL to show on a screen that others may see.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((_, address)) => format!("{scheme}://{address}"),
        None => url.to_owned(),
    }
}

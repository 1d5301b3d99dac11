//! Licences, sources and duplicates of the dependencies, always; known weaknesses where the
//! database of them can be reached.

use std::process::Stdio;

use super::step::{Runner, cargo};
use super::tools;
use crate::error::{Doing, Result};

/// The audit of the dependencies.
pub(super) fn run(runner: &Runner) -> Result<()> {
    let path = tools::ensure_deny(runner)?;
    let deny = |arguments: &[&str]| {
        let mut command = cargo(["deny", "--locked"]);
        command
            .args(arguments)
            .env("PATH", &path)
            .current_dir(runner.root());
        command
    };
    runner.step(
        "dependencies",
        deny(&["check", "bans", "licenses", "sources"]),
    )?;

    let mut fetch = deny(&["fetch", "db"]);
    fetch.stdout(Stdio::null()).stderr(Stdio::null());
    if !fetch.status().doing(|| "run cargo deny fetch")?.success() {
        println!("── advisories: NOT CHECKED, the advisory database cannot be fetched from here");
        return Ok(());
    }
    runner.step("advisories", deny(&["check", "advisories"]))
}

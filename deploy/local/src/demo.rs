//! `tail` and `send`: the main job in two terminals. The `loadtest` program does it.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::control;
use crate::error::{Doing, Result};

/// Becomes `loadtest` with these arguments, against the running instance.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let report = control::ask_status()?;
    let program = report.programs.join("loadtest");
    let failure = Command::new(&program)
        .args(arguments)
        .args(["--url", &report.url])
        .exec();
    Err(failure).doing(|| format!("run {}", program.display()))
}

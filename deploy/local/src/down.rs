//! `down`: stops the instance, and with `--wipe` removes every trace of it.

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use crate::control::{self, Request};
use crate::error::{Doing, Error, Result};
use crate::identity::Identity;
use crate::layout::Layout;
use crate::patience::{StopWishes, wait_for};
use crate::state::{self, Lock, State};
use crate::user::remove_postgres_folder;

/// How long a supervisor may take to stop everything before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(90);

/// How long the system may take to clear away a supervisor that has ended.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// The command `down`.
pub(crate) fn run(layout: &Layout, wipe: bool) -> Result<ExitCode> {
    if !layout.dev().exists() {
        println!("nothing runs here");
        return Ok(ExitCode::SUCCESS);
    }
    layout.prepare()?;
    let (lock, said) = match Lock::take(layout)? {
        Some(lock) => (lock, "nothing runs here"),
        None => (stop(layout)?, "stopped"),
    };
    state::reap(&lock, layout)?;
    println!("{said}");
    if wipe {
        remove_postgres_folder(layout)?;
        fs::remove_dir_all(layout.dev()).doing(|| "remove .dev")?;
        println!("all data is forgotten");
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks the supervisor to stop everything; kills it when it does not.
fn stop(layout: &Layout) -> Result<Lock> {
    let supervisor = State::load(layout)?.map(|state| state.supervisor);
    let lock = stop_supervisor(layout)?;
    if let Some(supervisor) = supervisor {
        let gone = || Ok(supervisor.is_gone().then_some(()));
        wait_for("stopping", KILL_LIMIT, &StopWishes::default(), gone)?;
    }
    Ok(lock)
}

fn stop_supervisor(layout: &Layout) -> Result<Lock> {
    match control::ask(&Request::Stop) {
        // It answers, or it has ended before it could: the lock tells.
        Ok(_) | Err(Error::NotRunning) => {}
        Err(error) => eprintln!("dev: {error}"),
    }
    if let Some(lock) = wait_for_lock(layout, STOP_LIMIT)? {
        return Ok(lock);
    }
    eprintln!("dev: the supervisor does not stop; it is killed");
    if let Some(state) = State::load(layout)? {
        Identity::kill(&state.supervisor);
    }
    wait_for_lock(layout, KILL_LIMIT)?
        .ok_or_else(|| Error::told("the supervisor cannot be stopped"))
}

fn wait_for_lock(layout: &Layout, limit: Duration) -> Result<Option<Lock>> {
    wait_for("stopping", limit, &StopWishes::default(), || {
        Lock::take(layout)
    })
}

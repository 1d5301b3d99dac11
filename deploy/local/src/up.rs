//! `up`: prepare, then be the supervisor, or start one and wait until all is ready.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::cli::UpOptions;
use crate::error::{Doing, Error, Result};
use crate::instance::Instance;
use crate::layout::Layout;
use crate::patience::{StopWishes, wait_for};
use crate::state::{Lock, State};
use crate::supervisor::Supervisor;
use crate::{
    balancer, control, environment, identity, packages, page, postgres, prometheus, redis,
};

/// How long a detached supervisor may take until all is ready.
const DETACH_LIMIT: Duration = Duration::from_mins(10);

/// The command `up`.
pub(crate) fn run(layout: &Layout, options: &UpOptions) -> Result<ExitCode> {
    layout.prepare()?;
    if Lock::take(layout)?.is_none() {
        return runs_already(options);
    }
    install_packages(options)?;
    build(layout, options)?;
    page::build(layout);
    if options.detach {
        detach(layout, options)
    } else {
        supervise_here(layout, options)
    }
}

/// For a script that wants it to run, with --detach, this is success; for somebody who wants to see it
/// run in this terminal it is not.
fn runs_already(options: &UpOptions) -> Result<ExitCode> {
    let message = match control::ask_status() {
        Ok(report) => format!("Hubbub runs already at {}; ./dev down stops it", report.url),
        Err(_) => "Hubbub is being started or stopped already".to_owned(),
    };
    if options.detach {
        println!("{message}");
        return Ok(ExitCode::SUCCESS);
    }
    Err(Error::Told(message))
}

/// Installs what is needed and missing.
fn install_packages(options: &UpOptions) -> Result<()> {
    let mut missing = Vec::new();
    if environment::database_url().is_none() && postgres::find().is_none() {
        missing.push(packages::POSTGRESQL);
    }
    if environment::redis_url().is_none() && redis::find().is_none() {
        missing.push(packages::REDIS);
    }
    if balancer::find().is_none() {
        missing.push(packages::HAPROXY);
    }
    if options.observe && prometheus::find().is_none() {
        missing.push(packages::PROMETHEUS);
    }
    packages::install(&missing)
}

fn build(layout: &Layout, options: &UpOptions) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(layout.root()).args(["build", "--bins"]);
    cargo.args([
        "--package",
        "api",
        "--package",
        "gateway",
        "--package",
        "loadtest",
    ]);
    if options.release {
        cargo.arg("--release");
    }
    let status = cargo.status().doing(|| "run cargo build")?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::told("the programs do not build"))
    }
}

fn supervise_here(layout: &Layout, options: &UpOptions) -> Result<ExitCode> {
    match Supervisor::new(layout, options)? {
        Some(supervisor) => supervisor.run(|instance| announce(instance, "Ctrl-C"))?,
        None => return runs_already(options),
    }
    Ok(ExitCode::SUCCESS)
}

/// The hidden command `supervise`: what `up --detach` leaves running.
pub(crate) fn supervise(layout: &Layout, options: &UpOptions) -> Result<ExitCode> {
    // A session of its own: closing the terminal is not a wish to stop.
    nix::unistd::setsid().doing(|| "leave the terminal's session")?;
    match Supervisor::new(layout, options)? {
        Some(supervisor) => supervisor.run(|instance| announce(instance, "./dev down"))?,
        None => return Err(Error::told("Hubbub runs already")),
    }
    Ok(ExitCode::SUCCESS)
}

fn detach(layout: &Layout, options: &UpOptions) -> Result<ExitCode> {
    let stop = StopWishes::default();
    hear_wishes(&stop)?;
    let doing = || "start the supervisor";
    let path = layout.log("supervisor");
    let log = File::create(&path).doing(doing)?;
    let mut supervisor = Command::new(Layout::own_program()?)
        .arg("supervise")
        .args(options.to_arguments())
        .stdin(Stdio::null())
        .stdout(log.try_clone().doing(doing)?)
        .stderr(log)
        .spawn()
        .doing(doing)?;
    let mut progress = File::open(&path).doing(doing)?;
    let ready = wait_for("starting", DETACH_LIMIT, &stop, || {
        show(&mut progress)?;
        if let Some(status) = supervisor.try_wait().doing(doing)? {
            return Ok(Some(status.success()));
        }
        Ok(is_ready(layout, &supervisor)?.then_some(true))
    });
    if !matches!(ready, Ok(Some(_))) {
        stop_supervisor(&mut supervisor)?;
    }
    show(&mut progress)?;
    match ready? {
        Some(true) => Ok(ExitCode::SUCCESS),
        Some(false) => Ok(ExitCode::FAILURE),
        None => Err(Error::told("it was not ready in time")),
    }
}

/// Counts Ctrl-C and SIGTERM as wishes to stop.
pub(crate) fn hear_wishes(stop: &StopWishes) -> Result<()> {
    let mut signals =
        signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).doing(|| "listen for signals")?;
    let stop = stop.clone();
    std::thread::spawn(move || signals.forever().for_each(|_| stop.add()));
    Ok(())
}

/// Shows what the supervisor has said since the last time.
fn show(progress: &mut File) -> Result<()> {
    let doing = || "show what the supervisor says";
    let mut news = Vec::new();
    progress.read_to_end(&mut news).doing(doing)?;
    std::io::stdout().write_all(&news).doing(doing)
}

fn is_ready(layout: &Layout, supervisor: &Child) -> Result<bool> {
    let state = State::load(layout)?;
    Ok(state.is_some_and(|state| {
        state.ready && u32::try_from(state.supervisor.pid) == Ok(supervisor.id())
    }))
}

fn stop_supervisor(supervisor: &mut Child) -> Result<()> {
    if let Ok(pid) = i32::try_from(supervisor.id()) {
        identity::signal_one(pid, nix::sys::signal::Signal::SIGTERM);
    }
    supervisor
        .wait()
        .doing(|| "wait for the supervisor")
        .map(drop)
}

/// Says where it is and what to try.
fn announce(instance: &Instance, how_to_stop: &str) {
    let (url, demo) = (instance.public_url(), instance.demo_url());
    println!(
        "
Hubbub runs at {url}    ({how_to_stop} stops it)

Open {demo}
(two people side by side; with buttons that kill a gateway), or try, in two terminals:
  ./dev tail bo
  ./dev send ana bo hello
or without them:
  curl -i {url}/api/v1/auth/login -H 'content-type: application/json' \\
       -d '{{\"username\": \"ana\", \"password\": \"hubbub-demo\"}}'
"
    );
    if let Some(graph) = instance.graph_url() {
        println!("Prometheus watches: {graph}\n");
    }
}

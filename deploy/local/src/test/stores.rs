//! A PostgreSQL and a Redis for one run of the tests, in a folder that goes with them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::step::Runner;
use crate::child::{Child, Launch};
use crate::error::{Doing, Error, Result};
use crate::identity::Identity;
use crate::layout::Layout;
use crate::patience::{StopWishes, wait_for};
use crate::ports::{self, Reserved};
use crate::postgres::{self, Postgres};
use crate::redis::{self, Redis};
use crate::secrets::Secrets;
use crate::user::{Owner, give};
use crate::{name::Name, packages};

/// The database that tests copy.
const TEMPLATE: &str = "hubbub_template";

/// How long a store may take until it is ready.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// How long PostgreSQL may take to end before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// How often a store is started on another port because somebody was quicker.
const PORT_TRIES: usize = 5;

/// The folder of a run is called this and the pid of the run.
const FOLDER_PREFIX: &str = "hubbub-test-";

/// Both stores. They end, and their folder goes, when this is dropped.
pub(crate) struct Stores {
    folder: Folder,
    postgres: Postgres,
    postgres_port: u16,
    redis: Redis,
    redis_port: u16,
    /// Each with the signal that ends it at once: PostgreSQL still gives its shared memory back then.
    running: Vec<(Child, Signal)>,
}

impl Stores {
    /// Starts both, PostgreSQL with these settings.
    pub(crate) fn start(stop: &StopWishes, settings: &'static [&'static str]) -> Result<Self> {
        install_missing()?;
        let folder = Folder::make()?;
        let owner = Owner::for_postgres()?;
        let secrets = Secrets::generate()?;
        let postgres = Postgres {
            programs: postgres::find().ok_or_else(|| Error::told("there is no postgresql"))?,
            folder: folder.0.join("postgres"),
            owner,
            password: secrets.postgres,
        };
        fs::create_dir(&postgres.folder).doing(|| "make a folder for PostgreSQL")?;
        give(&postgres.folder, owner)?;
        let redis = Redis {
            program: redis::find().ok_or_else(|| Error::told("there is no redis-server"))?,
            folder: folder.0.join("redis"),
            password: secrets.redis,
        };
        let mut stores = Self {
            folder,
            postgres,
            postgres_port: 0,
            redis,
            redis_port: 0,
            running: Vec::new(),
        };
        stores.start_postgres(stop, settings)?;
        stores.start_redis(stop)?;
        Ok(stores)
    }

    fn start_postgres(
        &mut self,
        stop: &StopWishes,
        settings: &'static [&'static str],
    ) -> Result<()> {
        let log = self.folder.0.join("postgres.log");
        self.postgres.make(TEMPLATE, &log)?;
        let postgres = &self.postgres;
        let launch = |port| Ok(postgres.launch(port, settings));
        let ready = |child: &Child, _| postgres.is_ready(child);
        let (child, port) = start(Name::Postgres, &log, stop, launch, ready)?;
        self.postgres_port = port;
        self.running.push((child, Signal::SIGQUIT));
        Ok(())
    }

    fn start_redis(&mut self, stop: &StopWishes) -> Result<()> {
        let log = self.folder.0.join("redis.log");
        let redis = &self.redis;
        let ready = |_: &Child, port| redis.is_ready(port);
        let (child, port) = start(Name::Redis, &log, stop, |port| redis.launch(port), ready)?;
        self.redis_port = port;
        self.running.push((child, Signal::SIGTERM));
        Ok(())
    }

    /// Makes the schema once; every test copies it.
    pub(super) fn migrate_template(&self, runner: &Runner) -> Result<()> {
        self.run_api(runner, &Layout::programs(false)?, "migrate")
    }

    /// Runs a sub-command of `api` that needs nothing but the database.
    pub(crate) fn run_api(&self, runner: &Runner, programs: &Path, subcommand: &str) -> Result<()> {
        let mut command = Command::new(programs.join("api"));
        command.arg(subcommand).env("LOG_FORMAT", "text");
        let name = format!("{subcommand} the database");
        runner.step(&name, self.tell_program(command))
    }

    /// Tells a program of ours where the stores are.
    pub(crate) fn tell_program(&self, mut command: Command) -> Command {
        command
            .env(
                "DATABASE_URL",
                self.postgres.url(self.postgres_port, TEMPLATE),
            )
            .env("REDIS_URL", self.redis.url(self.redis_port));
        command
    }

    /// Tells a command where the stores are, and where the programs are for tests that start their own.
    pub(super) fn tell(&self, mut command: Command) -> Command {
        command
            .env(
                "TEST_DATABASE_URL",
                self.postgres.url(self.postgres_port, "postgres"),
            )
            .env("TEST_TEMPLATE_DATABASE", TEMPLATE)
            .env("TEST_REDIS_URL", self.redis.url(self.redis_port))
            .env("PG_BIN_DIR", &self.postgres.programs)
            .env("REDIS_SERVER", &self.redis.program);
        command
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        for (child, signal) in &mut self.running {
            let asked = child.signal(*signal);
            let ended = wait_for("stopping", STOP_LIMIT, &StopWishes::default(), || {
                child.ended()
            });
            if asked.is_err() || !matches!(ended, Ok(Some(_))) {
                drop(child.kill());
            }
        }
    }
}

fn install_missing() -> Result<()> {
    let mut missing = Vec::new();
    if postgres::find().is_none() {
        missing.push(packages::POSTGRESQL);
    }
    if redis::find().is_none() {
        missing.push(packages::REDIS);
    }
    packages::install(&missing)
}

/// Starts a store and waits until it is ready; one that finds its port taken gets another.
fn start(
    name: Name,
    log: &Path,
    stop: &StopWishes,
    launch: impl Fn(u16) -> Result<Launch>,
    is_ready: impl Fn(&Child, u16) -> bool,
) -> Result<(Child, u16)> {
    for _ in 0..PORT_TRIES {
        let port = Reserved::choose(name)?.ports().main;
        let mut child = launch(port)?.spawn(log)?;
        let ended = wait_for(&format!("starting {name}"), READY_LIMIT, stop, || {
            let ended = child.ended()?;
            Ok((ended.is_some() || is_ready(&child, port)).then_some(ended))
        });
        match ended {
            Ok(Some(None)) => return Ok((child, port)),
            Ok(Some(Some(status))) if !ports::was_taken(&child.last_words()?) => {
                return Err(child.obituary(name.as_str(), status));
            }
            Ok(Some(Some(_))) => {}
            Ok(None) => {
                child.kill()?;
                return Err(Error::told(format!("{name} was not ready in time")));
            }
            Err(error) => {
                child.kill()?;
                return Err(error);
            }
        }
    }
    Err(Error::told(format!(
        "{name} found its port taken {PORT_TRIES} times"
    )))
}

/// A folder that is removed with everything in it when this is dropped.
struct Folder(PathBuf);

impl Folder {
    /// Makes it, passable for PostgreSQL's user, and removes those of runs that were killed.
    fn make() -> Result<Self> {
        let owner = Owner::for_postgres()?;
        // Root's own folder for temporary files may be closed to others.
        let base = if owner.is_some() {
            PathBuf::from("/tmp")
        } else {
            std::env::temp_dir()
        };
        sweep(&base);
        let folder = base.join(format!("{FOLDER_PREFIX}{}", std::process::id()));
        fs::create_dir(&folder).doing(|| format!("make the folder {}", folder.display()))?;
        let passable = fs::Permissions::from_mode(0o711);
        fs::set_permissions(&folder, passable).doing(|| "set the mode of the tests' folder")?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("dev: cannot remove {}: {error}", self.0.display());
        }
    }
}

/// Removes the folders of runs that are no more.
fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|name| name.strip_prefix(FOLDER_PREFIX)?.parse().ok());
        if pid.is_some_and(|pid| Identity::of(pid).is_none()) {
            // Another user's cannot be removed, and need not be.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

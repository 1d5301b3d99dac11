//! Starting a process so that it can never outlive us, and watching it.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use nix::sys::signal::Signal;

use crate::environment;
use crate::error::{Doing, Error, Result};
use crate::identity::{self, Identity};
use crate::user::Owner;

#[cfg(test)]
mod tests;

/// How much of a log is looked at for a process's last words, in bytes.
const LAST_WORDS_BYTES_MAX: u64 = 16 * 1024;

/// How many lines of last words are shown.
const LAST_WORDS_LINES_MAX: usize = 25;

/// What to start, and how.
#[derive(Debug)]
pub(crate) struct Launch {
    command: Command,
    /// For error messages.
    shown: String,
}

impl Launch {
    /// A program, in a process group of its own (Ctrl-C reaches only us, and we stop things in
    /// order), which the system kills when our main thread ends, whatever ended it.
    ///
    /// `setpriv` replaces itself with the program, so the pid is the program's. macOS has no such
    /// signal: there the pids in the state file are reaped at the next start.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let shown = program.as_ref().to_string_lossy().into_owned();
        let mut command = match environment::find_program("setpriv") {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.process_group(0).stdin(Stdio::null());
        Self { command, shown }
    }

    /// Adds arguments.
    pub(crate) fn args<T: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// A server that is not ours: it starts from `/` and sees nothing of our environment, where
    /// `PGDATA` or a translation of messages could change what it does.
    pub(crate) fn isolated(mut self) -> Self {
        let path = std::env::join_paths(environment::search_path()).unwrap_or_default();
        self.command
            .env_clear()
            .env("PATH", path)
            .env("LC_ALL", "C")
            .current_dir("/");
        self
    }

    /// Gives up root's rights first, if there is an owner to run as.
    pub(crate) fn run_as(mut self, owner: Option<Owner>) -> Self {
        if let Some(owner) = owner {
            self.command.uid(owner.uid).gid(owner.gid).current_dir("/");
        }
        self
    }

    /// Runs it to its end, in silence; false also when it could not be started.
    pub(crate) fn succeeds(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        self.command.status().is_ok_and(|status| status.success())
    }

    /// Starts it; what it says is added to the log file.
    pub(crate) fn spawn(mut self, log: &Path) -> Result<Child> {
        let (file, log_start) = open_log(log)?;
        let errors = file
            .try_clone()
            .doing(|| format!("share {}", log.display()))?;
        let program = format!("start {}", self.shown);
        let process = self
            .command
            .stdout(file)
            .stderr(errors)
            .spawn()
            .doing(|| program)?;
        let pid = i32::try_from(process.id()).expect("pids of every system we know fit 31 bits");
        let identity = Identity::of(pid);
        Ok(Child {
            process,
            pid,
            identity,
            log: log.to_owned(),
            log_start,
            ended: None,
        })
    }
}

/// Opens a log to append to it; also tells how long it is already.
fn open_log(path: &Path) -> Result<(File, u64)> {
    let doing = || format!("open {}", path.display());
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .doing(doing)?;
    let length = file.seek(SeekFrom::End(0)).doing(doing)?;
    Ok((file, length))
}

/// A process that we started.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    pid: i32,
    identity: Option<Identity>,
    log: PathBuf,
    /// Where in the log its own words begin.
    log_start: u64,
    ended: Option<ExitStatus>,
}

impl Child {
    /// Its pid; nobody else's until [`Child::ended`] has said that it ended.
    pub(crate) const fn pid(&self) -> i32 {
        self.pid
    }

    /// What tells it from later processes; `None` when it ended at once.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// How it ended, or `None` while it runs.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self
                .process
                .try_wait()
                .doing(|| "see whether a child has ended")?;
        }
        Ok(self.ended)
    }

    /// Whether its end has been seen; [`Child::ended`] looks.
    pub(crate) const fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Waits for its end, without a limit: for short jobs that end by themselves.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.process.wait().doing(|| "wait for a child")?;
        self.ended = Some(status);
        Ok(status)
    }

    /// Sends it a signal; nothing happens once it has ended.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.ended()?.is_none() {
            identity::signal_one(self.pid, signal);
        }
        Ok(())
    }

    /// Sends a signal to it and to all below it; nothing happens once it has ended.
    pub(crate) fn signal_tree(&mut self, signal: Signal) -> Result<()> {
        if self.ended()?.is_none() {
            identity::signal_tree(self.pid, signal);
        }
        Ok(())
    }

    /// Kills it and all below it, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.signal_tree(Signal::SIGKILL)?;
        self.wait().map(drop)
    }

    /// The last lines that it wrote since it was started.
    pub(crate) fn last_words(&self) -> Result<String> {
        let doing = || format!("read {}", self.log.display());
        let mut file = File::open(&self.log).doing(doing)?;
        let end = file.metadata().doing(doing)?.len();
        let start = self.log_start.max(end.saturating_sub(LAST_WORDS_BYTES_MAX));
        file.seek(SeekFrom::Start(start)).doing(doing)?;
        let mut bytes = Vec::new();
        file.take(LAST_WORDS_BYTES_MAX)
            .read_to_end(&mut bytes)
            .doing(doing)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        let first = lines.len().saturating_sub(LAST_WORDS_LINES_MAX);
        Ok(lines[first..].join("\n"))
    }

    /// The error that tells how it ended and what it said last.
    pub(crate) fn obituary(&self, name: &str, status: ExitStatus) -> Error {
        let words = self.last_words().unwrap_or_else(|error| error.to_string());
        let words = if words.is_empty() {
            "(it said nothing)"
        } else {
            &words
        };
        Error::told(format!(
            "{name} ended ({status}). Its last words:\n\n{words}\n"
        ))
    }
}

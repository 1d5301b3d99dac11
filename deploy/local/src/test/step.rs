//! Running one step of `test` in the terminal.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command};

use nix::sys::signal::Signal;

use crate::error::{Doing, Error, Result};
use crate::identity;
use crate::layout::Layout;
use crate::patience::{StopWishes, now, pause};

/// Runs steps from the repository's root.
pub(crate) struct Runner {
    layout: Layout,
    stop: StopWishes,
}

impl Runner {
    pub(crate) fn new(layout: &Layout, stop: StopWishes) -> Self {
        Self {
            layout: layout.clone(),
            stop,
        }
    }

    pub(crate) const fn stop(&self) -> &StopWishes {
        &self.stop
    }

    pub(super) fn root(&self) -> &Path {
        self.layout.root()
    }

    /// Runs a step to its end. It shares our process group, so Ctrl-C reaches it by itself; a signal that
    /// was sent to us alone is handed on.
    pub(crate) fn step(&self, name: &str, mut command: Command) -> Result<()> {
        println!("── {name}: {}", shown(&command));
        let begin = now();
        if command.get_current_dir().is_none() {
            command.current_dir(self.root());
        }
        let child = command.spawn().doing(|| format!("run the step {name}"))?;
        if self.see_off(name, child)? {
            println!(
                "── {name}: passed in {:.1} s",
                begin.elapsed().as_secs_f64()
            );
            return Ok(());
        }
        Err(Error::told(format!("the step \"{name}\" failed")))
    }

    /// Waits for the end of a step, as long as that takes. Whether it succeeded.
    fn see_off(&self, name: &str, mut child: Child) -> Result<bool> {
        let doing = || format!("wait for the step {name}");
        let pid = i32::try_from(child.id()).expect("pids of every system we know fit 31 bits");
        loop {
            if let Some(status) = child.try_wait().doing(doing)? {
                return if self.stop.any() {
                    Err(Error::Interrupted(format!("running the step {name}")))
                } else {
                    Ok(status.success())
                };
            }
            if self.stop.any() {
                identity::signal_one(pid, Signal::SIGTERM);
                child.wait().doing(doing)?;
            }
            pause();
        }
    }
}

/// Cargo with arguments.
pub(crate) fn cargo<T: AsRef<OsStr>>(arguments: impl IntoIterator<Item = T>) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments);
    command
}

/// The command line as one would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

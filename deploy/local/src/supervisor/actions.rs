//! What can be done to one process of a running instance, to see how the others take it.

use nix::sys::signal::Signal;

use super::{Held, Supervisor};
use crate::error::{Error, Result};
use crate::instance::Instance;
use crate::name::Name;
use crate::status::ProcessState;

impl Supervisor {
    /// Kills it as a power failure would: with everything below it, without a word.
    pub(super) fn kill(&mut self, name: Name) -> Result<String> {
        let held = self.living(name)?;
        held.told = true;
        held.child.kill()?;
        Ok(format!("{name} is killed; ./dev start {name} starts it"))
    }

    /// Freezes it, with everything below it.
    pub(super) fn pause(&mut self, name: Name) -> Result<String> {
        let held = self.living(name)?;
        held.child.signal_tree(Signal::SIGSTOP)?;
        held.paused = true;
        Ok(format!("{name} is paused"))
    }

    /// Lets it go on.
    pub(super) fn resume(&mut self, name: Name) -> Result<String> {
        let held = self.living(name)?;
        held.child.signal_tree(Signal::SIGCONT)?;
        held.paused = false;
        Ok(format!("{name} runs"))
    }

    /// Starts it again, where it was: the others know its address.
    pub(super) fn start_again(&mut self, name: Name) -> Result<String> {
        self.refuse_foreign(name)?;
        match self.held.get_mut(&name).map(Held::look).transpose()? {
            Some(ProcessState::Running) => Err(Error::told(format!("{name} runs already"))),
            Some(ProcessState::Paused) => Err(Error::told(format!(
                "{name} is paused; ./dev resume {name} lets it go on"
            ))),
            Some(ProcessState::Dead) | None => {
                self.spawn(name)?;
                self.wait_until_ready_here(name)?;
                Ok(format!("{name} is ready"))
            }
        }
    }

    fn refuse_foreign(&self, name: Name) -> Result<()> {
        if self.instance.is_ours(name) {
            Ok(())
        } else {
            Err(Instance::not_ours(name))
        }
    }

    fn living(&mut self, name: Name) -> Result<&mut Held> {
        self.refuse_foreign(name)?;
        let dead = || Error::told(format!("{name} does not run; ./dev start {name} starts it"));
        let held = self.held.get_mut(&name).ok_or_else(dead)?;
        if held.look()? == ProcessState::Dead {
            Err(dead())
        } else {
            Ok(held)
        }
    }
}

impl Held {
    /// Its state at this moment.
    fn look(&mut self) -> Result<ProcessState> {
        self.child.ended()?;
        Ok(self.state())
    }
}

//! Stopping everything, each before what it needs.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::Supervisor;
use crate::error::Result;
use crate::layout::Layout;
use crate::name::Name;
use crate::patience::{StopWishes, wait_for};

/// How long a process may take to stop in order before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(15);

impl Supervisor {
    /// Stops everything. One more Ctrl-C stops asking and kills.
    pub(super) fn stop_all(&mut self) -> Result<()> {
        let now = self.stop.further();
        for tier in Name::STOP_ORDER {
            self.ask_to_stop(tier)?;
            self.see_off(tier, &now)?;
        }
        let layout = self.instance.layout();
        for path in [layout.state().as_path(), Layout::CONTROL_SOCKET.as_ref()] {
            // What is not there need not be removed.
            drop(fs::remove_file(path));
        }
        Ok(())
    }

    fn ask_to_stop(&mut self, tier: &[Name]) -> Result<()> {
        for name in tier {
            let Some(held) = self.held.get_mut(name) else {
                continue;
            };
            held.told = true;
            held.child.signal(stop_signal(*name))?;
            if held.paused {
                held.child.signal_tree(Signal::SIGCONT)?;
            }
        }
        Ok(())
    }

    /// Waits for their end, and kills what takes too long.
    fn see_off(&mut self, tier: &[Name], now: &StopWishes) -> Result<()> {
        for name in tier {
            let Some(held) = self.held.get_mut(name) else {
                continue;
            };
            let doing = format!("stopping {name}");
            let ended = wait_for(&doing, STOP_LIMIT, now, || held.child.ended());
            if !matches!(ended, Ok(Some(_))) {
                held.child.kill()?;
            }
        }
        Ok(())
    }
}

/// PostgreSQL waits for its clients on SIGTERM; on SIGINT it sends them away.
const fn stop_signal(name: Name) -> Signal {
    match name {
        Name::Postgres => Signal::SIGINT,
        _ => Signal::SIGTERM,
    }
}

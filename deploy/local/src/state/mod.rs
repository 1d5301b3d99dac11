//! What a supervisor leaves behind on disk while it lives, for the next one to clean up after it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Doing, Error, Result};
use crate::identity::Identity;
use crate::layout::Layout;
use crate::patience::{StopWishes, wait_for};
use crate::secrets::write_private;

#[cfg(test)]
mod tests;

/// How long killed processes may take to go. They are not ours, so somebody else must take note of
/// their end; where nobody does, we go on.
const GONE_LIMIT: Duration = Duration::from_secs(5);

/// The processes of an instance.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The process that started the others.
    pub(crate) supervisor: Identity,
    /// Whether all was ready once.
    pub(crate) ready: bool,
    /// Its children, and what was below those that are paused: a frozen session of PostgreSQL does not
    /// notice that its server has died.
    pub(crate) processes: Vec<Identity>,
}

impl State {
    /// The state on disk; `None` when there is none.
    pub(crate) fn load(layout: &Layout) -> Result<Option<Self>> {
        match fs::read(layout.state()) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .doing(|| "read .dev/state.json")
                .map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Io {
                doing: "read .dev/state.json".into(),
                source,
            }),
        }
    }

    /// Puts it on disk.
    pub(crate) fn save(&self, layout: &Layout) -> Result<()> {
        let text = serde_json::to_string(self).doing(|| "write .dev/state.json")?;
        write_private(&layout.state(), &text)
    }
}

/// Proof that no other supervisor of this checkout lives. The system takes the lock back when its
/// holder dies, however it dies.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock; `None` when a supervisor holds it.
    pub(crate) fn take(layout: &Layout) -> Result<Option<Self>> {
        let doing = || "lock .dev/lock";
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(layout.lock())
            .doing(doing)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(Error::Io {
                doing: doing().into(),
                source,
            }),
        }
    }
}

/// Ends what a supervisor that was killed has left running. Only its successor may, who has the lock.
pub(crate) fn reap(_lock: &Lock, layout: &Layout) -> Result<()> {
    if let Some(state) = State::load(layout)? {
        state.processes.iter().for_each(Identity::kill);
        wait_for(
            "waiting for what was left",
            GONE_LIMIT,
            &StopWishes::default(),
            || Ok(state.processes.iter().all(Identity::is_gone).then_some(())),
        )?;
        fs::remove_file(layout.state()).doing(|| "remove .dev/state.json")?;
    }
    Ok(())
}

//! Where things are: the repository, and `.dev/` in it with all that an instance leaves on disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Doing, Error, Result};

/// Paths of this checkout.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The supervisor's Unix socket, relative to the root.
    pub(crate) const CONTROL_SOCKET: &str = ".dev/control.sock";

    /// The repository around the current directory, which becomes the current directory: the
    /// control socket is addressed relative to it, because a socket's path may have 107 bytes at most.
    pub(crate) fn find() -> Result<Self> {
        let start = std::env::current_dir().doing(|| "see the current directory")?;
        let root = start
            .ancestors()
            .find(|folder| folder.join("deploy/haproxy.cfg").is_file())
            .ok_or_else(|| Error::told("this is not a folder of the Hubbub repository"))?;
        std::env::set_current_dir(root).doing(|| "go to the repository's root")?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// A checkout that is only a folder.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The repository's root folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of everything that an instance leaves on disk.
    pub(crate) fn dev(&self) -> PathBuf {
        self.root.join(".dev")
    }

    /// Held (an advisory file lock) for as long as a supervisor lives.
    pub(crate) fn lock(&self) -> PathBuf {
        self.dev().join("lock")
    }

    /// Pids to be reaped should the supervisor die without cleaning up.
    pub(crate) fn state(&self) -> PathBuf {
        self.dev().join("state.json")
    }

    /// Passwords and signing secret of this checkout, mode 0600.
    pub(crate) fn secrets(&self) -> PathBuf {
        self.dev().join("secrets.json")
    }

    /// Folder of the log files, one for each process.
    pub(crate) fn logs(&self) -> PathBuf {
        self.dev().join("log")
    }

    /// The log file of a process or of the supervisor.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }

    /// PostgreSQL's folder: a real one, or a link to one that its user can reach.
    pub(crate) fn postgres(&self) -> PathBuf {
        self.dev().join("postgres")
    }

    /// Redis's folder.
    pub(crate) fn redis(&self) -> PathBuf {
        self.dev().join("redis")
    }

    /// Prometheus's folder.
    pub(crate) fn prometheus(&self) -> PathBuf {
        self.dev().join("prometheus")
    }

    /// The folder of built programs, found beside this one: `CARGO_TARGET_DIR` and
    /// `.cargo/config.toml` may put it anywhere.
    pub(crate) fn programs(release: bool) -> Result<PathBuf> {
        Ok(target()?.join(if release { "release" } else { "debug" }))
    }

    /// This program's file. A build that runs meanwhile, such as that of `test`, may have put a newer one there; the system then
    /// calls the one that runs "(deleted)".
    pub(crate) fn own_program() -> Result<PathBuf> {
        Ok(own_file()?.with_file_name(env!("CARGO_PKG_NAME")))
    }

    /// Where tools that `test` needs are installed: built things, so they go where those are.
    pub(crate) fn tools() -> Result<PathBuf> {
        Ok(target()?.join("tools"))
    }

    /// The balancer's configuration, the same that is deployed.
    pub(crate) fn haproxy_configuration(&self) -> PathBuf {
        self.root.join("deploy/haproxy.cfg")
    }

    /// Makes `.dev/` and its log folder. Others may pass through `.dev/` (PostgreSQL's user must),
    /// but not list it.
    pub(crate) fn prepare(&self) -> Result<()> {
        fs::create_dir_all(self.logs()).doing(|| "make the folder .dev/log")?;
        let passable = fs::Permissions::from_mode(0o711);
        fs::set_permissions(self.dev(), passable).doing(|| "set the mode of .dev")?;
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(self.logs(), private).doing(|| "set the mode of .dev/log")
    }
}

/// Cargo's target folder: this program was built into a folder of it.
fn target() -> Result<PathBuf> {
    let own = own_file()?;
    let target = own.parent().and_then(Path::parent);
    Ok(target
        .ok_or_else(|| Error::told("my own program file has no folder"))?
        .to_owned())
}

fn own_file() -> Result<PathBuf> {
    std::env::current_exe().doing(|| "find my own program file")
}

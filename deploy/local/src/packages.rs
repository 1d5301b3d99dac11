//! Installing what the machine lacks: with apt or brew, only what is missing, and not without saying so.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::unistd::Uid;

use crate::environment;
use crate::error::{Doing, Error, Result};

/// A package by its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Package {
    apt: &'static str,
    brew: &'static str,
}

/// The database server.
pub(crate) const POSTGRESQL: Package = Package {
    apt: "postgresql",
    brew: "postgresql@17",
};
/// The event bus.
pub(crate) const REDIS: Package = Package {
    apt: "redis-server",
    brew: "redis",
};
/// The balancer.
pub(crate) const HAPROXY: Package = Package {
    apt: "haproxy",
    brew: "haproxy",
};
/// The other balancer whose configuration is deployed.
pub(crate) const NGINX: Package = Package {
    apt: "nginx",
    brew: "nginx",
};
/// What stands before PostgreSQL where there are many pods.
pub(crate) const PGBOUNCER: Package = Package {
    apt: "pgbouncer",
    brew: "pgbouncer",
};
/// Certificates for tests of TLS.
pub(crate) const OPENSSL: Package = Package {
    apt: "openssl",
    brew: "openssl",
};
/// Prometheus, and `promtool`, which tests alert rules.
pub(crate) const PROMETHEUS: Package = Package {
    apt: "prometheus",
    brew: "prometheus",
};
/// Python with virtual environments.
pub(crate) const PYTHON: Package = Package {
    apt: "python3-venv",
    brew: "python",
};

/// The JavaScript runtime.
pub(crate) const NODE: Package = Package {
    apt: "nodejs",
    brew: "node",
};
/// Its package manager; Homebrew's `node` has it.
pub(crate) const NPM: Package = Package {
    apt: "npm",
    brew: "node",
};
/// The browser of the tests.
pub(crate) const CHROMIUM: Package = Package {
    apt: "chromium",
    brew: "chromium",
};

/// Something to write with: Debian's browser comes without, macOS has its own.
pub(crate) const FONTS: Package = Package {
    apt: "fonts-dejavu-core",
    brew: "chromium",
};
/// The signs that are pictures.
pub(crate) const EMOJI: Package = Package {
    apt: "fonts-noto-color-emoji",
    brew: "chromium",
};

/// Installs packages; nothing to do when there are none.
pub(crate) fn install(missing: &[Package]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    if environment::find_program("apt-get").is_some() {
        return install_with_apt(missing);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.brew).collect();
    if environment::find_program("brew").is_none() {
        let names = names.join(", ");
        return Err(Error::told(format!(
            "this machine lacks {names}, and has neither apt nor brew. Install them, or set \
             DATABASE_URL, REDIS_URL, PG_BIN_DIR, REDIS_SERVER, HAPROXY (./dev help)"
        )));
    }
    println!(
        "This machine lacks {0}. Installing: brew install {0}",
        names.join(" ")
    );
    succeed(Command::new("brew").arg("install").args(&names))
}

fn install_with_apt(missing: &[Package]) -> Result<()> {
    let names: Vec<&str> = missing.iter().map(|package| package.apt).collect();
    let listed = names.join(" ");
    let root = Uid::effective().is_root();
    if !root && environment::find_program("sudo").is_none() {
        return Err(Error::told(format!(
            "this machine lacks {listed}, and only root may install: apt-get install {listed}"
        )));
    }
    println!(
        "This machine lacks {listed}. Installing: apt-get install --no-install-recommends {listed}"
    );
    let install = |names: &[&str]| {
        let mut command = apt(root);
        command
            .args(["install", "-q", "-y", "--no-install-recommends"])
            .args(names);
        succeed(&mut command)
    };
    if has_package_lists() && install(&names).is_ok() {
        return Ok(());
    }
    // The lists are missing (a fresh container) or name versions that are gone.
    succeed(apt(root).args(["update", "-q"]))?;
    install(&names)
}

fn apt(root: bool) -> Command {
    let mut command = Command::new(if root { "env" } else { "sudo" });
    if !root {
        command.arg("env");
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    command
}

fn has_package_lists() -> bool {
    let Ok(entries) = fs::read_dir(Path::new("/var/lib/apt/lists")) else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
}

fn succeed(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().doing(|| format!("run {shown}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::told(format!("{shown} failed ({status})")))
    }
}

//! Node and what `web/` needs of npm.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment;
use crate::error::{Doing, Error, Result};
use crate::layout::Layout;
use crate::packages::{self, NODE, NPM};

/// The oldest major version that will do.
const VERSION_MIN: u32 = 20;

/// From npm, where the system's packages are older (Debian 12 has 18).
const VERSION_FROM_NPM: &str = "node@20.19.5";

/// Node with the installed packages of `web/`.
pub(crate) struct Web {
    folder: PathBuf,
    path: OsString,
}

impl Web {
    /// Installs what is missing, or whose list has changed.
    pub(crate) fn prepare(layout: &Layout) -> Result<Self> {
        let web = Self {
            folder: layout.root().join("web"),
            path: ensure_node()?,
        };
        let list = web.folder.join("package-lock.json");
        let wanted = fs::read_to_string(&list).doing(|| format!("read {}", list.display()))?;
        let installed = web.folder.join("node_modules/.hubbub-installed");
        if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
            return Ok(web);
        }
        succeed(&mut web.command(
            "npm",
            &["ci", "--no-audit", "--no-fund", "--loglevel=error"],
        ))?;
        // Last, so that what was interrupted is begun again.
        fs::write(&installed, wanted).doing(|| format!("write {}", installed.display()))?;
        Ok(web)
    }

    /// A program of Node's in `web/`.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder);
        command.env("PATH", &self.path);
        command
    }
}

/// Runs a command to its end; not to succeed is an error.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().doing(|| format!("run {program}"))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::told(format!("{program} failed ({status})")))
}

/// The PATH with a Node that is new enough.
fn ensure_node() -> Result<OsString> {
    let mut missing = Vec::new();
    if environment::find_program("node").is_none() {
        missing.push(NODE);
    }
    if environment::find_program("npm").is_none() {
        missing.push(NPM);
    }
    packages::install(&missing)?;
    let path = environment::search_path();
    let node = environment::find_program("node");
    if node.is_some_and(|node| is_new_enough(&node)) {
        return join(path);
    }
    let own = Layout::tools()?.join("node");
    let programs = own.join("node_modules/node/bin");
    if !is_new_enough(&programs.join("node")) {
        let mut install = Command::new("npm");
        install.args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
        install.arg("--prefix").arg(&own).arg(VERSION_FROM_NPM);
        succeed(&mut install)?;
    }
    join(std::iter::once(programs).chain(path))
}

fn is_new_enough(node: &Path) -> bool {
    let output = Command::new(node).arg("--version").output();
    output.is_ok_and(|output| major(&String::from_utf8_lossy(&output.stdout)) >= Some(VERSION_MIN))
}

/// Of `v20.11.1`: 20.
fn major(version: &str) -> Option<u32> {
    let numbers = version.strip_prefix('v')?;
    numbers.split('.').next()?.parse().ok()
}

fn join(folders: impl IntoIterator<Item = PathBuf>) -> Result<OsString> {
    std::env::join_paths(folders)
        .map_err(|error| Error::told(format!("the PATH cannot be extended: {error}")))
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn a_version_is_read() {
        for (version, expected) in [("v20.11.1\n", Some(20)), ("v8", Some(8)), ("", None)] {
            assert_eq!(major(version), expected);
        }
    }
}

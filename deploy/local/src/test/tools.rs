//! The cargo tools that `test` needs. One on the PATH will do; otherwise a pinned version is built.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::step::{Runner, cargo};
use crate::environment;
use crate::error::{Error, Result};
use crate::layout::Layout;

/// A tool and the version to build.
struct Tool {
    name: &'static str,
    version: &'static str,
}

const NEXTEST: Tool = Tool {
    name: "cargo-nextest",
    version: "0.9.143",
};
const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};

/// Makes sure that `cargo nextest` works; the PATH with which it does.
pub(super) fn ensure_nextest(runner: &Runner) -> Result<OsString> {
    ensure(runner, &NEXTEST)
}

/// Makes sure that `cargo deny` works; the PATH with which it does.
pub(super) fn ensure_deny(runner: &Runner) -> Result<OsString> {
    ensure(runner, &DENY)
}

fn ensure(runner: &Runner, tool: &Tool) -> Result<OsString> {
    let folder = Layout::tools()?.join("bin");
    let path = path_with(folder.clone())?;
    if folder.join(tool.name).is_file() || works(tool, &path) {
        return Ok(path);
    }
    let mut install = cargo(["install", "--locked", "--root"]);
    install.arg(Layout::tools()?);
    // Without optimisation it is built in half the time, and still quick enough for what it does here.
    install.args(["--debug", "--version", tool.version, tool.name]);
    runner.step(&format!("install {}", tool.name), install)?;
    Ok(path)
}

fn works(tool: &Tool, path: &OsString) -> bool {
    let mut question = Command::new(tool.name);
    let subcommand = tool.name.trim_start_matches("cargo-");
    question.args([subcommand, "--version"]).env("PATH", path);
    question.stdout(Stdio::null()).stderr(Stdio::null());
    question.status().is_ok_and(|status| status.success())
}

fn path_with(folder: PathBuf) -> Result<OsString> {
    std::env::join_paths(std::iter::once(folder).chain(environment::search_path()))
        .map_err(|error| Error::told(format!("the PATH cannot be extended: {error}")))
}

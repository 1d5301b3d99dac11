//! Checks that are written in Python: each set in a virtual environment of its own, with pinned versions.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::step::Runner;
use crate::environment;
use crate::error::{Doing, Error, Result};
use crate::layout::Layout;
use crate::packages::{self, PYTHON};

/// The folder with the programs of `deploy/local/requirements/{name}.txt`, installed if they are not, or if the list changed.
pub(super) fn ensure(runner: &Runner, name: &str) -> Result<PathBuf> {
    let list = runner
        .root()
        .join(format!("deploy/local/requirements/{name}.txt"));
    let wanted = fs::read_to_string(&list).doing(|| format!("read {}", list.display()))?;
    let folder = Layout::tools()?.join(format!("python-{name}"));
    let (programs, installed) = (folder.join("bin"), folder.join("installed.txt"));
    if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(programs);
    }
    let mut make = Command::new(ensure_python()?);
    make.args(["-m", "venv", "--clear"]).arg(&folder);
    runner.step(&format!("environment for {name}"), make)?;
    let mut install = Command::new(programs.join("pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "-r"]);
    install.arg(&list);
    runner.step(&format!("install {name}"), install)?;
    // Last, so that what was interrupted is begun again.
    fs::write(&installed, wanted).doing(|| format!("write {}", installed.display()))?;
    Ok(programs)
}

/// A Python that can make virtual environments; Debian's cannot without a further package.
fn ensure_python() -> Result<PathBuf> {
    if let Some(python) = environment::find_program("python3").filter(can_make_environments) {
        return Ok(python);
    }
    packages::install(&[PYTHON])?;
    environment::find_program("python3")
        .filter(can_make_environments)
        .ok_or_else(|| Error::told("python3 was installed and still makes no virtual environment"))
}

fn can_make_environments(python: &PathBuf) -> bool {
    let mut question = Command::new(python);
    question.args(["-c", "import venv, ensurepip"]);
    question.stdout(Stdio::null()).stderr(Stdio::null());
    question.status().is_ok_and(|status| status.success())
}

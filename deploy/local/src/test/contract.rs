//! The OpenAPI document against a live `api`: Schemathesis asks, and finds no answer that the document does not tell of.

use std::process::Command;

use super::{python, step::Runner, stores::Stores};
use crate::error::Result;
use crate::layout::Layout;
use crate::postgres;

/// On stores of its own, because it fills them with whatever comes to its mind; a process has one folder for stores, so these are
/// gone when it returns.
pub(super) fn run(runner: &Runner) -> Result<()> {
    let environment = python::ensure(runner, "contract")?;
    let programs = Layout::programs(false)?;
    let stores = Stores::start(runner.stop(), postgres::FORGETFUL)?;
    stores.run_api(runner, &programs, "migrate")?;
    stores.run_api(runner, &programs, "seed")?;
    let mut check = Command::new(environment.join("python"));
    check.arg("deploy/local/contract/check.py").arg(programs);
    runner.step("contract", stores.tell_program(check))
}

//! `test`: everything that CI runs, each step named, ending at the first that fails.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::node::Web;
use crate::packages::{self, Package};
use crate::patience::StopWishes;
use crate::{balancer, environment, postgres};

mod audit;
mod contract;
mod manifests;
mod python;
pub(crate) mod step;
pub(crate) mod stores;
mod tools;

use step::{Runner, cargo};
use stores::Stores;

#[cfg(test)]
mod tests;

/// The command `test`. With arguments only the tests run, and get them.
pub(crate) fn run(layout: &Layout, arguments: &[String]) -> Result<ExitCode> {
    let stop = StopWishes::default();
    crate::up::hear_wishes(&stop)?;
    let runner = Runner::new(layout, stop);
    if arguments.is_empty() {
        check_source(&runner)?;
        audit::run(&runner)?;
        manifests::run(&runner)?;
    }
    test_with_stores(&runner, arguments)?;
    if arguments.is_empty() {
        check_web(layout, &runner)?;
        return crate::e2e::run(layout);
    }
    Ok(ExitCode::SUCCESS)
}

fn check_source(runner: &Runner) -> Result<()> {
    runner.step("format", cargo(["fmt", "--all", "--check"]))?;
    let lints = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    runner.step("lints", cargo(lints))?;
    let mut documentation = cargo([
        "doc",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ]);
    documentation
        .arg("--locked")
        .env("RUSTDOCFLAGS", "-D warnings");
    runner.step("documentation", documentation)
}

/// The JavaScript client: format, types, tests.
fn check_web(layout: &Layout, runner: &Runner) -> Result<()> {
    let web = Web::prepare(layout)?;
    runner.step("web", web.command("npm", &["run", "--silent", "check"]))?;
    let tests = web.command("npm", &["test", "--silent"]);
    runner.step("tests of the JavaScript client", tests)
}

/// Runs the tests against a PostgreSQL and a Redis of their own, which end whatever happens.
fn test_with_stores(runner: &Runner, arguments: &[String]) -> Result<()> {
    let tools = tools::ensure_nextest(runner)?;
    // Tests start the programs as real processes.
    runner.step(
        "build",
        cargo(["build", "--workspace", "--bins", "--locked"]),
    )?;
    if arguments.is_empty() {
        contract::run(runner)?;
    }
    let stores = Stores::start(runner.stop(), postgres::FORGETFUL)?;
    stores.migrate_template(runner)?;
    if arguments.is_empty() {
        let examples = cargo(["test", "--workspace", "--doc", "--locked", "--quiet"]);
        runner.step("examples in documentation", stores.tell(examples))?;
    }
    let balancer = find_balancer()?;
    let nginx = find_or_install("nginx", packages::NGINX)?;
    let pgbouncer = find_or_install("pgbouncer", packages::PGBOUNCER)?;
    find_or_install("openssl", packages::OPENSSL)?;
    // Last, so that its summary is what stays on the screen.
    let mut tests = cargo(["nextest", "run", "--locked"]);
    tests
        .args(whole_workspace_unless_chosen(arguments))
        .args(arguments)
        .env("PATH", tools)
        .env("HAPROXY", balancer)
        // nginx takes the variable NGINX for something of its own.
        .env("NGINX_SERVER", nginx)
        .env("PGBOUNCER", pgbouncer);
    runner.step("tests", stores.tell(tests))
}

/// Stories put it before the programs.
fn find_balancer() -> Result<PathBuf> {
    if balancer::find().is_none() {
        packages::install(&[packages::HAPROXY])?;
    }
    balancer::find().ok_or_else(|| Error::told("there is no haproxy"))
}

fn find_or_install(name: &str, package: Package) -> Result<PathBuf> {
    if environment::find_program(name).is_none() {
        packages::install(&[package])?;
    }
    environment::find_program(name).ok_or_else(|| Error::told(format!("there is no {name}")))
}

/// Cargo would build everything for `--workspace`, also when one package was asked for.
fn whole_workspace_unless_chosen(arguments: &[String]) -> Option<&'static str> {
    let chooses = |argument: &String| {
        ["-p", "--package", "--manifest-path", "--workspace"]
            .iter()
            .any(|option| argument.split('=').next() == Some(option))
    };
    (!arguments.iter().any(chooses)).then_some("--workspace")
}

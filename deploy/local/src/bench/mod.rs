//! `bench`: what can be measured, each by a command of `loadtest`, on stores of its own where it needs any.

use std::process::{Command, ExitCode};

use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::patience::StopWishes;
use crate::postgres;
use crate::test::step::{Runner, cargo};
use crate::test::stores::Stores;

#[cfg(test)]
mod tests;

/// A measurement.
struct Scenario {
    name: &'static str,
    /// The command of `loadtest` that takes it.
    command: &'static str,
    /// Whether it needs a PostgreSQL and a Redis; the others bring what they need.
    needs_stores: bool,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "api",
        command: "api",
        needs_stores: true,
    },
    Scenario {
        name: "feed",
        command: "feed",
        needs_stores: true,
    },
    Scenario {
        name: "gateway",
        command: "gateway",
        needs_stores: false,
    },
    Scenario {
        name: "group",
        command: "group",
        needs_stores: true,
    },
    Scenario {
        name: "presence",
        command: "presence-storm",
        needs_stores: false,
    },
    Scenario {
        name: "soak",
        command: "soak",
        needs_stores: true,
    },
];

/// What to measure, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BenchOptions {
    /// A scenario's name; every one when it is not given.
    pub(crate) name: Option<String>,
    /// Build for debugging: to try a scenario out, not to measure.
    pub(crate) debug: bool,
    /// For the command of `loadtest`.
    pub(crate) arguments: Vec<String>,
}

impl BenchOptions {
    /// `[NAME] [--debug] [ARGUMENTS]`.
    pub(crate) fn parse(words: &[&str]) -> std::result::Result<Self, String> {
        let (name, words) = match words {
            [name, rest @ ..] if !name.starts_with('-') => (Some((*name).to_owned()), rest),
            words => (None, words),
        };
        if let Some(name) = &name
            && find(name).is_none()
        {
            let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
            return Err(format!("bench measures {}, not {name:?}", names.join(", ")));
        }
        let (debug, arguments) = match words {
            ["--debug", rest @ ..] => (true, rest),
            words => (false, words),
        };
        if name.is_none() && !arguments.is_empty() {
            return Err("bench takes arguments for one scenario".into());
        }
        Ok(Self {
            name,
            debug,
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        })
    }
}

fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

/// The command `bench`: builds, and measures one thing after the other.
pub(crate) fn run(layout: &Layout, options: &BenchOptions) -> Result<ExitCode> {
    let stop = StopWishes::default();
    crate::up::hear_wishes(&stop)?;
    let runner = Runner::new(layout, stop);
    let mut build = cargo(["build", "--workspace", "--bins", "--locked"]);
    build.args((!options.debug).then_some("--release"));
    runner.step("build", build)?;
    match &options.name {
        Some(name) => {
            let scenario = find(name).ok_or_else(|| Error::told("there is no such scenario"))?;
            measure(&runner, scenario, options)?;
        }
        None => {
            for scenario in SCENARIOS {
                measure(&runner, scenario, options)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(runner: &Runner, scenario: &Scenario, options: &BenchOptions) -> Result<()> {
    let programs = Layout::programs(!options.debug)?;
    let mut command = Command::new(programs.join("loadtest"));
    command
        .arg(scenario.command)
        .arg("--programs")
        .arg(&programs)
        .args(&options.arguments);
    if !scenario.needs_stores {
        return runner.step(scenario.name, command);
    }
    // As durable as in production, because that is a part of what it costs.
    let stores = Stores::start(runner.stop(), postgres::DURABLE)?;
    stores.run_api(runner, &programs, "migrate")?;
    stores.run_api(runner, &programs, "seed")?;
    runner.step(scenario.name, stores.tell_program(command))
}

//! Starting everything, in groups: each group needs the ones before it.

use std::process::ExitStatus;
use std::time::Duration;

use super::{Held, Supervisor};
use crate::child::Launch;
use crate::error::{Error, Result};
use crate::name::Name;
use crate::patience::wait_for;
use crate::ports::was_taken;

/// How long a process may take until it is ready.
const READY_LIMIT: Duration = Duration::from_mins(1);

/// How long `api migrate` and `api seed` may take.
const JOB_LIMIT: Duration = Duration::from_mins(2);

/// How often a process is started on other ports because somebody was quicker.
const PORT_TRIES: usize = 5;

/// What came of waiting for a process.
enum Outcome {
    Ready,
    Ended(ExitStatus),
    Silent,
}

impl Supervisor {
    /// Starts everything. On an error some processes may run; `stop_all` ends them.
    pub(super) fn start_all(&mut self) -> Result<()> {
        self.instance.make_stores()?;
        for tier in Name::TIERS {
            if tier.contains(&Name::Api1) {
                self.run_job("migrate")?;
                self.run_job("seed")?;
            }
            self.start_tier(tier)?;
        }
        Ok(())
    }

    fn start_tier(&mut self, tier: &[Name]) -> Result<()> {
        let ours: Vec<Name> = tier
            .iter()
            .copied()
            .filter(|name| self.instance.is_ours(*name))
            .collect();
        for name in &ours {
            self.spawn(*name)?;
        }
        for name in &ours {
            self.wait_or_move(*name)?;
            println!("{name:<10} ready  {}", self.instance.address(*name));
        }
        Ok(())
    }

    /// Waits until a process is ready; one that found its port taken gets others. Not the balancer: its
    /// address is what the programs have been told that browsers come from.
    fn wait_or_move(&mut self, name: Name) -> Result<()> {
        for _ in 1..PORT_TRIES {
            let ended = match self.wait_until_ready(name)? {
                Outcome::Ready => return Ok(()),
                Outcome::Silent => return Err(self.silence(name)),
                Outcome::Ended(status) => status,
            };
            let child = &self.held[&name].child;
            if name == Name::Balancer || !was_taken(&child.last_words()?) {
                return Err(child.obituary(name.as_str(), ended));
            }
            self.instance.choose_ports(name)?;
            self.spawn(name)?;
        }
        Err(Error::told(format!(
            "{name} found its port taken {PORT_TRIES} times"
        )))
    }

    pub(super) fn spawn(&mut self, name: Name) -> Result<()> {
        let log = self.instance.layout().log(name.as_str());
        let child = self.instance.launch(name)?.spawn(&log)?;
        self.held.insert(name, Held::new(child));
        self.save_state()
    }

    /// Waits until a process is ready, on its ports.
    pub(super) fn wait_until_ready_here(&mut self, name: Name) -> Result<()> {
        match self.wait_until_ready(name)? {
            Outcome::Ready => Ok(()),
            Outcome::Silent => Err(self.silence(name)),
            Outcome::Ended(status) => Err(self.held[&name].child.obituary(name.as_str(), status)),
        }
    }

    fn wait_until_ready(&mut self, name: Name) -> Result<Outcome> {
        let instance = &self.instance;
        let Some(held) = self.held.get_mut(&name) else {
            return Err(Error::told(format!("{name} was not started")));
        };
        let outcome = wait_for(
            &format!("waiting for {name}"),
            READY_LIMIT,
            &self.stop,
            || {
                if let Some(status) = held.child.ended()? {
                    held.told = true;
                    return Ok(Some(Outcome::Ended(status)));
                }
                Ok(instance
                    .is_ready(name, &held.child)
                    .then_some(Outcome::Ready))
            },
        )?;
        Ok(outcome.unwrap_or(Outcome::Silent))
    }

    fn silence(&self, name: Name) -> Error {
        let words = self.held.get(&name).map(|held| held.child.last_words());
        let words = words.and_then(Result::ok).unwrap_or_default();
        let seconds = READY_LIMIT.as_secs();
        Error::told(format!(
            "{name} was not ready after {seconds} s. Its last words:\n\n{words}\n"
        ))
    }

    /// Runs a sub-command of `api` to its end.
    fn run_job(&self, subcommand: &str) -> Result<()> {
        let launch: Launch = self.instance.api_job(subcommand);
        let mut child = launch.spawn(&self.instance.layout().log(subcommand))?;
        let doing = format!("running api {subcommand}");
        let status = match wait_for(&doing, JOB_LIMIT, &self.stop, || child.ended()) {
            Ok(Some(status)) => status,
            Ok(None) => {
                child.kill()?;
                let seconds = JOB_LIMIT.as_secs();
                return Err(Error::told(format!(
                    "api {subcommand} did not end within {seconds} s"
                )));
            }
            Err(error) => {
                child.kill()?;
                return Err(error);
            }
        };
        if !status.success() {
            return Err(child.obituary(&format!("api {subcommand}"), status));
        }
        println!("{subcommand:<10} done");
        Ok(())
    }
}

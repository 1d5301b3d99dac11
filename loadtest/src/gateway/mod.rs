//! `loadtest gateway`: two gateways on one Redis beside the least that does the same work, in one run on one machine.
//!
//! `api` is replaced by something that says yes: what is measured is the gateway. Absolute figures depend on the machine and on
//! what else it does; the ratio of two peers in one run is what counts.

mod audience;
mod cluster;
mod load;
mod node;
mod peer;
mod report;
mod scenarios;
mod stand_in;
mod storm;

use std::path::PathBuf;

pub(crate) use audience::{Audience, Publisher};
pub(crate) use node::Node;
pub(crate) use peer::PeerKind;
pub(crate) use storm::Storm;

use self::{
    report::Report,
    scenarios::{Scenario, Size},
};
use crate::{Failure, own_folder};

/// What to measure, and with what.
#[derive(Debug)]
pub(crate) struct Measurement {
    scenarios: Vec<Scenario>,
    size: Size,
    /// The folder of the programs; ours, unless told.
    programs: PathBuf,
    /// How often each is measured, in turn; the medians are told.
    repeats: usize,
    /// Where the figures go as JSON.
    json: Option<PathBuf>,
}

impl Measurement {
    /// `[idle|room|socketio|knee|people|cycles ...] [--quick] [--rate N] [--repeats N] [--programs FOLDER]
    /// [--json FILE]`.
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut measurement = Self {
            scenarios: Vec::new(),
            size: Size::FULL,
            repeats: 1,
            programs: own_folder()?,
            json: None,
        };
        while let Some(word) = given.next() {
            let mut next = || given.next().ok_or(Failure::Usage);
            let mut path = || next().map(PathBuf::from);
            match word.as_str() {
                "--repeats" => {
                    let repeats = next()?.parse().ok().filter(|repeats| *repeats > 0);
                    measurement.repeats = repeats.ok_or(Failure::Usage)?;
                }
                "--quick" => measurement.size = Size::QUICK,
                "--rate" => {
                    let rate = next()?.parse().ok().filter(|rate| *rate > 0.0);
                    measurement.size = measurement.size.at(rate.ok_or(Failure::Usage)?);
                }
                "--programs" => measurement.programs = path()?,
                "--json" => measurement.json = Some(path()?),
                name => measurement.scenarios.push(name.parse()?),
            }
        }
        if measurement.scenarios.is_empty() {
            measurement.scenarios = Scenario::ALL.to_vec();
        }
        Ok(measurement)
    }

    /// Runs every scenario for every peer, one after the other and as often as was asked for, and prints what came of it.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let mut report = Report::default();
        for scenario in &self.scenarios {
            // In turn, so that what else the machine does meets all of them.
            for _ in 0..self.repeats {
                for peer in scenario.peers() {
                    let figures = scenario.run(*peer, &self.size, &self.programs).await?;
                    report.add(*scenario, *peer, figures);
                }
            }
        }
        println!("{report}");
        if let Some(path) = &self.json {
            std::fs::write(path, report.to_json())?;
        }
        Ok(())
    }
}

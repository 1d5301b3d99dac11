//! What came of it, for people and for programs.

use std::fmt;

use serde_json::{Value, json};

use super::{
    peer::PeerKind,
    scenarios::{Figures, Scenario},
};

/// Figures of every scenario and peer, in the order in which they were measured.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<(Scenario, PeerKind, Figures)>);

impl Report {
    pub(super) fn add(&mut self, scenario: Scenario, peer: PeerKind, figures: Figures) {
        self.0.push((scenario, peer, figures));
    }

    pub(super) fn to_json(&self) -> String {
        let rows = self.0.iter().map(|(scenario, peer, figures)| {
            let figures = figures
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value)));
            json!({
                "scenario": scenario.name(),
                "peer": peer.name(),
                "figures": figures.collect::<serde_json::Map<_, _>>(),
            })
        });
        format!("{:#}\n", Value::from(rows.collect::<Vec<_>>()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (scenario, peer, figures) in &self.0 {
            write!(f, "{:<8}{:<18}", scenario.name(), peer.name())?;
            for (name, value) in figures {
                write!(f, "{name}: {value:.2}   ")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

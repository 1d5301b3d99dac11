//! What came of it, for people and for programs.

use std::fmt;

use serde_json::{Value, json};

use super::{
    peer::PeerKind,
    scenarios::{Aim, Figures, Scenario},
};

/// What was measured of one peer in one scenario, in every repeat.
#[derive(Debug)]
struct Row {
    scenario: Scenario,
    peer: PeerKind,
    repeats: Vec<Figures>,
}

impl Row {
    /// Of each figure the value in the middle, the smallest and the largest.
    fn medians(&self) -> impl Iterator<Item = (&'static str, [f64; 3])> {
        let names = self.repeats.iter().flatten().map(|(name, _)| *name);
        let mut distinct: Vec<&str> = Vec::new();
        for name in names {
            if !distinct.contains(&name) {
                distinct.push(name);
            }
        }
        distinct
            .into_iter()
            .filter_map(|name| Some((name, self.median(name)?)))
    }

    fn median(&self, name: &str) -> Option<[f64; 3]> {
        let all = self.repeats.iter().flatten();
        let mut values: Vec<f64> = all.filter(|(n, _)| *n == name).map(|(_, v)| *v).collect();
        values.sort_by(f64::total_cmp);
        let middle = *values.get(values.len() / 2)?;
        Some([middle, *values.first()?, *values.last()?])
    }
}

/// Figures of every scenario and peer, in the order in which they were measured.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Row>);

impl Report {
    pub(super) fn add(&mut self, scenario: Scenario, peer: PeerKind, figures: Figures) {
        let known = self.0.iter_mut();
        let mut known = known.filter(|row| (row.scenario, row.peer) == (scenario, peer));
        if let Some(row) = known.next() {
            return row.repeats.push(figures);
        }
        let repeats = vec![figures];
        self.0.push(Row {
            scenario,
            peer,
            repeats,
        });
    }

    pub(super) fn to_json(&self) -> String {
        let rows = self.0.iter().map(|row| {
            let figures = row.medians();
            let figures = figures.map(|(name, [median, ..])| (name.to_owned(), json!(median)));
            json!({
                "scenario": row.scenario.name(),
                "peer": row.peer.name(),
                "figures": figures.collect::<serde_json::Map<_, _>>(),
            })
        });
        format!("{:#}\n", Value::from(rows.collect::<Vec<_>>()))
    }

    /// The figure that the peer's aim is about; `None` where nothing was reached.
    fn aimed(&self, scenario: Scenario, peer: PeerKind) -> Option<f64> {
        let mut rows = self.0.iter();
        let row = rows.find(|row| (row.scenario, row.peer) == (scenario, peer))?;
        row.median(scenario.figure()).map(|[median, ..]| median)
    }

    fn write_aims(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<46}{:>22}{:>14}{:>14}",
            "", "aim", "reached", "beside"
        )?;
        for row in &self.0 {
            let (scenario, peer) = (row.scenario, row.peer);
            let Some(aim) = scenario.aim(peer) else {
                continue;
            };
            let ours = self.aimed(scenario, peer);
            let beside = self.aimed(scenario, peer.beside());
            let met = match aim.is_met(ours, beside) {
                Some(true) => "met",
                Some(false) => "not met",
                None => "not measured",
            };
            let [ours, beside] = [ours, beside].map(Option::unwrap_or_default);
            let work = format!(
                "{}, {}: {}",
                scenario.name(),
                peer.name(),
                scenario.figure()
            );
            writeln!(f, "{work:<58}{aim:>10}{ours:>14.2}{beside:>14.2}  {met}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.0 {
            write!(f, "{:<10}{:<19}", row.scenario.name(), row.peer.name())?;
            for (name, [median, least, most]) in row.medians() {
                write!(f, "{name}: {median:.2}")?;
                if row.repeats.len() > 1 {
                    write!(f, " ({least:.2} to {most:.2})")?;
                }
                write!(f, "   ")?;
            }
            writeln!(f)?;
        }
        self.write_aims(f)
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::UpTo(most) => format!("<= {most}"),
            Self::UpToShare(share) => format!("<= {share} of it"),
            Self::FromShare(share) => format!(">= {share} of it"),
        };
        f.pad(&text)
    }
}

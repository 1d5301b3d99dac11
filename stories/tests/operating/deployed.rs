//! What is deployed holds together: alerts with their tests and runbooks, and grace with what it is for.

use std::{collections::BTreeSet, fs, time::Duration};

use shared::config;

use crate::tables::path;

/// Between what a gateway may take to leave and the time when it is killed: for its last spans.
const MARGIN: Duration = Duration::from_secs(10);
/// What a gateway waits for one after the other.
const WAITS: [&str; 4] = [
    "DRAIN_DELAY",
    "DRAIN_WINDOW",
    "DRAIN_FLUSH",
    "METRICS_LINGER",
];

/// What follows `start` in the lines of all files of `deploy/prometheus` that end so.
fn told(ending: &str, start: &str) -> Vec<String> {
    let folder = path("deploy/prometheus");
    let mut told = Vec::new();
    for entry in fs::read_dir(folder).expect("deploy/prometheus") {
        let path = entry.expect("a file").path();
        if path.display().to_string().ends_with(ending) {
            let text = fs::read_to_string(path).expect("a readable file");
            let lines = text
                .lines()
                .filter_map(|line| line.trim().strip_prefix(start));
            told.extend(lines.map(str::to_owned));
        }
    }
    told
}

#[test]
fn every_alert_has_a_unit_test_and_a_runbook() {
    let alerts = told(".rules.yml", "- alert: ");
    assert!(alerts.len() > 30, "only {alerts:?}");
    let tested: BTreeSet<String> = told(".test.yml", "alertname: ").into_iter().collect();
    let named: BTreeSet<String> = alerts.iter().cloned().collect();
    assert_eq!(named, tested);
    assert_eq!(named.len(), alerts.len(), "each name is one alert's");

    let runbooks = told(".rules.yml", "runbook: docs/runbooks.md#");
    assert_eq!(runbooks.len(), alerts.len(), "one for each");
    let text = fs::read_to_string(path("docs/runbooks.md")).expect("docs/runbooks.md");
    let sections: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    for runbook in runbooks {
        assert!(sections.contains(runbook.as_str()), "no {runbook}");
    }
}

/// The first span of time after this word.
fn span(text: &str, name: &str) -> Duration {
    let (_, after) = text.split_once(name).unwrap_or_else(|| panic!("no {name}"));
    let start = after.find(|letter: char| letter.is_ascii_digit());
    let digits = &after[start.expect("a number")..];
    let end = digits.find(|letter: char| !letter.is_ascii_alphanumeric());
    let span = &digits[..end.expect("an end")];
    let span = span.parse().or_else(|_| format!("{span}s").parse());
    let config::Duration(span) = span.expect("a span of time");
    span
}

#[test]
fn a_gateway_gets_the_time_that_it_may_take_to_leave() {
    for (file, part, grace) in [
        ("k8s/base/gateway.yaml", "", "terminationGracePeriodSeconds"),
        ("deploy/compose.yml", "x-gateway:", "stop_grace_period"),
    ] {
        let text = fs::read_to_string(path(file)).expect(file);
        let (_, text) = text.split_once(part).expect(part);
        // Comments name them too.
        let lines = text.lines().filter(|line| !line.trim().starts_with('#'));
        let text = lines.collect::<Vec<_>>().join("\n");
        let needed: Duration = WAITS.iter().map(|name| span(&text, name)).sum();
        let grace = span(&text, grace);
        assert!(grace >= needed + MARGIN, "{file}: {grace:?} for {needed:?}");
        assert!(grace < Duration::from_mins(10), "{file}: autoscalers kill");
    }
}

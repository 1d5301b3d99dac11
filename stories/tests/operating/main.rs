//! `docs/operating.md` says what the programs show and can be told, and nothing else; dashboards and alerts ask for what is there.

mod deployed;
mod exposition;
mod tables;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use stories::{Cluster, Node, Person, help};

use exposition::Family;
use tables::Metric;

const BOTH: &str = "### Metrics of both programs";
const API: &str = "### Metrics of `api`";
const GATEWAY: &str = "### Metrics of `gateway`";
const ELSEWHERE: &str = "### Metrics made elsewhere";
/// Labels that come with the scrape, and the one of buckets.
const SCRAPED: [&str; 5] = ["instance", "job", "le", "namespace", "pod"];
/// What one pod may cost a Prometheus.
const SERIES_MAX: usize = 2000;

/// Something of everything that is only counted when it happens.
async fn life(cluster: &Cluster) {
    let [api_1, api_2] = &cluster.api;
    let (ana, bob) = tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"));
    let mut phone = bob.listens(&cluster.gateway[0]).await;
    ana.says(api_1, &bob, "hello").await;
    ana.says(api_2, &bob, "again").await;
    phone.hears("private_message").await;
    let again = bob
        .listens_from(&cluster.gateway[1], phone.positions.clone())
        .await;
    drop(again);
}

async fn compare(node: &Node, own: &str) -> BTreeMap<String, Family> {
    let shown = exposition::parse(&node.program.metrics().await);
    let mut told = tables::metrics(BOTH);
    told.extend(tables::metrics(own));
    let (shown_names, told_names): (BTreeSet<_>, BTreeSet<_>) =
        (shown.keys().collect(), told.keys().collect());
    let differing: Vec<_> = shown_names.symmetric_difference(&told_names).collect();
    assert!(
        differing.is_empty(),
        "{own}, or what is shown, lacks {differing:?}"
    );
    for (name, family) in &shown {
        agrees(name, family, &told[name]);
    }
    let series: usize = shown.values().map(|family| family.series).sum();
    assert!(series <= SERIES_MAX, "{own}: {series} series");
    shown
}

fn agrees(name: &str, family: &Family, told: &Metric) {
    assert_eq!(family.kind, told.kind, "{name}");
    let (shown, told_keys): (Vec<_>, Vec<_>) =
        (family.labels.keys().collect(), told.labels.keys().collect());
    assert_eq!(shown, told_keys, "labels of {name}");
    for (label, values) in &family.labels {
        let closed = &told.labels[label];
        assert!(
            closed.is_empty() || values.is_subset(closed),
            "{name}: {label} is {values:?}, not {closed:?}"
        );
        // A histogram's series appear when something was measured; a counter's are there from the start.
        let begins = family.kind != "counter" || closed.is_empty() || label == "role";
        assert!(
            begins || values == closed,
            "{name}: {label} begins with {values:?}"
        );
    }
}

#[tokio::test]
async fn both_programs_show_what_the_tables_say_and_nothing_else() {
    let cluster = Cluster::start().await;
    life(&cluster).await;
    compare(&cluster.api[0], API).await;
    compare(&cluster.api[1], API).await;
    compare(&cluster.gateway[0], GATEWAY).await;
    let second = compare(&cluster.gateway[1], GATEWAY).await;
    assert!(second["hubbub_delivery_latency_seconds"].series > 0);
    cluster.stop().await;
}

/// What the series of each metric are called, and what labels they have.
fn known() -> BTreeMap<String, BTreeSet<String>> {
    let mut known = BTreeMap::new();
    for heading in [BOTH, API, GATEWAY, ELSEWHERE] {
        for (name, metric) in tables::metrics(heading) {
            let labels: BTreeSet<String> = metric.labels.into_keys().collect();
            if metric.kind == "histogram" {
                for part in ["_bucket", "_count", "_sum"] {
                    known.insert(format!("{name}{part}"), labels.clone());
                }
            } else {
                known.insert(name, labels);
            }
        }
    }
    known
}

/// Names in rules and dashboards that are neither ours nor of the program that the metric is about.
#[test]
fn rules_and_dashboards_ask_for_metrics_that_are_there() {
    let known = known();
    let mut asked = 0;
    for folder in [
        "deploy/prometheus",
        "deploy/grafana/dashboards",
        "k8s/components/keda",
        "k8s/components/hpa-connections",
    ] {
        for entry in fs::read_dir(tables::path(folder)).expect(folder) {
            let path = entry.expect(folder).path();
            let name = path.display().to_string();
            if name.ends_with(".test.yml") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("a readable file");
            for line in text.lines() {
                let metrics = asked_for(line);
                for metric in &metrics {
                    assert!(known.contains_key(metric), "{name} asks for {metric}");
                }
                asked += metrics.len();
                let labels = metrics.iter().flat_map(|metric| &known[metric]);
                let labels: BTreeSet<&str> = labels.map(String::as_str).chain(SCRAPED).collect();
                for label in labels_of(line, &metrics) {
                    assert!(labels.contains(label.as_str()), "{name}, {label}: {line}");
                }
            }
        }
    }
    assert!(asked > 80, "only {asked} names were found");
}

/// Words of a text that name metrics of ours, or of every process.
fn asked_for(text: &str) -> Vec<String> {
    let words =
        text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "_:".contains(letter)));
    let ours = |word: &&str| {
        ["hubbub_", "process_"]
            .iter()
            .any(|start| word.starts_with(start))
            && !word.ends_with('_')
    };
    words.filter(ours).map(str::to_owned).collect()
}

/// The labels that an expression, which stands on one line, groups these metrics by or picks their series by.
fn labels_of(line: &str, metrics: &[String]) -> Vec<String> {
    // Dashboards are JSON.
    let line = line.replace("\\\"", "\"");
    let upto = |text: &str, end: char| text.split(end).next().unwrap_or_default().to_owned();
    let mut words = Vec::new();
    if !metrics.is_empty() {
        for group in line.split("by (").skip(1) {
            words.extend(upto(group, ')').split(',').map(str::to_owned));
        }
    }
    for metric in metrics {
        for selector in line.split(&format!("{metric}{{")).skip(1) {
            // Every other piece between quotes is a value.
            let names = upto(selector, '}');
            words.extend(names.split('"').step_by(2).map(str::to_owned));
        }
    }
    let bare = |word: &String| {
        let is_outside = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
        word.trim_matches(is_outside).to_owned()
    };
    let labels = words.iter().map(bare);
    labels.filter(|label| !label.is_empty()).collect()
}

/// `NAME  help [default]`, as `--help` prints it, by name.
fn settings(program: &str) -> BTreeMap<String, (String, String)> {
    let text = help(program);
    let lines = text.lines().skip(1).map(|line| {
        let (name, rest) = line.trim().split_once(' ').expect("a name and its help");
        let (help, default) = rest.trim().rsplit_once(" [").expect("a default");
        let default = default
            .trim_end_matches(']')
            .trim_start_matches("default: ");
        (name.to_owned(), (default.to_owned(), help.to_owned()))
    });
    lines.collect()
}

#[test]
fn every_setting_is_in_the_reference_and_none_that_is_not_there() {
    for (program, heading) in [
        ("api", "### Settings of `api`"),
        ("gateway", "### Settings of `gateway`"),
    ] {
        let mut there = settings(program);
        let mut told = BTreeMap::new();
        for row in tables::rows(heading) {
            let [name, default, meaning] = row.try_into().expect("three cells");
            told.insert(name, (default, meaning));
        }
        // One is made anew at every start, the other is as many as the machine has processors.
        for own in ["NODE_NAME", "SHARDS"] {
            there
                .remove(own)
                .into_iter()
                .for_each(|(default, meaning)| {
                    assert!(
                        told.remove(own).is_some(),
                        "{own} ({default}: {meaning}), {heading}"
                    );
                });
        }
        let names = |settings: &BTreeMap<String, _>| settings.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&there), names(&told), "{heading}");
        for (name, (default, _)) in &there {
            assert_eq!(*default, told[name].0, "the default of {name}, {heading}");
            assert!(!told[name].1.is_empty(), "{name} means something");
        }
    }
}

//! The tables of `docs/operating.md`, as the tests compare them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A file of the repository.
pub(crate) fn path(name: &str) -> PathBuf {
    let stories = Path::new(env!("CARGO_MANIFEST_DIR"));
    stories
        .parent()
        .expect("stories stands in the repository")
        .join(name)
}

/// What a table says of a metric.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) kind: String,
    /// Each label, with its values where they are a closed set that is written down.
    pub(crate) labels: BTreeMap<String, BTreeSet<String>>,
}

/// The rows of the first table below this heading: cells, without their backticks.
pub(crate) fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path("docs/operating.md")).expect("docs/operating.md");
    let mut lines = text.lines().skip_while(|line| *line != heading);
    assert!(lines.next().is_some(), "docs/operating.md has {heading}");
    let table = lines.skip_while(|line| !line.starts_with('|'));
    let table = table.take_while(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| {
        let cells = line.trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().replace('`', "")).collect()
    };
    table.map(cells).collect()
}

/// The metrics of a table.
pub(crate) fn metrics(heading: &str) -> BTreeMap<String, Metric> {
    let read = |row: Vec<String>| {
        let [name, kind, labels, meaning] = row.try_into().expect("four cells");
        assert!(!meaning.is_empty(), "{name} means something");
        let labels = labels.split("; ").filter(|label| *label != "–");
        let labels = labels.map(|label| match label.split_once('=') {
            Some((label, values)) => (
                label.to_owned(),
                values.split(", ").map(str::to_owned).collect(),
            ),
            None => (label.to_owned(), BTreeSet::new()),
        });
        let labels = labels.collect();
        (name, Metric { kind, labels })
    };
    rows(heading).into_iter().map(read).collect()
}

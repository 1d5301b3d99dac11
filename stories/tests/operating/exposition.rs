//! Prometheus's text format, read strictly: whatever a lenient scraper would let pass is a failure here.

use std::collections::{BTreeMap, BTreeSet};

/// One metric, with all its series.
#[derive(Debug)]
pub(crate) struct Family {
    /// `counter`, `gauge` or `histogram`.
    pub(crate) kind: String,
    /// Values of each label, `le` of histograms not among them.
    pub(crate) labels: BTreeMap<String, BTreeSet<String>>,
    /// Lines of the answer.
    pub(crate) series: usize,
}

struct Sample<'a> {
    name: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
    value: f64,
}

/// Reads everything that `/metrics` answered.
pub(crate) fn parse(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n'), "the last line has an end");
    let mut families = BTreeMap::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let help = line.strip_prefix("# HELP ");
        let help = help.unwrap_or_else(|| panic!("a family begins with its help: {line}"));
        let (name, help) = help.split_once(' ').expect("a name and its help");
        assert!(is_name(name), "{name}");
        assert!(
            help.ends_with('.') || !name.starts_with("hubbub_"),
            "{name}: {help}"
        );
        let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE "));
        let kind = kind.and_then(|line| line.strip_prefix(name)).map(str::trim);
        let kind = kind.unwrap_or_else(|| panic!("{name} has a type"));
        let mut samples = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            samples.push(sample(line));
        }
        let family = family(name, kind, &samples);
        assert!(
            families.insert(name.to_owned(), family).is_none(),
            "{name} comes once"
        );
    }
    families
}

fn family(name: &str, kind: &str, samples: &[Sample<'_>]) -> Family {
    let mut seen = BTreeSet::new();
    let mut labels = BTreeMap::<String, BTreeSet<String>>::new();
    for sample in samples {
        let series = format!("{} {:?}", sample.name, sample.labels);
        assert!(seen.insert(series.clone()), "twice: {series}");
        let ours = sample.labels.iter().filter(|(key, _)| **key != "le");
        for (key, value) in ours {
            let values = labels.entry((*key).to_owned()).or_default();
            values.insert((*value).to_owned());
        }
    }
    match kind {
        "counter" => counter(name, samples),
        "gauge" => assert!(samples.iter().all(|sample| sample.name == name), "{name}"),
        "histogram" => histogram(name, samples),
        other => panic!("{name} is a {other}"),
    }
    assert!(!samples.is_empty(), "{name} has series");
    Family {
        kind: kind.to_owned(),
        labels,
        series: samples.len(),
    }
}

fn counter(name: &str, samples: &[Sample<'_>]) {
    assert!(name.ends_with("_total"), "{name} is a counter");
    for sample in samples {
        assert_eq!(sample.name, name);
        assert!(sample.value >= 0.0 && sample.value.is_finite(), "{name}");
    }
}

/// Buckets grow up to `+Inf`, which is the count; a sum stands beside them.
fn histogram(name: &str, samples: &[Sample<'_>]) {
    let mut groups = BTreeMap::<Vec<(&str, &str)>, Vec<&Sample<'_>>>::new();
    for sample in samples {
        let labels = sample.labels.iter().filter(|(key, _)| **key != "le");
        let labels = labels.map(|(key, value)| (*key, *value)).collect();
        groups.entry(labels).or_default().push(sample);
    }
    for (labels, group) in groups {
        let part = |suffix: &str| {
            let whole = format!("{name}{suffix}");
            group.iter().filter(move |sample| sample.name == whole)
        };
        let bounds: Vec<f64> = part("_bucket")
            .map(|bucket| number(bucket.labels["le"]))
            .collect();
        let counts: Vec<f64> = part("_bucket").map(|bucket| bucket.value).collect();
        assert!(
            bounds.is_sorted_by(|a, b| a < b),
            "{name} {labels:?}: {bounds:?}"
        );
        assert!(counts.is_sorted(), "{name} {labels:?}: {counts:?}");
        assert_eq!(bounds.last(), Some(&f64::INFINITY), "{name} {labels:?}");
        assert!(bounds.len() > 2, "{name} has buckets of its own");
        let total: Vec<f64> = part("_count").map(|count| count.value).collect();
        assert_eq!(total, [*counts.last().expect("+Inf")], "{name} {labels:?}");
        assert_eq!(part("_sum").count(), 1, "{name} {labels:?}");
        assert_eq!(group.len(), bounds.len() + 2, "{name} {labels:?}");
    }
}

fn sample(line: &str) -> Sample<'_> {
    let (series, value) = line.rsplit_once(' ').expect("a series and its value");
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').expect("a closing brace")),
        None => (series, ""),
    };
    assert!(is_name(name), "{line}");
    let mut pairs = BTreeMap::new();
    let mut rest = labels;
    while !rest.is_empty() {
        let (key, after) = rest.split_once("=\"").expect("a label and its value");
        let (value, after) = after.split_once('"').expect("a closing quote");
        assert!(is_name(key) && !key.contains(':'), "{line}");
        assert!(
            !value.contains('\\'),
            "no value of ours needs escaping: {line}"
        );
        assert!(pairs.insert(key, value).is_none(), "{key} twice: {line}");
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    Sample {
        name,
        labels: pairs,
        value: number(value),
    }
}

fn number(text: &str) -> f64 {
    match text {
        "+Inf" => f64::INFINITY,
        text => text
            .parse()
            .unwrap_or_else(|_| panic!("{text} is a number")),
    }
}

fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    text.bytes().next().is_some_and(is_letter)
        && text
            .bytes()
            .all(|byte| is_letter(byte) || byte.is_ascii_digit() || byte == b':')
}

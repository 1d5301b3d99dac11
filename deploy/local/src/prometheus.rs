//! A Prometheus beside the instance, with the rules that are deployed: `./dev up --observe`.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::child::Launch;
use crate::environment;
use crate::error::{Doing, Error, Result};
use crate::instance::Instance;
use crate::name::Name;

/// What is asked how often: here somebody watches.
const INTERVAL: &str = "5s";

/// For how long it remembers.
const RETENTION: &str = "1d";

/// Jobs as the rules know them, and who answers for them.
const JOBS: [(&str, &[Name]); 3] = [
    ("hubbub-api", &[Name::Api1, Name::Api2]),
    ("hubbub-gateway", &[Name::Gateway1, Name::Gateway2]),
    ("haproxy", &[Name::Balancer]),
];

/// The path of `prometheus`; `None` when the machine has none.
pub(crate) fn find() -> Option<PathBuf> {
    environment::find_program("prometheus")
}

impl Instance {
    /// The server in the foreground. It is for this machine alone: what it shows is nobody else's business.
    pub(crate) fn prometheus(&self) -> Result<Launch> {
        let program = find().ok_or_else(|| Error::told("this machine has no prometheus"))?;
        let folder = self.layout().prometheus();
        let doing = || "write the configuration of Prometheus";
        fs::create_dir_all(&folder).doing(doing)?;
        let configuration = folder.join("prometheus.yml");
        fs::write(&configuration, self.scrape_configuration()).doing(doing)?;
        let arguments = [
            format!("--config.file={}", configuration.display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            format!("--storage.tsdb.retention.time={RETENTION}"),
            format!("--web.listen-address={}", self.address(Name::Prometheus)),
        ];
        Ok(Launch::new(program).isolated().args(&arguments))
    }

    /// `deploy/prometheus/prometheus.yml` finds programs by DNS, of which there is none here.
    fn scrape_configuration(&self) -> String {
        let rules = self.layout().root().join("deploy/prometheus/*.rules.yml");
        let mut text = format!(
            "global: {{scrape_interval: {INTERVAL}, evaluation_interval: {INTERVAL}}}\n\
             rule_files: ['{}']\nscrape_configs:\n",
            rules.display()
        );
        for (job, names) in JOBS {
            let targets: Vec<String> = names
                .iter()
                .map(|name| format!("'{}'", self.metrics_address(*name)))
                .collect();
            let targets = targets.join(", ");
            writeln!(
                text,
                "  - {{job_name: {job}, static_configs: [{{targets: [{targets}]}}]}}"
            )
            .expect("text takes every text");
        }
        text
    }

    /// What a person opens to look at it.
    pub(crate) fn graph_url(&self) -> Option<String> {
        let address = self.address(Name::Prometheus);
        self.options()
            .observe
            .then(|| format!("http://{address}/graph?g0.expr=hubbub_gateway_connections&g0.tab=0"))
    }
}

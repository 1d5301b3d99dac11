//! What is deployed and is no program: Kubernetes manifests, Prometheus rules, dashboards.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{python, step::Runner};
use crate::environment;
use crate::error::{Doing, Error, Result};
use crate::layout::Layout;
use crate::packages::{self, PROMETHEUS};

/// The oldest Kubernetes that the manifests are for.
const KUBERNETES: &str = "1.33";

/// All of it.
pub(super) fn run(runner: &Runner) -> Result<()> {
    check_rules(runner)?;
    check_kubernetes(runner)
}

/// Every alert has a unit test (`*.test.yml`) beside its rules.
fn check_rules(runner: &Runner) -> Result<()> {
    if environment::find_program("promtool").is_none() {
        packages::install(&[PROMETHEUS])?;
    }
    let folder = runner.root().join("deploy/prometheus");
    for (name, verb, ending) in [
        ("alert rules", "check", ".rules.yml"),
        ("alerts", "test", ".test.yml"),
    ] {
        let mut promtool = Command::new("promtool");
        promtool.args([verb, "rules"]).args(files(&folder, ending)?);
        runner.step(name, promtool)?;
    }
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "config", "--syntax-only"]);
    promtool.arg(folder.join("prometheus.yml"));
    runner.step("scrape configuration", promtool)?;
    check_queries(runner)
}

/// The queries of the dashboards, given as rules to who knows the language. Each stands on a line of its own.
fn check_queries(runner: &Runner) -> Result<()> {
    let mut rules = String::from("groups:\n  - name: dashboards\n    rules:\n");
    let mut count = 0;
    for path in files(&runner.root().join("deploy/grafana/dashboards"), ".json")? {
        let dashboard = fs::read_to_string(&path).doing(|| format!("read {}", path.display()))?;
        for line in dashboard.lines() {
            let Some(query) = line.trim().strip_prefix("\"expr\": ") else {
                continue;
            };
            // Grafana puts in a span of time; a string of JSON is one of YAML.
            let query = query.trim_end_matches(',');
            let query = ["$__rate_interval", "$__range", "$__interval"]
                .iter()
                .fold(query.to_owned(), |query, span| query.replace(span, "5m"));
            count += 1;
            writeln!(
                rules,
                "      - {{record: 'dashboards:query{count}', expr: {query}}}"
            )
            .expect("text takes every text");
        }
    }
    let tools = Layout::tools()?;
    fs::create_dir_all(&tools).doing(|| format!("make {}", tools.display()))?;
    let path = tools.join("dashboards.rules.yml");
    fs::write(&path, rules).doing(|| format!("write {}", path.display()))?;
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "rules"]).arg(path);
    runner.step("queries of dashboards", promtool)
}

/// Renders every overlay, and every component upon the base alone; validates and scans what comes out.
fn check_kubernetes(runner: &Runner) -> Result<()> {
    let Some(kubectl) = environment::find_program("kubectl") else {
        println!("── manifests: NOT CHECKED, this machine has no kubectl");
        return Ok(());
    };
    let programs = python::ensure(runner, "manifests")?;
    let k8s = runner.root().join("k8s");
    let out = Layout::tools()?.join("manifests");
    fs::remove_dir_all(&out).ok();
    fs::create_dir_all(&out).doing(|| format!("make {}", out.display()))?;

    let mut rendered = Vec::new();
    for overlay in files(&k8s.join("overlays"), "")? {
        rendered.push(render(runner, &kubectl, &overlay, &out)?);
    }
    for component in files(&k8s.join("components"), "")? {
        let alone = with_base(&k8s, &component, &out)?;
        rendered.push(render(runner, &kubectl, &alone, &out)?);
    }
    let mut validate = Command::new(programs.join("kubernetes-validate"));
    validate
        .args(["--strict", "--quiet", "-k", KUBERNETES])
        .args(&rendered);
    runner.step("manifests against the schemas", validate)?;
    let mut scan = Command::new(programs.join("checkov"));
    scan.args([
        "--framework",
        "kubernetes",
        "--compact",
        "--quiet",
        "--skip-download",
    ]);
    for file in &rendered {
        scan.arg("-f").arg(file);
    }
    runner.step("manifests against the policies", scan)
}

/// The file with what a kustomization comes to.
fn render(runner: &Runner, kubectl: &Path, folder: &Path, out: &Path) -> Result<PathBuf> {
    let name = name_of(folder);
    let path = out.join(format!("{name}.yaml"));
    let file = File::create(&path).doing(|| format!("make {}", path.display()))?;
    let mut kustomize = Command::new(kubectl);
    kustomize.arg("kustomize").arg(folder).stdout(file);
    runner.step(&format!("render {name}"), kustomize)?;
    Ok(path)
}

/// A folder with a kustomization of the base and one component.
fn with_base(k8s: &Path, component: &Path, out: &Path) -> Result<PathBuf> {
    let folder = out.join(format!("base-with-{}", name_of(component)));
    fs::create_dir_all(&folder).doing(|| format!("make {}", folder.display()))?;
    // Kustomize takes relative paths only.
    let up = "../".repeat(folder.components().count() - 1);
    let relative =
        |path: &Path| format!("{up}{}", path.display().to_string().trim_start_matches('/'));
    let text = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: hubbub\n\
         resources: [{}]\ncomponents: [{}]\n",
        relative(&k8s.join("base")),
        relative(component),
    );
    let path = folder.join("kustomization.yaml");
    fs::write(&path, text).doing(|| format!("write {}", path.display()))?;
    Ok(folder)
}

/// What is in a folder and ends so, in order.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).doing(|| format!("read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| name_of(path).ends_with(ending))
        .collect();
    if paths.is_empty() {
        let folder = folder.display();
        return Err(Error::told(format!(
            "{folder} has nothing that ends in {ending}"
        )));
    }
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

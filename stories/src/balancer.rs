//! A balancer in front of a story, with the configuration that is deployed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use hyper::Method;
use shared::testing::{HttpClient, free_port};
use tokio::time::{Instant, sleep};

use crate::{Cluster, program::variable};

/// What configurations call the four programs.
const SERVERS: [&str; 4] = ["API_1", "API_2", "GATEWAY_1", "GATEWAY_2"];

fn deployed(name: &str) -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    repository.expect("a repository").join("deploy").join(name)
}

/// Above what `HAProxy` needs to find out how its servers are.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// A running `HAProxy` or nginx; killed when dropped.
pub struct Balancer {
    /// The public port.
    pub http: HttpClient,
    statistics: HttpClient,
    child: Child,
    /// Of nginx: its configuration, and what it writes.
    folder: Option<PathBuf>,
}

impl Balancer {
    /// Starts it before the cluster's four programs, and waits until it has seen them all.
    pub async fn before(cluster: &Cluster) -> Self {
        let [public, statistics] =
            [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]);
        command.arg(variable("HAPROXY")).args(["-db", "-f"]);
        command.arg(deployed("haproxy.cfg")).env_clear();
        command
            .env("BIND", &public)
            .env("METRICS_BIND", &statistics);
        command.env("COOKIE_KEY", format!("{:032x}", rand::random::<u128>()));
        for (variable, node) in SERVERS
            .into_iter()
            .zip(cluster.api.iter().chain(&cluster.gateway))
        {
            command.env(variable, node.http.base().trim_start_matches("http://"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().expect("haproxy starts");
        let balancer = Self {
            http: HttpClient::new(&format!("http://{public}")),
            statistics: HttpClient::new(&format!("http://{statistics}")),
            child,
            folder: None,
        };
        for server in ["api-1", "api-2", "gateway-1", "gateway-2"] {
            balancer.sees(server, "UP").await;
        }
        balancer
    }

    /// Starts nginx before the cluster's four programs, and waits until it answers.
    pub async fn nginx(cluster: &Cluster) -> Self {
        let public = format!("127.0.0.1:{}", free_port());
        let folder = format!("hubbub-nginx-{:016x}", rand::random::<u64>());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir(&folder).expect("a new folder");
        let mut text = fs::read_to_string(deployed("nginx.conf")).expect("nginx.conf");
        let nodes = cluster.api.iter().chain(&cluster.gateway);
        let mut addrs = nodes.map(|node| node.http.base().trim_start_matches("http://"));
        let mut fill = |name: &str, value: &str| {
            text = text.replace(&format!("${{{name}}}"), value);
        };
        fill("BIND", &public);
        for name in SERVERS {
            fill(name, addrs.next().expect("four programs"));
        }
        let configuration = folder.join("nginx.conf");
        fs::write(&configuration, text).expect("a new file");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]);
        command
            .arg(variable("NGINX_SERVER"))
            .arg("-c")
            .arg(&configuration);
        command
            .arg("-p")
            .arg(&folder)
            .arg("-e")
            .arg(folder.join("errors"));
        // One process: another would outlive the one that is killed.
        command.args(["-g", "daemon off; master_process off; pid nginx.pid;"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let balancer = Self {
            http: HttpClient::new(&format!("http://{public}")),
            statistics: HttpClient::new(&format!("http://{public}")),
            child: child.expect("nginx starts"),
            folder: Some(folder),
        };
        let deadline = Instant::now() + SEEN_WITHIN;
        let answers = async || {
            let answer = balancer
                .http
                .send(Method::GET, "/healthz", None, None)
                .await;
            answer.is_ok_and(|answer| answer.status.is_success())
        };
        while !answers().await {
            assert!(Instant::now() < deadline, "nginx does not answer");
            sleep(Duration::from_millis(50)).await;
        }
        balancer
    }

    /// Waits until `HAProxy` has found out that this server is in this state: `UP`, `DOWN`, or `NOLB`, which means that it
    /// gets nothing new.
    pub async fn sees(&self, server: &str, state: &str) {
        let deadline = Instant::now() + SEEN_WITHIN;
        while !self.has_seen(server, state).await {
            assert!(
                Instant::now() < deadline,
                "haproxy does not see {server} {state}"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn has_seen(&self, server: &str, state: &str) -> bool {
        let answer = self
            .statistics
            .send(Method::GET, "/metrics", None, None)
            .await;
        let Ok(answer) = answer else {
            return false;
        };
        let text = String::from_utf8_lossy(&answer.body);
        let labels = [format!("server=\"{server}\""), format!("state=\"{state}\"")];
        text.lines().any(|line| {
            line.starts_with("haproxy_server_status{")
                && labels.iter().all(|label| line.contains(label.as_str()))
                && line.ends_with(" 1")
        })
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if let Some(folder) = &self.folder {
            fs::remove_dir_all(folder).ok();
        }
    }
}

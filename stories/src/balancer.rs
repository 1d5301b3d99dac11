//! `HAProxy` in front of a story, with the configuration that is deployed.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use hyper::Method;
use shared::testing::{HttpClient, free_port};
use tokio::time::{Instant, sleep};

use crate::{Cluster, program::variable};

/// Above what `HAProxy` needs to find out how its servers are.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// A running `HAProxy`; killed when dropped.
pub struct Balancer {
    /// The public port.
    pub http: HttpClient,
    statistics: HttpClient,
    child: Child,
}

impl Balancer {
    /// Starts it before the cluster's four programs, and waits until it has seen them all.
    pub async fn before(cluster: &Cluster) -> Self {
        let [public, statistics] =
            [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        let configuration = repository.expect("a repository").join("deploy/haproxy.cfg");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]);
        command.arg(variable("HAPROXY")).args(["-db", "-f"]);
        command.arg(configuration).env_clear();
        command
            .env("BIND", &public)
            .env("METRICS_BIND", &statistics);
        command.env("COOKIE_KEY", format!("{:032x}", rand::random::<u128>()));
        let nodes = ["API_1", "API_2", "GATEWAY_1", "GATEWAY_2"];
        for (variable, node) in nodes
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
        };
        for server in ["api-1", "api-2", "gateway-1", "gateway-2"] {
            balancer.sees(server, "UP").await;
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
    }
}

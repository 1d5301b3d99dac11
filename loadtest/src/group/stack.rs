//! Two pods of `api` and two gateways on the stores of the environment.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use shared::testing::free_port;

use crate::{Failure, gateway::Node};

/// Signs the tokens of a measurement; nothing else believes it.
const SECRET: &str = "a-secret-for-measurements-that-nobody-else-believes";
const OWNER: &str = "ana";

/// Ends when it is dropped.
pub(super) struct Stack {
    programs: PathBuf,
    database_url: String,
    redis_url: String,
    apis: Vec<Node>,
    gateways: Vec<Node>,
}

impl Stack {
    pub(super) async fn start(programs: &Path) -> Result<Self, Failure> {
        let mut stack = Self {
            programs: programs.to_owned(),
            database_url: variable("DATABASE_URL")?,
            redis_url: variable("REDIS_URL")?,
            apis: Vec::new(),
            gateways: Vec::new(),
        };
        for number in 1..=2 {
            let addr = free_address();
            let mut command = stack.command("api", &format!("api-{number}"));
            command.arg("serve").env("API_ADDR", addr.to_string());
            stack.apis.push(Node::start(command, addr).await?);
        }
        for number in 1..=2 {
            let addr = free_address();
            let mut command = stack.command("gateway", &format!("gateway-{number}"));
            command
                .arg("serve")
                .env("GATEWAY_ADDR", addr.to_string())
                .env("API_URL", stack.apis().join(","));
            stack.gateways.push(Node::start(command, addr).await?);
        }
        Ok(stack)
    }

    /// A program, told where everything is.
    fn command(&self, program: &str, node_name: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.envs([
            ("NODE_NAME", node_name),
            ("DATABASE_URL", &self.database_url),
            ("REDIS_URL", &self.redis_url),
            ("JWT_SECRET", SECRET),
            ("METRICS_ADDR", &free_address().to_string()),
            ("RATE_LIMITS", "off"),
            ("SECURE_COOKIES", "off"),
            ("LOG_LEVEL", "warn"),
        ]);
        command
    }

    /// Makes the group: its id, and the tokens of those who are online.
    pub(super) fn gather(&self, members: usize, online: usize) -> Result<Value, Failure> {
        let mut command = self.command("api", "crowd");
        let (members, online) = (members.to_string(), online.to_string());
        command.args(["crowd", "--account", OWNER]).args([
            "--members",
            &members,
            "--online",
            &online,
        ]);
        let output = command.output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::Refused(said));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| Failure::Refused(error.to_string()))
    }

    pub(super) fn apis(&self) -> Vec<String> {
        let addresses = self.apis.iter().map(|node| node.addr);
        addresses.map(|addr| format!("http://{addr}")).collect()
    }

    pub(super) fn gateways(&self) -> Vec<SocketAddr> {
        self.gateways.iter().map(|node| node.addr).collect()
    }

    pub(super) fn database_url(&self) -> &str {
        &self.database_url
    }

    pub(super) fn redis_url(&self) -> &str {
        &self.redis_url
    }
}

fn free_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the stores are is told as to the programs that are measured"
)]
fn variable(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|_| Failure::Refused(format!("{name} is not set")))
}

//! Two pods of `api` and two gateways, on the database of the environment.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;
use shared::testing::free_port;
use tokio::time::sleep;

use crate::{
    Failure,
    gateway::Node,
    swarm::{Plan, Swarm},
};

/// Signs the tokens of a measurement; nothing else believes it.
pub(crate) const SECRET: &str = "a-secret-for-measurements-that-nobody-else-believes";
const OWNER: &str = "ana";

/// Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Stack {
    programs: PathBuf,
    database_url: String,
    redis_url: String,
    apis: Vec<Node>,
    gateways: Vec<Node>,
}

impl Stack {
    /// On the Redis of the environment too.
    pub(crate) async fn start(programs: &Path) -> Result<Self, Failure> {
        Self::start_on(programs, variable("REDIS_URL")?).await
    }

    /// On this Redis.
    pub(crate) async fn start_on(programs: &Path, redis_url: String) -> Result<Self, Failure> {
        let mut stack = Self {
            programs: programs.to_owned(),
            database_url: variable("DATABASE_URL")?,
            redis_url,
            apis: Vec::new(),
            gateways: Vec::new(),
        };
        for number in 1..=2 {
            let addr = free_address();
            let mut command = stack.command("api", &format!("api-{number}"));
            command.arg("serve").env("API_ADDR", addr.to_string());
            stack.apis.push(Node::start(command, addr).await?);
        }
        for number in 0..2 {
            let gateway = stack.start_gateway(number, free_address()).await?;
            stack.gateways.push(gateway);
        }
        Ok(stack)
    }

    async fn start_gateway(&self, number: usize, addr: SocketAddr) -> Result<Node, Failure> {
        let mut command = self.command("gateway", &format!("gateway-{}", number + 1));
        command
            .arg("serve")
            .env("GATEWAY_ADDR", addr.to_string())
            .env("API_URL", self.apis().join(","));
        Node::start(command, addr).await
    }

    /// SIGKILL, and what was killed a while later again, at the same address.
    pub(crate) async fn restart_gateway(
        &mut self,
        number: usize,
        gone_for: Duration,
    ) -> Result<(), Failure> {
        let addr = self.gateways[number].addr;
        drop(self.gateways.remove(number));
        sleep(gone_for).await;
        let again = self.start_gateway(number, addr).await?;
        self.gateways.insert(number, again);
        Ok(())
    }

    /// Memory of the gateways that is resident, in KiB, of each.
    pub(crate) fn gateways_resident_kib(&self) -> Result<Vec<f64>, Failure> {
        let each = self.gateways.iter().map(Node::resident_kib);
        Ok(each.collect::<Result<_, _>>()?)
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
    pub(crate) fn gather(&self, members: usize, online: usize) -> Result<Value, Failure> {
        let mut command = self.command("api", "crowd");
        let (members, online) = (members.to_string(), online.to_string());
        // A hundred thousand people are made by one statement.
        command.env("DATABASE_STATEMENT_TIMEOUT", "60s");
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

    /// Everybody of the crowd who is online, half on each gateway.
    pub(crate) fn listen(&self, crowd: &Value) -> Result<Swarm, Failure> {
        let online = crowd["online"].as_array().into_iter().flatten();
        let gateways = self.gateways();
        let places = online.zip(gateways.iter().cycle());
        let lines = places.map(|(person, gateway)| {
            let token = person["token"].as_str().unwrap_or_default();
            format!("{gateway} /ws {token} {}", person["user_id"])
        });
        let lines: Vec<String> = lines.collect();
        let plan = Plan {
            sockets: lines.len(),
            cycling: None,
        };
        let mut swarm = Swarm::start(&plan, &lines)?;
        swarm.ready()?;
        Ok(swarm)
    }

    /// Seconds of processor time that the pods of `api` have taken so far.
    pub(crate) fn apis_cpu_seconds(&self) -> Result<f64, Failure> {
        let each = self.apis.iter().map(Node::cpu_seconds);
        Ok(each.sum::<Result<f64, _>>()?)
    }

    pub(crate) fn apis(&self) -> Vec<String> {
        let addresses = self.apis.iter().map(|node| node.addr);
        addresses.map(|addr| format!("http://{addr}")).collect()
    }

    pub(crate) fn gateways(&self) -> Vec<SocketAddr> {
        self.gateways.iter().map(|node| node.addr).collect()
    }

    pub(crate) fn database_url(&self) -> &str {
        &self.database_url
    }

    pub(crate) fn redis_url(&self) -> &str {
        &self.redis_url
    }
}

/// An address that nobody listens on.
pub(crate) fn free_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port()))
}

/// Where a store is, as `./dev bench` says.
#[expect(
    clippy::disallowed_methods,
    reason = "where the stores are is told as to the programs that are measured"
)]
pub(crate) fn variable(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|_| Failure::Refused(format!("{name} is not set")))
}

//! Everything of one story.

use std::net::SocketAddr;

use shared::testing::{HttpClient, RedisServer, free_port};

use crate::{Postgres, Program, Valve, database::Database, program};

/// One of two pods of a program, where to reach it, and its own way to Redis.
pub struct Node {
    /// The process.
    pub program: Program,
    /// Its public address.
    pub http: HttpClient,
    /// Between it and Redis.
    pub redis: Valve,
}

/// What a story has otherwise than most.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan<'a> {
    /// Another program for the API: one with more features.
    pub api_program: Option<&'a str>,
    /// Other settings of the gateways.
    pub gateway_settings: &'a [(&'static str, &'a str)],
    /// A PostgreSQL of its own, to kill.
    pub own_postgres: bool,
    /// A Redis that can write its data down.
    pub redis_keeps: bool,
}

/// Two `api`, two `gateway`, one database, one Redis. Call [`Cluster::stop`] at the end of the story.
pub struct Cluster {
    /// The Redis that everybody shares.
    pub redis: RedisServer,
    /// The database's server, where it is the story's own.
    pub postgres: Option<Postgres>,
    /// The API's pods.
    pub api: [Node; 2],
    /// Between the gateways and each of the API's pods.
    pub api_ways: [Valve; 2],
    /// The gateways.
    pub gateway: [Node; 2],
    /// What signs this story's tokens.
    pub jwt_secret: String,
    database: Database,
}

impl Cluster {
    /// Starts everything and waits until all are ready.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// [`Cluster::start`], with other settings of the gateways.
    pub async fn start_with(gateway_settings: &[(&'static str, &str)]) -> Self {
        let plan = Plan {
            gateway_settings,
            ..Plan::default()
        };
        Self::start_by(plan).await
    }

    /// [`Cluster::start`], with another program for the API: one with more features.
    pub async fn start_extended(api_program: &str) -> Self {
        let plan = Plan {
            api_program: Some(api_program),
            ..Plan::default()
        };
        Self::start_by(plan).await
    }

    /// [`Cluster::start`], as planned.
    pub async fn start_by(plan: Plan<'_>) -> Self {
        let api_program = plan.api_program.unwrap_or("api");
        let (postgres, database) = if plan.own_postgres {
            let (postgres, database) = Database::create_apart().await;
            (Some(postgres), database)
        } else {
            (None, Database::create().await)
        };
        let redis = if plan.redis_keeps {
            RedisServer::start_keeping().await
        } else {
            RedisServer::start().await
        };
        let jwt_secret = format!("{:032x}", rand::random::<u128>());
        let common = [
            ("JWT_SECRET", jwt_secret.clone()),
            ("RATE_LIMITS", "off".to_owned()),
        ];
        let start_api = |name: &'static str| {
            let mut variables = common.to_vec();
            variables.push(("DATABASE_URL", database.url()));
            variables.push(("DATABASE_POOL", "8".to_owned()));
            variables.push(("DRAIN_DELAY", "3s".to_owned()));
            Node::start(api_program, name, "API_ADDR", &redis, variables)
        };
        let api = tokio::join!(start_api("api-1"), start_api("api-2"));
        let api_ways = [api.0.valve_before().await, api.1.valve_before().await];
        let [first, second] = &api_ways;
        let api_urls = format!("http://{},http://{}", first.addr(), second.addr());
        let start_gateway = |name: &'static str| {
            let mut variables = common.to_vec();
            variables.push(("API_URL", api_urls.clone()));
            let settings = plan.gateway_settings.iter();
            variables.extend(settings.map(|(name, value)| (*name, (*value).to_owned())));
            Node::start("gateway", name, "GATEWAY_ADDR", &redis, variables)
        };
        let gateway = tokio::join!(start_gateway("gateway-1"), start_gateway("gateway-2"));
        Self {
            postgres,
            api: [api.0, api.1],
            api_ways,
            gateway: [gateway.0, gateway.1],
            redis,
            jwt_secret,
            database,
        }
    }

    /// A client on the story's database, to look at what was stored.
    pub async fn database(&self) -> tokio_postgres::Client {
        self.database.client().await
    }

    /// What an operator does from a terminal: `api admin` with these arguments, next to the pods.
    pub async fn operator(&self, arguments: &[&str]) {
        let arguments = [&["admin"], arguments].concat();
        let variables = [
            ("JWT_SECRET", self.jwt_secret.clone()),
            ("DATABASE_URL", self.database.url()),
            ("REDIS_URL", format!("redis://{}", self.redis.addr())),
        ];
        program::run_once("api", &arguments, &variables).await;
    }

    /// Ends every process and removes the database. A story that fails skips this: the processes die with it, and the
    /// database goes with the server that `./dev test` started.
    pub async fn stop(self) {
        drop((self.api, self.gateway, self.redis));
        if self.postgres.is_none() {
            self.database.remove().await;
        }
    }
}

impl Node {
    /// A valve of one's own in front of its public address.
    pub async fn valve_before(&self) -> Valve {
        let base = self.http.base().trim_start_matches("http://");
        Valve::before(base.parse().expect("an address and a port")).await
    }

    async fn start(
        binary: &str,
        name: &str,
        addr_variable: &'static str,
        redis: &RedisServer,
        mut variables: Vec<(&'static str, String)>,
    ) -> Self {
        let valve = Valve::before(redis.addr()).await;
        let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
        variables.push((addr_variable, addr.to_string()));
        variables.push(("REDIS_URL", format!("redis://{}", valve.addr())));
        let program = Program::start(binary, name, free_port(), &variables).await;
        Self {
            program,
            http: HttpClient::new(&format!("http://{addr}")),
            redis: valve,
        }
    }
}

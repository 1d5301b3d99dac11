//! Everything of one story.

use std::net::SocketAddr;

use shared::testing::{HttpClient, RedisServer, free_port};

use crate::{
    Pooler, Postgres, Program, Setup, Valve,
    database::{self, Database},
    program,
    setup::settings,
};

/// One of two pods of a program, where to reach it, and its own way to Redis.
pub struct Node {
    /// The process.
    pub program: Program,
    /// Its public address.
    pub http: HttpClient,
    /// Between it and Redis.
    pub redis: Valve,
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
    database_url: String,
    database: Option<Database>,
    /// What stands before it lives as long as the programs.
    pooler: Option<Pooler>,
}

impl Cluster {
    /// Starts everything and waits until all are ready.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// [`Cluster::start`], with other settings of the gateways.
    pub async fn start_with(gateway_settings: &[(&'static str, &str)]) -> Self {
        Self::start_as(Setup {
            gateway: settings(gateway_settings),
            ..Setup::default()
        })
        .await
    }

    /// [`Cluster::start`], with another program for the API: one with more features.
    pub async fn start_extended(api_program: &str) -> Self {
        Self::start_as(Setup {
            api_program: Some(api_program.to_owned()),
            ..Setup::default()
        })
        .await
    }

    /// [`Cluster::start`], with whatever is special.
    pub async fn start_as(setup: Setup) -> Self {
        let (postgres, database) = match &setup.database_url {
            Some(_) => (None, None),
            None if setup.own_postgres => {
                let (postgres, database) = Database::create_apart().await;
                (Some(postgres), Some(database))
            }
            None => (None, Some(Database::create().await)),
        };
        let given = || setup.database_url.clone().expect("one of the two");
        let database_url = database.as_ref().map_or_else(given, Database::url);
        let redis = if setup.redis_keeps {
            RedisServer::start_keeping().await
        } else {
            RedisServer::start().await
        };
        let jwt_secret = format!("{:032x}", rand::random::<u128>());
        let common = settings(&[("JWT_SECRET", &jwt_secret), ("RATE_LIMITS", "off")]);
        let of_api = setup.of_api(&database_url);
        let api_program = setup.api_program.as_deref().unwrap_or("api");
        let start_api = |name: &'static str| {
            let variables = [&common[..], &of_api].concat();
            Node::start((api_program, name, "API_ADDR"), &redis, variables, &setup)
        };
        let api = tokio::join!(start_api("api-1"), start_api("api-2"));
        let api_ways = [api.0.valve_before().await, api.1.valve_before().await];
        let [first, second] = &api_ways;
        let api_urls = format!("http://{},http://{}", first.addr(), second.addr());
        let of_gateway = settings(&[("API_URL", &api_urls)]);
        let start_gateway = |name: &'static str| {
            let variables = [&common[..], &of_gateway, &setup.gateway].concat();
            Node::start(("gateway", name, "GATEWAY_ADDR"), &redis, variables, &setup)
        };
        let gateway = tokio::join!(start_gateway("gateway-1"), start_gateway("gateway-2"));
        Self {
            postgres,
            api: [api.0, api.1],
            api_ways,
            gateway: [gateway.0, gateway.1],
            redis,
            jwt_secret,
            database_url,
            database,
            pooler: setup.pooler,
        }
    }

    /// A client on the story's database, to look at what was stored.
    pub async fn database(&self) -> tokio_postgres::Client {
        database::connect(&self.database_url).await
    }

    /// What an operator does from a terminal: `api admin` with these arguments, next to the pods. What that prints.
    pub async fn operator(&self, arguments: &[&str]) -> String {
        self.run(&[&["admin"], arguments].concat()).await
    }

    /// Runs another command of `api`, to its end, next to the pods. What that prints.
    pub async fn run(&self, arguments: &[&str]) -> String {
        let variables = [
            ("JWT_SECRET", self.jwt_secret.clone()),
            ("DATABASE_URL", self.database_url.clone()),
            ("REDIS_URL", format!("redis://{}", self.redis.addr())),
        ];
        let printed = program::run_to_end("api", arguments, &variables).await;
        printed.unwrap_or_else(|| panic!("api {arguments:?}"))
    }

    /// Ends every process and removes the database. A story that fails skips this: the processes die with it, and the
    /// database goes with the server that `./dev test` started.
    pub async fn stop(self) {
        drop((self.api, self.gateway, self.redis, self.pooler));
        if self.postgres.is_none()
            && let Some(database) = self.database
        {
            database.remove().await;
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
        (binary, name, addr_variable): (&str, &str, &'static str),
        redis: &RedisServer,
        mut variables: Vec<(&'static str, String)>,
        setup: &Setup,
    ) -> Self {
        let valve = Valve::before(redis.addr()).await;
        let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
        variables.push((addr_variable, addr.to_string()));
        variables.push(("REDIS_URL", format!("redis://{}", valve.addr())));
        variables.extend_from_slice(&setup.all);
        let log = setup.logs.as_ref().map(|folder| folder.join(name));
        let program = Program::start(binary, name, free_port(), &variables, log.as_deref()).await;
        Self {
            program,
            http: HttpClient::new(&format!("http://{addr}")),
            redis: valve,
        }
    }
}

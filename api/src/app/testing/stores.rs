//! A database and a Redis prefix for one test.

use std::time::Duration;

use shared::{
    clock::Clock,
    config::{Outcome, load},
};
use tokio::time::timeout;
use tokio_postgres::NoTls;

use crate::app::{
    App,
    config::Settings,
    event_log::{Outlet, PublisherTask},
};

const DROP_TIME_MAX: Duration = Duration::from_secs(10);

/// Removed with everything in it when dropped.
pub(crate) struct TestStores {
    name: String,
    server: String,
    redis: String,
}

impl TestStores {
    /// A fresh copy of the migrated template, and a prefix that nobody has used.
    pub(crate) async fn create() -> Self {
        let server = variable("TEST_DATABASE_URL");
        let template = variable("TEST_TEMPLATE_DATABASE");
        let name = format!("test_{:016x}", rand::random::<u64>());
        execute(
            &server,
            &format!("create database {name} template {template}"),
        )
        .await;
        Self {
            name,
            server,
            redis: variable("TEST_REDIS_URL"),
        }
    }

    /// The settings of a pod on these stores.
    pub(crate) fn settings(&self, node_name: &str) -> Settings {
        let prefix = format!("{}:", self.name);
        let variables = [
            ("NODE_NAME", node_name),
            ("DRAIN_DELAY", "0s"),
            ("LOG_FORMAT", "text"),
            ("LOG_LEVEL", "warn,api=info"),
            ("DATABASE_URL", &self.database_url()),
            ("DATABASE_POOL", "8"),
            // On a busy machine dozens of senders in one conversation wait longer for each other than people should. That
            // waits end, and how, is tested with bounds of its own.
            ("DATABASE_POOL_WAIT", "20s"),
            ("DATABASE_LOCK_TIMEOUT", "20s"),
            ("DATABASE_STATEMENT_TIMEOUT", "20s"),
            ("REDIS_URL", &self.redis),
            ("REDIS_PREFIX", &prefix),
            ("JWT_SECRET", "a secret for tests that has enough bytes"),
            ("SECURE_COOKIES", "off"),
            // A hash costs a developer's machine 20 ms otherwise, and every actor has one.
            ("PASSWORD_HASH_MEMORY_KIB", "8"),
            ("PASSWORD_HASH_PASSES", "1"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        match load(variables, [], Settings::read) {
            Outcome::Loaded(settings) => settings,
            Outcome::Invalid(errors) => panic!("{errors:?}"),
            Outcome::Help(text) => panic!("{text}"),
        }
    }

    /// A pod's parts without a server around them. Nothing runs until the test runs it.
    pub(in crate::app) fn pod(&self, node_name: &str) -> (App, Outlet, PublisherTask) {
        App::new(self.settings(node_name), Clock::System).expect("settings of a test are valid")
    }

    /// A pod of which nothing runs: what its tasks do, a test does step by step, and what it commits is left to others.
    pub(crate) fn idle_pod(&self, node_name: &str, clock: Clock) -> App {
        let (app, ..) =
            App::new(self.settings(node_name), clock).expect("settings of a test are valid");
        app
    }

    fn database_url(&self) -> String {
        let (base, _) = self
            .server
            .rsplit_once('/')
            .expect("a URL names a database");
        format!("{base}/{}", self.name)
    }
}

impl Drop for TestStores {
    /// On a thread of its own, because the test's runtime may be gone or busy being dropped.
    ///
    /// Tidiness, not part of the test: PostgreSQL 15 was once seen never to come back from two of these at a time, so it
    /// waits only so long. What stays goes with the server that `./dev test` started.
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let remove = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let dropped = async { timeout(DROP_TIME_MAX, drop_database(&server, &name)).await };
            match runtime.block_on(dropped) {
                Ok(Ok(())) => {}
                outcome => eprintln!("left behind: database {name}: {outcome:?}"),
            }
        });
        let removed = remove.join();
        if !std::thread::panicking() {
            removed.expect("no panic");
        }
    }
}

async fn drop_database(server: &str, name: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(server, NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute("set statement_timeout = '8s'").await?;
    let statement = format!("drop database {name} with (force)");
    client.batch_execute(&statement).await
}

async fn execute(url: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("PostgreSQL for tests");
    let connection = tokio::spawn(connection);
    client.batch_execute(statement).await.expect(statement);
    drop(client);
    connection
        .await
        .expect("no panic")
        .expect("an orderly end of the connection");
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no configuration of their own"
)]
fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set; run the tests with ./dev test"))
}

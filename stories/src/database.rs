//! A database of its own for every story.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};

use crate::{Postgres, program};

const DROP_TIME_MAX: Duration = Duration::from_secs(10);

/// Copied from the migrated template; dropped with the value's [`Database::remove`].
pub(crate) struct Database {
    name: String,
    server: String,
}

impl Database {
    /// A fresh copy of `TEST_TEMPLATE_DATABASE` on the server of `TEST_DATABASE_URL`.
    pub(crate) async fn create() -> Self {
        let server = program::variable("TEST_DATABASE_URL");
        let template = program::variable("TEST_TEMPLATE_DATABASE");
        let name = format!("story_{:016x}", rand::random::<u64>());
        execute(
            &server,
            &format!("create database {name} template {template}"),
        )
        .await;
        Self { name, server }
    }

    /// A migrated database on a server of its own.
    pub(crate) async fn create_apart() -> (Postgres, Self) {
        let postgres = Postgres::start().await;
        let server = postgres.url();
        let name = "story".to_owned();
        execute(&server, &format!("create database {name}")).await;
        let database = Self { name, server };
        let variables = [("DATABASE_URL", database.url())];
        let done = program::run_program("api", &["migrate"], &variables).await;
        assert!(done, "api migrate");
        (postgres, database)
    }

    /// The URL that programs get.
    pub(crate) fn url(&self) -> String {
        let (base, _database) = self
            .server
            .rsplit_once('/')
            .expect("a URL with a database name");
        format!("{base}/{}", self.name)
    }

    /// Drops the database, cutting off whoever still uses it. Tidiness, not part of the story, so it waits only so long:
    /// what stays goes with the server that `./dev test` started.
    pub(crate) async fn remove(self) {
        let statement = format!("drop database {} with (force)", self.name);
        let dropped = timeout(DROP_TIME_MAX, execute(&self.server, &statement)).await;
        if dropped.is_err() {
            eprintln!("left behind: {statement} took too long");
        }
    }
}

async fn execute(url: &str, statement: &str) {
    connect(url)
        .await
        .batch_execute(statement)
        .await
        .expect(statement);
}

/// A client, to look at what was stored.
pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("PostgreSQL for tests");
    tokio::spawn(connection);
    client
}

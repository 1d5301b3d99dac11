//! Migrations: embedded in the program, run by one pod at a time.

use tokio_postgres::{Client, NoTls};

use crate::app::config::DatabaseSettings;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Any number that nobody else locks by.
const MIGRATION_LOCK: i64 = 0x6875_6262_7562;

/// Why the schema is not as it must be.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// No connection, or a statement failed.
    #[error("the database cannot be reached: {0}")]
    Database(#[from] tokio_postgres::Error),
    /// A migration failed, or an applied one differs from ours.
    #[error("migration failed: {0}")]
    Migration(#[from] refinery::Error),
    /// `serve` needs a newer schema.
    #[error("the schema is at {found}, this program needs {wanted}: run `api migrate` first")]
    Outdated {
        /// The newest version applied; 0 for an empty database.
        found: i64,
        /// The newest version that this program knows.
        wanted: i64,
    },
}

/// Brings the schema up to this program's version; returns the versions that were applied now. Safe from several pods at
/// once: the second waits for the first and finds nothing to do.
pub async fn migrate(settings: &DatabaseSettings) -> Result<Vec<i64>, MigrationError> {
    let mut client = connect(settings).await?;
    // Held by the connection, so that it ends with this process whatever happens.
    client
        .execute("select pg_advisory_lock($1)", &[&MIGRATION_LOCK])
        .await?;
    let report = embedded::migrations::runner()
        .run_async(&mut client)
        .await?;
    let applied = report.applied_migrations().iter();
    Ok(applied.map(refinery::Migration::version).collect())
}

/// Refuses a schema that is older than this program. A newer one is welcome: a roll-out migrates first.
pub async fn check(settings: &DatabaseSettings) -> Result<(), MigrationError> {
    let client = connect(settings).await?;
    let exists = "select to_regclass('refinery_schema_history') is not null";
    let mut found = 0;
    if client.query_one(exists, &[]).await?.get(0) {
        let newest = "select coalesce(max(version), 0)::bigint from refinery_schema_history";
        found = client.query_one(newest, &[]).await?.get(0);
    }
    let runner = embedded::migrations::runner();
    let wanted = runner.get_migrations().iter();
    let wanted = wanted.map(refinery::Migration::version).max().unwrap_or(0);
    if found < wanted {
        return Err(MigrationError::Outdated { found, wanted });
    }
    Ok(())
}

/// A connection of its own, without the pool's timeouts: a migration may take long, and so may waiting for another pod's.
async fn connect(settings: &DatabaseSettings) -> Result<Client, tokio_postgres::Error> {
    let mut config = settings.url.clone();
    config
        .application_name("hubbub-api migrate")
        .connect_timeout(settings.connect_timeout);
    let (client, connection) = config.connect(NoTls).await?;
    // Ends when the client is dropped.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, "the migrating connection was lost");
        }
    });
    Ok(client)
}

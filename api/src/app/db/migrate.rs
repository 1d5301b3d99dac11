//! Migrations: embedded in the program, run by one pod at a time.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use super::direct;
use crate::app::config::DatabaseSettings;

mod embedded {
    refinery::embed_migrations!("migrations");
}

const WHAT_FOR: &str = "hubbub-api migrate";
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
    #[error("the schema is at {}, this program needs {}: run `api migrate` first", .0.found, .0.wanted)]
    Outdated(Schema),
}

/// What schema a program found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The newest version applied; 0 for an empty database.
    pub found: i64,
    /// The newest version that this program knows.
    pub wanted: i64,
}

/// Brings the schema up to this program's version; returns the versions that were applied now. Safe from several pods at
/// once: the second waits for the first and finds nothing to do.
pub async fn migrate(settings: &DatabaseSettings) -> Result<Vec<i64>, MigrationError> {
    // Without the pool's timeouts: a migration may take long, and so may waiting for another pod's.
    let mut client = direct::connect(settings, WHAT_FOR).await?;
    // Held by the connection, so that it ends with this process whatever happens.
    client
        .execute("select pg_advisory_lock($1)", &[&MIGRATION_LOCK])
        .await?;
    // A pod of the previous release that starts again during a roll-out finds a schema that holds migrations it has never
    // heard of. To refinery that is an error; to us there is nothing to do.
    if lacking(&applied(&client).await?).is_empty() {
        return Ok(Vec::new());
    }
    let report = embedded::migrations::runner()
        .run_async(&mut client)
        .await?;
    let applied = report.applied_migrations().iter();
    Ok(applied.map(refinery::Migration::version).collect())
}

/// Refuses a schema that lacks a migration of this program. A newer one is welcome: a roll-out migrates first.
pub async fn check(settings: &DatabaseSettings) -> Result<Schema, MigrationError> {
    let client = direct::connect(settings, WHAT_FOR).await?;
    let applied = applied(&client).await?;
    let schema = Schema {
        found: applied.last().copied().unwrap_or(0),
        wanted: known().last().copied().unwrap_or(0),
    };
    if lacking(&applied).is_empty() {
        Ok(schema)
    } else {
        Err(MigrationError::Outdated(schema))
    }
}

/// What this program knows, in order.
fn known() -> BTreeSet<i64> {
    let runner = embedded::migrations::runner();
    let migrations = runner.get_migrations().iter();
    migrations.map(refinery::Migration::version).collect()
}

/// What the database has, in order.
async fn applied(client: &Client) -> Result<BTreeSet<i64>, tokio_postgres::Error> {
    let exists = "select to_regclass('refinery_schema_history') is not null";
    if !client.query_one(exists, &[]).await?.get::<_, bool>(0) {
        return Ok(BTreeSet::new());
    }
    let versions = "select version::bigint from refinery_schema_history";
    let rows = client.query(versions, &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What this program knows and the database lacks.
fn lacking(applied: &BTreeSet<i64>) -> BTreeSet<i64> {
    known().difference(applied).copied().collect()
}

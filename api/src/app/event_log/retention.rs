//! Partitions: those of coming days are made ahead, those of past days dropped whole.

use std::time::Duration;

use super::queries;
use crate::app::{App, db::Tx, error::Error, jobs::Job};

/// Looks after the partitions.
#[derive(Debug, Default)]
pub(in crate::app) struct Retention;

impl Job for Retention {
    const NAME: &'static str = "event_log_retention";
    const EVERY: Duration = Duration::from_mins(10);

    async fn run(&mut self, app: &App) -> Result<(), Error> {
        let tx = app.begin().await?;
        give_way(&tx).await?;
        let _made: Vec<String> = tx.query(queries::CREATE_PARTITIONS, &[]).await?;
        tx.commit().await?;

        let connection = app.read().await?;
        let expired: Vec<String> = connection.query(queries::EXPIRED_PARTITIONS, &[]).await?;
        drop(connection);
        for partition in expired {
            let tx = app.begin().await?;
            give_way(&tx).await?;
            let rows: i64 = tx.query_one(queries::COUNT_ROWS, &[&partition]).await?;
            // The name comes from the catalogue and matched `event_log_` and eight digits.
            tx.simple(&format!("drop table {partition}"))
                .await
                .map_err(Error::internal)?;
            tx.commit().await?;
            let rows = u64::try_from(rows).unwrap_or(0);
            app.metrics().events_expired.inc_by(rows);
            tracing::info!(partition, rows, "dropped");
        }
        Ok(())
    }
}

/// Making and dropping partitions locks the whole log, and everybody queues behind whoever waits for that lock: so it
/// waits hardly at all, and the next run tries again.
async fn give_way(tx: &Tx) -> Result<(), Error> {
    let limit = "set local lock_timeout = '200ms'";
    tx.simple(limit).await.map_err(Error::internal)
}

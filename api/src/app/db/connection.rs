//! A connection out of the pool: every statement is prepared once, and its rows are read by column name.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use deadpool_postgres::Object;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;

use super::{
    error::classify,
    metrics::DatabaseMetrics,
    row::{FromRow, Row},
    tally,
    unnamed::ParameterTypes,
};
use crate::app::error::Error;

/// Parameters of a statement, by position.
pub type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Runs statements. The functions of a slice's `queries.rs` take `&Connection`, and so work on a reader as well as inside
/// a [`Tx`](super::Tx), which derefs to one.
///
/// Behind a pooler nothing is prepared: see `unnamed.rs`.
///
/// Statements are `'static`: the cache of prepared ones is as large as the program, never as large as its input.
pub struct Connection {
    client: Object,
    types: Option<Arc<ParameterTypes>>,
    /// Whether a statement has failed: PostgreSQL then answers `commit` with a rollback, and calls that a success.
    has_failed: AtomicBool,
    metrics: Arc<DatabaseMetrics>,
}

impl Connection {
    pub(super) fn new(
        client: Object,
        types: Option<Arc<ParameterTypes>>,
        metrics: Arc<DatabaseMetrics>,
    ) -> Self {
        Self {
            client,
            types,
            has_failed: AtomicBool::new(false),
            metrics,
        }
    }

    /// For what no statement of the program does.
    pub(super) fn client(&self) -> &Object {
        &self.client
    }

    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    fn failed(&self, error: tokio_postgres::Error) -> Error {
        self.has_failed.store(true, Ordering::Relaxed);
        self.metrics.failed(&error);
        classify(error)
    }

    /// Every row.
    pub async fn query<T: FromRow>(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<T>, Error> {
        let rows = self
            .run(statement, async {
                match &self.types {
                    None => {
                        let prepared = self.client.prepare_cached(statement).await?;
                        self.client.query(&prepared, parameters).await
                    }
                    Some(types) => {
                        let typed = types.typed(statement, parameters).await?;
                        self.client.query_typed(statement, &typed).await
                    }
                }
            })
            .await?;
        let read = rows.iter().map(|row| T::from_row(&Row::new(row)));
        Ok(read.collect::<Result<_, _>>()?)
    }

    /// The first row, if there is one.
    pub async fn query_optional<T: FromRow>(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Option<T>, Error> {
        Ok(self.query(statement, parameters).await?.into_iter().next())
    }

    /// The first row of a statement that always has one.
    pub async fn query_one<T: FromRow>(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<T, Error> {
        let row = self.query_optional(statement, parameters).await?;
        row.ok_or_else(|| Error::defect("a statement that always has a row had none"))
    }

    /// How many rows were changed.
    pub async fn execute(
        &self,
        statement: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<u64, Error> {
        self.run(statement, async {
            match &self.types {
                None => {
                    let prepared = self.client.prepare_cached(statement).await?;
                    self.client.execute(&prepared, parameters).await
                }
                Some(types) => {
                    let typed = types.typed(statement, parameters).await?;
                    self.client.execute_typed(statement, &typed).await
                }
            }
        })
        .await
    }

    async fn run<T>(
        &self,
        statement: &'static str,
        run: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        tally::add_one();
        let done = run.await;
        self.metrics.ran(statement, started.elapsed());
        done.map_err(|error| self.failed(error))
    }

    /// Prepares a statement without running it: it is valid against the present schema.
    #[cfg(test)]
    pub(crate) async fn prepare(&self, statement: &'static str) -> Result<(), Error> {
        self.client
            .prepare_cached(statement)
            .await
            .map_err(classify)?;
        Ok(())
    }

    /// For `begin`, `commit` and `rollback`, which only [`Tx`](super::Tx) says, and for DDL of the maintenance job.
    pub(in crate::app) async fn simple(
        &self,
        statement: &str,
    ) -> Result<(), tokio_postgres::Error> {
        tally::add_one();
        self.client.batch_execute(statement).await
    }
}

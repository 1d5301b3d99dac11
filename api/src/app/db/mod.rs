//! PostgreSQL: the pool, connections with named statements, and transactions that carry events.

mod connection;
mod constraints;
mod direct;
mod error;
mod held;
mod metrics;
pub mod migrate;
mod plan;
mod round;
mod row;
mod snapshot;
mod tally;
#[cfg(test)]
mod tests;
mod tls;
mod tx;
mod unnamed;

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio::time::Instant;

pub use connection::{Connection, Parameters};
pub use error::is_violation_of;
pub(in crate::app) use held::Held;
pub(in crate::app) use metrics::DatabaseMetrics;
pub use round::{InvalidMoment, Moment, Round};
pub(crate) use round::{changed_in_round, round_columns};
pub use row::{Column, FromRow, InvalidRow, Row};
pub use snapshot::Snapshot;
pub(in crate::app) use tally::tally;
pub use tx::{EventSpec, Foreign, NoticeSpec, Tx};

use self::{tls::Tls, unnamed::ParameterTypes};
use super::{config::DatabaseSettings, error::Error, metrics::ApiMetrics};

/// A handle on the pool; clones share it.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    /// Behind a pooler.
    types: Option<Arc<ParameterTypes>>,
    metrics: Arc<DatabaseMetrics>,
}

impl Database {
    /// A pool that connects when first used.
    ///
    /// # Errors
    ///
    /// Only a pool without a runtime, which this one has.
    pub fn new(
        settings: &DatabaseSettings,
        metrics: &ApiMetrics,
    ) -> Result<Self, deadpool_postgres::BuildError> {
        // Connections are checked by use, not by a query before each use: TCP keepalive and the timeouts find dead ones.
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(
            connect_options(settings),
            Tls(settings.tls.clone()),
            recycling,
        );
        let timeouts = Timeouts {
            wait: Some(settings.pool_wait),
            create: Some(settings.connect_timeout),
            recycle: Some(settings.connect_timeout),
        };
        let pool = Pool::builder(manager)
            .max_size(settings.pool_size)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()?;
        let types = settings.is_behind_pooler();
        let types = types.then(|| Arc::new(ParameterTypes::new(settings.clone())));
        Ok(Self {
            pool,
            types,
            metrics: Arc::clone(&metrics.database),
        })
    }

    /// A connection for statements that each stand alone. Waits at most `DATABASE_POOL_WAIT` for a free one.
    pub async fn connection(&self) -> Result<Connection, Error> {
        let asked = Instant::now();
        let connection = self.pool.get().await;
        self.metrics.waited(asked.elapsed());
        self.metrics.pool(&self.pool.status());
        let connection = connection.inspect_err(|_| self.metrics.pool_failed())?;
        Ok(Connection::new(
            connection,
            self.types.clone(),
            Arc::clone(&self.metrics),
        ))
    }

    /// Closes every connection that is not in use, and the others when they come back.
    pub fn close(&self) {
        self.pool.close();
    }
}

/// What every connection is opened with. No statement is long enough to be worth compiling, whatever a plan for any limit
/// is afraid of. A statement that nobody waits for any more ends by itself: a request that was
/// given up returns its connection while the statement still runs.
fn connect_options(settings: &DatabaseSettings) -> tokio_postgres::Config {
    let mut config = settings.url.config.clone();
    config
        .application_name("hubbub-api")
        .connect_timeout(settings.connect_timeout)
        .keepalives_idle(Duration::from_secs(15))
        .tcp_user_timeout(settings.statement_timeout * 2);
    // A pooler's connections are not ours to set: it refuses what would have to be the same for all who share them.
    if !settings.is_behind_pooler() {
        config.options(timeouts(settings, config.get_options()));
    }
    config
}

fn timeouts(settings: &DatabaseSettings, given: Option<&str>) -> String {
    let ms = |duration: Duration| duration.as_millis();
    let timeouts = format!(
        "-c jit=off -c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={}",
        ms(settings.statement_timeout),
        ms(settings.lock_timeout),
        ms(settings.idle_in_transaction_timeout),
    );
    match given {
        Some(given) => format!("{timeouts} {given}"),
        None => timeouts,
    }
}

//! Commands find their servers: each goes where its key lives, and follows when that changes.
//!
//! A pipeline may be about any keys. It is taken apart by server, the parts go out at once, and the answers are put together
//! in the order of the commands. Commands about one hash tag keep their order, whatever happens in between.

mod round;
mod server;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use redis::{FromRedisValue, Pipeline, RedisError, Value};
use tokio::time::{Instant, sleep_until};

use self::{
    round::{Round, Setback},
    server::ServerConnections,
};
use super::{
    BusError,
    backoff::{Failures, Pauses},
    metrics::CommandMetrics,
    scripts,
    topology::{Server, Topology},
};
use crate::config::RedisSettings;

/// Between two attempts while servers change places, at first and at most.
const PAUSES: Pauses = Pauses {
    first: Duration::from_millis(20),
    max: Duration::from_millis(250),
};
/// Attempts that follow each other at once, as after a redirection; then there are pauses.
const HASTY_MAX: usize = 8;

/// Whether a pipeline may be sent again when its connection broke before the answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Sending it twice does what sending it once does.
    Harmless,
    /// Its second answer would mean something else.
    Never,
}

pub(super) struct Connections {
    topology: Arc<Topology>,
    servers: Mutex<HashMap<String, Arc<ServerConnections>>>,
    timeout: Duration,
    metrics: CommandMetrics,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.topology.fmt(f)
    }
}

impl Connections {
    /// Checks the URL; connects to nothing yet.
    pub(super) fn new(url: &str, settings: &RedisSettings) -> Result<Self, BusError> {
        Ok(Self {
            topology: Arc::new(Topology::new(url, settings)?),
            servers: Mutex::default(),
            timeout: settings.timeout,
            metrics: CommandMetrics::default(),
        })
    }

    pub(super) fn metrics(&self) -> &CommandMetrics {
        &self.metrics
    }

    pub(super) fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    /// Sends the pipeline and reads every answer, within the settings' time.
    pub(super) async fn query<T: FromRedisValue>(
        &self,
        pipeline: &Pipeline,
        repeat: Repeat,
    ) -> Result<T, BusError> {
        let asked = Instant::now();
        let values = self.values(pipeline, repeat).await;
        let operation = scripts::operation(pipeline);
        self.metrics.ran(operation, asked.elapsed());
        let values = values.and_then(|values| Ok(T::from_redis_value(Value::Array(values))?));
        values.map_err(|error| BusError::Unavailable(error.to_string()))
    }

    async fn values(&self, pipeline: &Pipeline, repeat: Repeat) -> Result<Vec<Value>, RedisError> {
        let deadline = Instant::now() + self.timeout;
        if let Err(error) = self.topology.refresh_if_old().await {
            tracing::debug!(%error, "nobody says which servers there are");
        }
        let mut round = Round::new(pipeline);
        let mut failures = Failures::default();
        let mut hasty = 0;
        loop {
            let Some(setback) = round.go(self, deadline).await else {
                return Ok(round.into_values());
            };
            let (error, may_be_hasty) = match setback {
                Setback::Redirected(error) => (error, true),
                Setback::Broken(error) if self.topology.is_fixed() => {
                    // A server that stays where it is was restarted, and every connection to it broke; or it is gone.
                    if repeat == Repeat::Never
                        || hasty >= server::CONNECTIONS
                        || !error.is_connection_dropped()
                    {
                        return Err(error);
                    }
                    (error, true)
                }
                Setback::Broken(error) if repeat == Repeat::Never => return Err(error),
                Setback::Unable(error) if self.topology.is_fixed() => return Err(error),
                Setback::Broken(error) | Setback::Unable(error) => (error, false),
                Setback::Refused(error) => return Err(error),
            };
            hasty += 1;
            if may_be_hasty && hasty <= HASTY_MAX {
                continue;
            }
            self.look_again(&mut failures, deadline, error).await?;
        }
    }

    /// Waits, and asks who has what now.
    async fn look_again(
        &self,
        failures: &mut Failures,
        deadline: Instant,
        error: RedisError,
    ) -> Result<(), RedisError> {
        let next = Instant::now() + failures.next_wait(&PAUSES);
        if next >= deadline {
            return Err(error);
        }
        if let Ok(Err(error)) = tokio::time::timeout_at(deadline, self.topology.refresh()).await {
            tracing::debug!(%error, "nobody says which servers there are");
        }
        sleep_until(next).await;
        Ok(())
    }

    /// The connections to a server; those of servers that are no more are forgotten.
    fn server(&self, server: &Server) -> Result<Arc<ServerConnections>, RedisError> {
        // Nothing panics while it holds the lock, and the map is whole at every point.
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connections) = servers.get(server.name()) {
            return Ok(Arc::clone(connections));
        }
        let layout = self.topology.layout();
        servers.retain(|name, _| layout.servers().iter().any(|known| known.name() == name));
        let connections = Arc::new(ServerConnections::new(server)?);
        servers.insert(server.name().to_owned(), Arc::clone(&connections));
        Ok(connections)
    }
}

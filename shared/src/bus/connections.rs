//! The few connections that carry a program's commands to Redis.
//!
//! A multiplexed connection serves any number of callers at once, so the pool is only their holder: it makes them, and
//! nothing is checked out per call (that would cost a PING each). A connection that breaks, falls silent or belongs to a
//! server that cannot serve is thrown away, and the next caller makes another.

use std::{
    fmt,
    future::Future,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use deadpool_redis::{Connection, Manager, Pool};
use redis::{
    AsyncConnectionConfig, ErrorKind, FromRedisValue, Pipeline, RedisError, ServerErrorKind,
    aio::MultiplexedConnection,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{
    BusError,
    metrics::{CommandMetrics, Loss},
    scripts,
};
use crate::config::RedisSettings;

/// Two, so that a large answer does not hold up every small one.
const CONNECTIONS: usize = 2;
/// Commands that may wait for a connection's writer before callers wait too.
const QUEUED_COMMANDS_MAX: usize = 1024;

/// Why a pipeline failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// A script has to be loaded first.
    ScriptMissing,
    /// Anything else.
    Other(BusError),
}

impl From<Failure> for BusError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::ScriptMissing => {
                Self::Unavailable("it forgot a script that was just loaded".into())
            }
            Failure::Other(error) => error,
        }
    }
}

/// Whether a pipeline may be sent again when its connection broke before the answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Sending it twice does what sending it once does.
    Harmless,
    /// Its second answer would mean something else.
    Never,
}

struct Held {
    serial: u64,
    connection: Connection,
}

pub(super) struct Connections {
    pool: Pool,
    slots: [Mutex<Option<Held>>; CONNECTIONS],
    next_slot: AtomicUsize,
    next_serial: AtomicU64,
    timeout: Duration,
    metrics: CommandMetrics,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

impl Connections {
    /// Checks the URL; connects to nothing yet.
    pub(super) fn new(settings: &RedisSettings) -> Result<Self, BusError> {
        // The one bound in time is the caller's, over everything that a call needs.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(QUEUED_COMMANDS_MAX);
        let configuration = |error: &dyn fmt::Display| BusError::Configuration(error.to_string());
        let manager = Manager::new_with_config(settings.url.as_str(), config)
            .map_err(|error| configuration(&error))?;
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .build()
            .map_err(|error| configuration(&error))?;
        Ok(Self {
            pool,
            slots: Default::default(),
            next_slot: AtomicUsize::new(0),
            next_serial: AtomicU64::new(0),
            timeout: settings.timeout,
            metrics: CommandMetrics::default(),
        })
    }

    pub(super) fn metrics(&self) -> &CommandMetrics {
        &self.metrics
    }

    /// Sends the pipeline and reads every answer, within the settings' time.
    pub(super) async fn query<T: FromRedisValue>(
        &self,
        pipeline: &Pipeline,
        repeat: Repeat,
    ) -> Result<T, Failure> {
        let asked = Instant::now();
        let answer = self.ask(pipeline, repeat).await;
        self.metrics
            .ran(scripts::operation(pipeline), asked.elapsed());
        answer
    }

    async fn ask<T: FromRedisValue>(
        &self,
        pipeline: &Pipeline,
        repeat: Repeat,
    ) -> Result<T, Failure> {
        let slot = &self.slots[self.next_slot.fetch_add(1, Ordering::Relaxed) % CONNECTIONS];
        let mut serial = None;
        let answer = timeout(self.timeout, async {
            let first = self.attempt(slot, &mut serial, pipeline).await;
            match first {
                Err(error) if repeat == Repeat::Harmless && error.is_connection_dropped() => {
                    self.discard(slot, serial.take(), Loss::Closed);
                    self.attempt(slot, &mut serial, pipeline).await
                }
                answer => answer,
            }
        })
        .await;
        let failure = match answer {
            Ok(Ok(answer)) => {
                self.metrics.answered();
                return Ok(answer);
            }
            Ok(Err(error)) if is_script_missing(&error) => return Err(Failure::ScriptMissing),
            Ok(Err(error)) if concerns_command_alone(&error) => unavailable(&error),
            Ok(Err(error)) => {
                self.discard(slot, serial, Loss::Closed);
                unavailable(&error)
            }
            Err(_) => {
                self.discard(slot, serial, Loss::Silent);
                unavailable(&format_args!("no answer within {:?}", self.timeout))
            }
        };
        Err(Failure::Other(failure))
    }

    async fn attempt<T: FromRedisValue>(
        &self,
        slot: &Mutex<Option<Held>>,
        serial: &mut Option<u64>,
        pipeline: &Pipeline,
    ) -> Result<T, RedisError> {
        let (used, mut connection) = self.connection(slot).await?;
        *serial = Some(used);
        boxed(pipeline.query_async(&mut connection)).await
    }

    /// The slot's connection. One caller at a time makes a new one; the others wait for it.
    async fn connection(
        &self,
        slot: &Mutex<Option<Held>>,
    ) -> Result<(u64, MultiplexedConnection), RedisError> {
        let mut slot = slot.lock().await;
        if let Some(held) = &*slot {
            return Ok((held.serial, MultiplexedConnection::clone(&held.connection)));
        }
        let connection = boxed(self.pool.get()).await.map_err(|error| match error {
            deadpool_redis::PoolError::Backend(error) => error,
            other => RedisError::from((ErrorKind::Client, "pool", other.to_string())),
        })?;
        let serial = self.next_serial.fetch_add(1, Ordering::Relaxed);
        let clone = MultiplexedConnection::clone(&connection);
        *slot = Some(Held { serial, connection });
        Ok((serial, clone))
    }

    /// Throws a broken connection away, unless somebody has replaced it already.
    fn discard(&self, slot: &Mutex<Option<Held>>, serial: Option<u64>, loss: Loss) {
        self.metrics.lost(loss);
        // A slot that is locked is being filled anew, or looked at by somebody who will fail as we did.
        let Ok(mut slot) = slot.try_lock() else {
            return;
        };
        if slot.as_ref().map(|held| held.serial) == serial
            && let Some(held) = slot.take()
        {
            drop(Connection::take(held.connection));
        }
    }
}

/// The crate's futures are several kilobytes large; every caller's would be, too.
fn boxed<'a, T>(
    future: impl Future<Output = T> + Send + 'a,
) -> std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>> {
    Box::pin(future)
}

fn unavailable(reason: &dyn fmt::Display) -> BusError {
    BusError::Unavailable(reason.to_string())
}

fn is_script_missing(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Whether the error is about the command alone. A server that is loading, or that was demoted to a replica, is left.
fn concerns_command_alone(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => !matches!(
            kind,
            ServerErrorKind::ReadOnly | ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown
        ),
        ErrorKind::Extension => true,
        _ => false,
    }
}

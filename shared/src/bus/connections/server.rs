//! The few connections that carry a program's commands to one server.
//!
//! A multiplexed connection serves any number of callers at once, so the pool is only their holder: it makes them, and
//! nothing is checked out per call (that would cost a PING each). A connection that breaks, falls silent or belongs to a
//! server that cannot serve is thrown away, and the next caller makes another.

use std::{
    future::Future,
    io,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use deadpool_redis::{Connection, Manager, Pool, PoolError};
use redis::{
    AsyncConnectionConfig, ErrorKind, Pipeline, RedisError, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};

use crate::bus::topology::Server;

/// Two, so that a large answer does not hold up every small one.
pub(super) const CONNECTIONS: usize = 2;
/// Commands that may wait for a connection's writer before callers wait too.
const QUEUED_COMMANDS_MAX: usize = 1024;

/// A pipeline had no answer.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) error: RedisError,
    /// It may have been carried out all the same.
    pub(super) was_sent: bool,
}

struct Held {
    serial: u64,
    connection: Connection,
}

/// A connection that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Used {
    slot: usize,
    serial: u64,
}

pub(super) struct ServerConnections {
    pool: Pool,
    slots: [Mutex<Option<Held>>; CONNECTIONS],
    next_slot: AtomicUsize,
    next_serial: AtomicU64,
}

impl ServerConnections {
    /// Connects to nothing yet.
    pub(super) fn new(server: &Server) -> Result<Self, RedisError> {
        // The one bound in time is the caller's, over everything that a call needs.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(QUEUED_COMMANDS_MAX);
        let manager = Manager::new_with_config(server.info(), config)?;
        let pool = Pool::builder(manager).max_size(CONNECTIONS).build();
        Ok(Self {
            pool: pool.map_err(|error| client_error(&error))?,
            slots: Default::default(),
            next_slot: AtomicUsize::new(0),
            next_serial: AtomicU64::new(0),
        })
    }

    /// Sends the pipeline and reads every answer; errors of single commands are among these.
    pub(super) async fn send(
        &self,
        pipeline: &Pipeline,
        deadline: Instant,
    ) -> Result<(Vec<Value>, Used), Unanswered> {
        let slot = self.next_slot.fetch_add(1, Ordering::Relaxed) % CONNECTIONS;
        let connected = timeout_at(deadline, self.connection(slot)).await;
        let (used, mut connection) = match connected {
            Ok(Ok(connected)) => connected,
            Ok(Err(error)) => {
                return Err(Unanswered {
                    error,
                    was_sent: false,
                });
            }
            Err(_) => {
                return Err(Unanswered {
                    error: no_time(),
                    was_sent: false,
                });
            }
        };
        let sent = boxed(connection.req_packed_commands(pipeline, 0, pipeline.len()));
        let answer = timeout_at(deadline, sent).await;
        let error = match answer {
            Ok(Ok(values)) => return Ok((values, used)),
            Ok(Err(error)) => error,
            Err(_) => no_time(),
        };
        self.discard(used);
        Err(Unanswered {
            error,
            was_sent: true,
        })
    }

    /// The slot's connection. One caller at a time makes a new one; the others wait for it.
    async fn connection(&self, slot: usize) -> Result<(Used, MultiplexedConnection), RedisError> {
        let mut held = self.slots[slot].lock().await;
        if let Some(held) = &*held {
            let serial = held.serial;
            let clone = MultiplexedConnection::clone(&held.connection);
            return Ok((Used { slot, serial }, clone));
        }
        let connection = boxed(self.pool.get()).await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            other => client_error(&other),
        })?;
        let serial = self.next_serial.fetch_add(1, Ordering::Relaxed);
        let clone = MultiplexedConnection::clone(&connection);
        *held = Some(Held { serial, connection });
        Ok((Used { slot, serial }, clone))
    }

    /// Throws a connection away, unless somebody has replaced it already.
    pub(super) fn discard(&self, used: Used) {
        // A slot that is locked is being filled anew, or looked at by somebody who will fail as we did.
        let Ok(mut slot) = self.slots[used.slot].try_lock() else {
            return;
        };
        if slot.as_ref().is_some_and(|held| held.serial == used.serial)
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

fn no_time() -> RedisError {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time").into()
}

fn client_error(error: &dyn std::fmt::Display) -> RedisError {
    RedisError::from((ErrorKind::Client, "pool", error.to_string()))
}

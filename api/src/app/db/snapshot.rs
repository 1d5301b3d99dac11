//! Several readings of one moment.

use std::ops::Deref;

use futures_util::FutureExt;

use super::{Connection, error::classify};
use crate::app::error::Error;

/// A read-only transaction at the level "repeatable read": every statement sees the database as it was at the first one,
/// the heads of channels among the rest. Ended with [`Snapshot::end`]; dropped, it ends too.
pub struct Snapshot {
    connection: Connection,
    is_open: bool,
}

impl Snapshot {
    pub(in crate::app) async fn begin(connection: Connection) -> Result<Self, Error> {
        let mut snapshot = Self {
            connection,
            is_open: true,
        };
        let begin = "begin isolation level repeatable read, read only";
        if let Err(error) = snapshot.connection.simple(begin).await {
            snapshot.is_open = false;
            return Err(classify(error));
        }
        Ok(snapshot)
    }

    /// Gives the connection back.
    pub async fn end(mut self) -> Result<(), Error> {
        self.is_open = false;
        self.connection.simple("commit").await.map_err(classify)
    }
}

impl Deref for Snapshot {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if self.is_open {
            // As with `Tx`: polled once, the command is on its way.
            drop(self.connection.simple("rollback").now_or_never());
        }
    }
}

//! The lists of people's connections; what they mean is said in [`crate::connections`].

use std::time::Duration;

use redis::Pipeline;

use super::{Bus, BusError, commands::PIPELINE_COMMANDS_MAX, scripts};
use crate::{
    connections::{Connection, KEPT, Listed, Name},
    ids::UserId,
};

impl Bus {
    /// Lists a connection. Returns who is listed, the oldest first, where more than `most` are; else nothing.
    pub(crate) async fn enter(
        &self,
        connection: &Connection,
        listed: Listed,
        (most, looked_at): (usize, usize),
    ) -> Result<Vec<Listed>, BusError> {
        let command = scripts::enter(self.names(), connection, listed, (most, looked_at));
        let answers: Vec<Vec<String>> = self.call([command]).await?;
        let names = answers.into_iter().flatten();
        // What cannot be read is not one of ours, and nobody could be told to go.
        Ok(names.filter_map(|name| name.parse().ok()).collect())
    }

    /// Lists connections without looking at their number.
    pub(crate) async fn list_connections(
        &self,
        open: impl Iterator<Item = (Connection, Listed)>,
    ) -> Result<(), BusError> {
        let open: Vec<_> = open.collect();
        for batch in open.chunks(PIPELINE_COMMANDS_MAX / 2) {
            let mut pipeline = Pipeline::with_capacity(batch.len() * 2);
            for (connection, listed) in batch {
                let key = self.names().connections(connection.user_id);
                let add = pipeline.cmd("ZADD").arg(&key).arg(connection.opened_at_ms);
                add.arg(listed.to_string()).ignore();
                let kept = scripts::milliseconds(KEPT);
                pipeline.cmd("PEXPIRE").arg(&key).arg(kept).ignore();
            }
            self.query::<()>(&pipeline).await?;
        }
        Ok(())
    }

    /// Notes a node's number of connections; see [`crate::load`].
    pub(crate) async fn load(
        &self,
        node: Name,
        connections: Option<usize>,
        kept: Duration,
    ) -> Result<Vec<usize>, BusError> {
        let command = scripts::load_of(self.names(), node, connections, kept);
        let answers: Vec<Vec<usize>> = self.call([command]).await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Takes connections from the lists.
    pub(crate) async fn unlist_connections(
        &self,
        gone: impl Iterator<Item = (UserId, Listed)>,
    ) -> Result<(), BusError> {
        let gone: Vec<_> = gone.collect();
        for batch in gone.chunks(PIPELINE_COMMANDS_MAX) {
            let mut pipeline = Pipeline::with_capacity(batch.len());
            for (user, listed) in batch {
                let key = self.names().connections(*user);
                let remove = pipeline.cmd("ZREM").arg(key).arg(listed.to_string());
                remove.ignore();
            }
            self.query::<()>(&pipeline).await?;
        }
        Ok(())
    }
}

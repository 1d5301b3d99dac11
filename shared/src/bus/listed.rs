//! The lists of people's connections; what they mean is said in [`crate::connections`].

use std::time::Duration;

use futures_util::future::try_join_all;
use redis::Pipeline;

use super::{Bus, BusError, commands::PIPELINE_COMMANDS_MAX, scripts};
use crate::{
    connections::{Connection, KEPT, Listed, Name},
    ids::UserId,
};

impl Bus {
    /// Lists connections. Returns for each who is listed of that person, the oldest first, where more than `most` are; else
    /// nothing.
    pub(crate) async fn enter(
        &self,
        new: &[(Connection, Listed)],
        bounds: (usize, usize),
    ) -> Result<Vec<Vec<Listed>>, BusError> {
        let (most, looked_at) = bounds;
        let mut all = Vec::with_capacity(new.len());
        for batch in new.chunks(PIPELINE_COMMANDS_MAX / 3) {
            let mut pipeline = Pipeline::with_capacity(batch.len() * 3);
            for (connection, listed) in batch {
                let key = self.list_in(&mut pipeline, connection, *listed);
                pipeline.cmd("ZCARD").arg(key);
            }
            let answers: Vec<usize> = self.query(&pipeline).await?;
            let counts = answers.chunks(3).filter_map(|three| three.last().copied());
            let crowds = batch
                .iter()
                .zip(counts)
                .map(async |((connection, _), count)| {
                    if count <= most {
                        return Ok(Vec::new());
                    }
                    let listed = self.listed_connections(connection.user_id, looked_at);
                    Ok(listed.await?.into_iter().map(|(name, _)| name).collect())
                });
            all.extend(try_join_all(crowds).await?);
        }
        Ok(all)
    }

    /// Lists a connection; returns the key of the list.
    fn list_in(&self, pipeline: &mut Pipeline, connection: &Connection, listed: Listed) -> String {
        let key = self.names().connections(connection.user_id);
        let add = pipeline.cmd("ZADD").arg(&key).arg(connection.opened_at_ms);
        add.arg(listed.to_string());
        let kept = scripts::milliseconds(KEPT);
        pipeline.cmd("PEXPIRE").arg(&key).arg(kept);
        key
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
                self.list_in(&mut pipeline, connection, *listed);
            }
            self.query::<()>(&pipeline).await?;
        }
        Ok(())
    }

    /// Who is listed of that person, the oldest first, and since when each; so many at most.
    pub(crate) async fn listed_connections(
        &self,
        user: UserId,
        most: usize,
    ) -> Result<Vec<(Listed, i64)>, BusError> {
        let mut pipeline = Pipeline::with_capacity(1);
        let key = self.names().connections(user);
        let range = pipeline.cmd("ZRANGE").arg(key).arg(0);
        range.arg(most.saturating_sub(1)).arg("WITHSCORES");
        let (listed,): (Vec<(String, f64)>,) = self.query(&pipeline).await?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "milliseconds are far below 2^53"
        )]
        let read = |(listed, at): (String, f64)| Some((listed.parse().ok()?, at as i64));
        Ok(listed.into_iter().filter_map(read).collect())
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

    /// Notes where a node is reached, or that it is not any more; see [`crate::addresses`].
    pub(crate) async fn note_address(
        &self,
        node: Name,
        address: Option<&str>,
        kept: Duration,
    ) -> Result<(), BusError> {
        let key = self.names().address(node);
        let mut pipeline = Pipeline::with_capacity(1);
        match address {
            Some(address) => pipeline
                .cmd("SET")
                .arg(key)
                .arg(address)
                .arg("PX")
                .arg(scripts::milliseconds(kept)),
            None => pipeline.cmd("DEL").arg(key),
        };
        pipeline.ignore();
        self.query::<()>(&pipeline).await
    }

    /// Where a node is reached.
    pub(crate) async fn address(&self, node: Name) -> Result<Option<String>, BusError> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("GET").arg(self.names().address(node));
        let (address,): (Option<String>,) = self.query(&pipeline).await?;
        Ok(address)
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

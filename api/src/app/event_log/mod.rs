//! The log of durable events (SPEC §6): outbox and history at once.
//!
//! | file | does |
//! |---|---|
//! | `append` | numbers events in the transaction that makes the change |
//! | `publish` | hands them to Redis right after the commit |
//! | `relay` | finds what was committed and not published, and publishes it |
//! | `read` | answers gateways that miss something |
//! | `retention` | makes the partitions of coming days, drops those of past ones |
//!
//! Invariants: within a channel offsets have no holes, and their order is the order of commits. Redis is never asked for
//! the truth. Publishing twice is harmless, so every doubt ends in publishing again.

mod append;
mod publish;
mod queries;
mod read;
mod relay;
mod retention;
mod routes;
#[cfg(test)]
mod tests;

pub(in crate::app) use append::{NewEvent, append};
pub use publish::Publisher;
pub(in crate::app) use publish::{Outlet, PublisherTask, publisher};
pub use queries::{Logged, STATEMENTS};
pub use read::EventLog;
pub(in crate::app) use relay::Relay;
pub(in crate::app) use retention::Retention;
pub(in crate::app) use routes::routes;

use shared::{ids::EventId, wire::Channel};

use super::{
    db::{Connection, Parameters},
    error::Error,
};

/// Starts a new life of the log: for a database that was restored to an earlier state, where the same offsets may name
/// other events. Clients then fetch their state anew instead of resuming.
pub async fn start_new_epoch(connection: &Connection) -> Result<(), Error> {
    let bits: i64 = rand::random();
    connection.execute(queries::START_EPOCH, &[&bits]).await?;
    Ok(())
}

/// An id for a durable event to be, for whoever has to tell it before the commit.
pub async fn draw_id(connection: &Connection) -> Result<EventId, Error> {
    connection.query_one(queries::DRAW_ID, &[]).await
}

/// Where an event stands in the log, by channel; so many channels at most, whichever these are. Nothing where it is not
/// there, or not any more.
pub async fn find_event(
    connection: &Connection,
    event: EventId,
    channels_max: i64,
) -> Result<Vec<Logged>, Error> {
    connection
        .query(queries::FIND_EVENT, &[&event.get(), &channels_max])
        .await
}

/// Where an event stands in one channel.
pub async fn find_in_channel(
    connection: &Connection,
    event: EventId,
    channel: Channel,
) -> Result<Option<Logged>, Error> {
    let parameters: Parameters<'_> = &[&event.get(), &channel.to_string()];
    connection
        .query_optional(queries::FIND_IN_CHANNEL, parameters)
        .await
}

//! What became of an event on its way to people who are traced, so that an operator can be told why somebody did not get it.
//!
//! Who is traced is decided by a feature flag ([`TRACE`]): somebody by name, or a share of all. Gateways write a line for
//! each milestone of each event for these, by the event's id, into Redis, where the lines of an event are bounded in number
//! and forgotten after hours. For everybody else nothing is written, and nothing but counters moves
//! (`docs/decisions/0020-delivery-ledger.md`).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    bus::{Bus, BusError},
    connections::Name,
    flags::Flag,
    ids::{EventId, UserId},
};

/// Deliveries to those who have it are written down.
pub static TRACE: Flag = Flag::off(
    "trace",
    "What is delivered to these people is written down for GET /admin/events/{id}/trace",
);

/// Lines of one event that are kept: the first ones.
pub const LINES_MAX: usize = 1000;
/// How long they are kept after the last one was written.
pub const KEPT: Duration = Duration::from_hours(6);

/// How far an event has come on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Milestone {
    /// The connection hears it: it was queued.
    Matched,
    /// The socket has taken its last byte.
    Written,
    /// The client has said that it has it.
    Acknowledged,
    /// It will not be written on this connection.
    Dropped,
}

/// Why an event is not written on a connection that it was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The queue was full, and it was not worth closing the connection for.
    QueueFull,
    /// A newer event with the same key took its place.
    Replaced,
    /// The queue was full: the connection is closed with 4201, and a resume brings it.
    SlowConsumer,
    /// The connection ended before; a resume brings what is durable.
    ConnectionEnded,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When, in milliseconds since the Unix epoch, by the node's clock.
    pub at_ms: i64,
    /// The gateway.
    pub node: String,
    /// Whose connection it is.
    pub user_id: UserId,
    /// Which one.
    pub connection_id: Name,
    /// How far the event has come.
    pub milestone: Milestone,
    /// Why not further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<DropReason>,
}

/// Writes lines down, each under its event.
pub async fn write(bus: &Bus, lines: &[(EventId, Line)]) -> Result<(), BusError> {
    let texts = lines.iter().map(|(event, line)| {
        let text = serde_json::to_string(line);
        (*event, text.expect("numbers and texts always serialise"))
    });
    bus.write_lines(&texts.collect::<Vec<_>>(), LINES_MAX, KEPT)
        .await
}

/// What was written under an event, in the order in which it came to Redis.
pub async fn read(bus: &Bus, event: EventId) -> Result<Vec<Line>, BusError> {
    let texts = bus.read_lines(event).await?;
    // What a newer release has written may be more than this one knows.
    let lines = texts
        .iter()
        .filter_map(|text| serde_json::from_str(text).ok());
    Ok(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::shared_redis;

    fn line(at_ms: i64) -> Line {
        Line {
            at_ms,
            node: "gateway-1".to_owned(),
            user_id: UserId::new(7).unwrap(),
            connection_id: Name::random(),
            milestone: Milestone::Dropped,
            reason: Some(DropReason::QueueFull),
        }
    }

    #[tokio::test]
    async fn the_first_lines_of_an_event_are_kept() {
        let bus = Bus::new(&shared_redis()).unwrap();
        let (event, other) = (EventId::ephemeral(), EventId::ephemeral());
        let mine = line(1);
        write(&bus, &[(event, mine.clone()), (other, line(2))])
            .await
            .unwrap();
        let written = read(&bus, event).await.unwrap();
        assert_eq!(written, std::slice::from_ref(&mine));
        let many: Vec<_> = (0..1100).map(|at| (event, line(at))).collect();
        write(&bus, &many).await.unwrap();
        let kept = read(&bus, event).await.unwrap();
        assert_eq!((kept.len(), &kept[0]), (LINES_MAX, &mine));
        assert_eq!(read(&bus, other).await.unwrap().len(), 1);
    }
}

//! What the subscriber asks of Redis and the log beside its connection. Nothing here holds up the reading of events.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use redis::RedisError;
use tokio::time::timeout;

use super::followed::{CheckNumber, Claim};
use crate::{
    bus::{Bus, History, HistoryError, LogReader, topology::Topology},
    wire::{Channel, Event, Offset, Position},
};

/// The longest wait for the log's heads.
const LOG_WAIT_MAX: Duration = Duration::from_secs(5);

/// Work under way.
pub(super) type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// Work that is done.
#[derive(Debug)]
pub(super) enum Done {
    /// Heads were asked for.
    Checked(CheckNumber, Vec<Answer>),
    /// Events were asked for.
    Fetched(Fetch, Result<Vec<Arc<Event>>, HistoryError>),
    /// A probe was sent; whether it arrives shows on the connection.
    Probed,
    /// It was looked who has what.
    Looked(Result<(), RedisError>),
}

/// Where does this channel's log end?
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) channel: Channel,
    pub(super) claim: Claim,
    /// Somebody waits for the answer.
    pub(super) is_urgent: bool,
}

/// There; `None` when nobody could be asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) channel: Channel,
    pub(super) head: Option<Position>,
}

/// A hole to fill.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fetch {
    pub(super) channel: Channel,
    pub(super) serial: u64,
    pub(super) after: Position,
    pub(super) through: Offset,
}

pub(super) fn fetch(history: History, fetch: Fetch) -> Work {
    Box::pin(async move {
        let outcome = history
            .range(fetch.channel, fetch.after, fetch.through)
            .await;
        Done::Fetched(fetch, outcome)
    })
}

pub(super) fn look(topology: Arc<Topology>) -> Work {
    Box::pin(async move { Done::Looked(topology.refresh().await) })
}

pub(super) fn probe(bus: Bus, stream: String) -> Work {
    Box::pin(async move {
        if let Err(error) = bus.probe(&stream).await {
            tracing::warn!(%error, "the subscription's probe could not be sent");
        }
        Done::Probed
    })
}

/// Asks Redis for all heads, and the log for those that Redis does not know, or knows otherwise than we do.
pub(super) fn check(
    bus: Bus,
    log: Arc<dyn LogReader>,
    number: CheckNumber,
    questions: Vec<Question>,
) -> Work {
    Box::pin(async move {
        let answers = match ask_redis(&bus, &questions).await {
            Some(known) => ask_log_too(&bus, &*log, &questions, known).await,
            None => ask_log_alone(&*log, &questions).await,
        };
        Done::Checked(number, answers)
    })
}

async fn ask_redis(bus: &Bus, questions: &[Question]) -> Option<Vec<Option<Position>>> {
    let channels: Vec<Channel> = questions.iter().map(|question| question.channel).collect();
    let heads = bus.heads(&channels).await;
    let heads = heads.inspect_err(|error| tracing::warn!(%error, "redis does not tell heads"));
    heads.ok()
}

async fn ask_log_too(
    bus: &Bus,
    log: &dyn LogReader,
    questions: &[Question],
    known: Vec<Option<Position>>,
) -> Vec<Answer> {
    let is_believed = |question: &Question, head: Option<Position>| {
        head.is_some_and(|head| question.claim.agrees(head))
    };
    let pairs = questions.iter().zip(known.iter().copied());
    let doubtful: Vec<Channel> = pairs
        .clone()
        .filter(|(question, head)| !is_believed(question, *head))
        .map(|(question, _)| question.channel)
        .collect();
    let mut from_log = ask_log(log, doubtful).await.into_iter();
    let mut unknown_to_redis = Vec::new();
    let answers = pairs
        .map(|(question, in_redis)| {
            let channel = question.channel;
            if is_believed(question, in_redis) {
                return Answer {
                    channel,
                    head: in_redis,
                };
            }
            let in_log = from_log.next().flatten();
            if let Some(head) = in_log
                && in_redis.is_none_or(|known| known.epoch != head.epoch)
            {
                unknown_to_redis.push((channel, head));
            }
            Answer {
                channel,
                head: in_log.map(|head| further(head, in_redis)),
            }
        })
        .collect();
    // So that the next who asks needs no log. It does not matter to this answer whether it works.
    if let Err(error) = bus.warm_heads(&unknown_to_redis).await {
        tracing::debug!(%error, "heads could not be written back to redis");
    }
    answers
}

/// Redis cannot be asked: the log is, for those who wait. It is not made to carry everybody's regular comparisons too.
async fn ask_log_alone(log: &dyn LogReader, questions: &[Question]) -> Vec<Answer> {
    let urgent = questions.iter().filter(|question| question.is_urgent);
    let urgent = urgent.map(|question| question.channel).collect();
    let mut heads = ask_log(log, urgent).await.into_iter();
    let answer = |question: &Question| Answer {
        channel: question.channel,
        head: if question.is_urgent {
            heads.next().flatten()
        } else {
            None
        },
    };
    questions.iter().map(answer).collect()
}

/// As many answers as channels.
async fn ask_log(log: &dyn LogReader, channels: Vec<Channel>) -> Vec<Option<Position>> {
    let count = channels.len();
    if count == 0 {
        return Vec::new();
    }
    match timeout(LOG_WAIT_MAX, log.heads(channels)).await {
        Ok(Ok(heads)) if heads.len() == count => return heads.into_iter().map(Some).collect(),
        Ok(Ok(heads)) => tracing::error!(
            asked = count,
            told = heads.len(),
            "the log told other heads than it was asked for"
        ),
        Ok(Err(error)) => tracing::warn!(%error, "the log does not tell heads"),
        Err(_) => tracing::warn!("the log does not tell heads in time"),
    }
    vec![None; count]
}

/// A reader of the log may be a moment behind Redis.
fn further(in_log: Position, in_redis: Option<Position>) -> Position {
    match in_redis {
        Some(known) if known.epoch == in_log.epoch && known.offset > in_log.offset => known,
        _ => in_log,
    }
}

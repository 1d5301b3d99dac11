//! The durable log, read through `api`: a gateway never sees PostgreSQL.

use serde::{Deserialize, Serialize};
use shared::{
    bus::{LogError, LogFuture, LogPage, LogReader},
    telemetry::RequestId,
    wire::{Channel, Event, Offset, Position},
};

use super::{ApiClient, Repeat};

/// The most events that `api` gives at once.
const PAGE_EVENTS_MAX: usize = 512;

#[derive(Serialize)]
struct AskHeads {
    channels: Vec<Channel>,
}

#[derive(Deserialize)]
struct Heads {
    heads: Vec<Position>,
}

#[derive(Serialize)]
struct AskPage {
    channel: Channel,
    after: Offset,
    limit: usize,
}

#[derive(Deserialize)]
struct Page {
    head: Position,
    first: Offset,
    records: Vec<String>,
}

impl LogReader for ApiClient {
    fn heads(&self, channels: Vec<Channel>) -> LogFuture<'_, Vec<Position>> {
        Box::pin(async move {
            let asked = channels.len();
            let body = AskHeads { channels };
            let Heads { heads } = self.read_log("/internal/log/heads", &body).await?;
            if heads.len() != asked {
                return Err(LogError(format!("{} heads of {asked}", heads.len())));
            }
            Ok(heads)
        })
    }

    fn read(&self, channel: Channel, after: Offset, count_max: usize) -> LogFuture<'_, LogPage> {
        Box::pin(async move {
            let limit = count_max.min(PAGE_EVENTS_MAX);
            let body = AskPage {
                channel,
                after,
                limit,
            };
            let page: Page = self.read_log("/internal/log/read", &body).await?;
            let records = page.records.iter();
            let events = records.map(|record| Event::from_record(channel, record.as_bytes()));
            let events: Result<_, _> = events.collect();
            Ok(LogPage {
                head: page.head,
                events: events.map_err(|error| LogError(error.to_string()))?,
                first: page.first,
            })
        })
    }
}

impl ApiClient {
    async fn read_log<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, LogError> {
        let request_id = RequestId::random();
        let read = self.post(path, body, &request_id, Repeat::Safe).await;
        read.map_err(|error| LogError(error.to_string()))
    }
}

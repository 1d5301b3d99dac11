//! The log as gateways read it.

use axum::{Json as Answer, Router, extract::State, routing::post};
use serde::{Deserialize, Serialize};
use shared::wire::{Channel, Code, Event, Offset, Position};

use super::EventLog;
use crate::app::{
    App,
    error::Error,
    http::{
        Gateway,
        json::{Input, Json},
    },
};

/// Channels that can be asked about at once.
const CHANNELS_MAX: usize = 1000;

/// `POST /internal/log/heads`, `POST /internal/log/read`.
pub(in crate::app) fn routes() -> Router<App> {
    Router::new()
        .route("/log/heads", post(heads))
        .route("/log/read", post(read))
}

#[derive(Deserialize)]
struct Heads {
    channels: Vec<Channel>,
}

impl Input for Heads {}

#[derive(Serialize)]
struct HeadsView {
    heads: Vec<Position>,
}

async fn heads(
    State(app): State<App>,
    _: Gateway,
    Json(input): Json<Heads>,
) -> Result<Answer<HeadsView>, Error> {
    if input.channels.len() > CHANNELS_MAX {
        return Err(Error::field(
            "channels",
            "too_long",
            "at most 1000 channels",
        ));
    }
    for channel in &input.channels {
        durable(*channel)?;
    }
    let heads = EventLog::new(&app).heads(&input.channels).await?;
    Ok(Answer(HeadsView { heads }))
}

#[derive(Deserialize)]
struct Read {
    channel: Channel,
    after: Offset,
    limit: usize,
}

impl Input for Read {}

#[derive(Serialize)]
struct PageView {
    head: Position,
    first: Offset,
    records: Vec<String>,
}

async fn read(
    State(app): State<App>,
    _: Gateway,
    Json(input): Json<Read>,
) -> Result<Answer<PageView>, Error> {
    durable(input.channel)?;
    let page = EventLog::new(&app)
        .read(input.channel, input.after, input.limit)
        .await?;
    let records = page.events.iter().map(record).collect::<Result<_, _>>()?;
    Ok(Answer(PageView {
        head: page.head,
        first: page.first,
        records,
    }))
}

fn durable(channel: Channel) -> Result<(), Error> {
    if channel.is_durable() {
        Ok(())
    } else {
        let detail = format!("{channel} has no log");
        Err(Error::new(Code::InvalidRequest, detail))
    }
}

fn record(event: &Event) -> Result<String, Error> {
    String::from_utf8(event.to_record().into()).map_err(Error::internal)
}

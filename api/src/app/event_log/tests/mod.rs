//! The log's promises, on real stores. Pods here are parts without a server: nothing runs until a test runs it.

mod numbering;
mod publishing;
mod reading;
mod relaying;

use serde_json::Value;
use shared::{
    clock::Clock,
    ids::UserId,
    wire::{Channel, Event},
};

use super::{EventLog, Outlet};
use crate::app::{App, config::Settings, db::EventSpec, error::Error, event_type::EventType};

fn user(id: i64) -> Channel {
    Channel::User(UserId::new(id).unwrap())
}

fn spec<'a>(channels: &'a [Channel], data: &'a Value) -> EventSpec<'a, Value> {
    EventSpec {
        channels,
        kind: EventType::durable::<Value>("private_message", "Whatever a test says."),
        from: None,
        to: None,
        group: None,
        data,
    }
}

/// A transaction that changes nothing and tells these channels of it.
async fn tell(app: &App, channels: &[Channel], data: &Value) -> Result<(), Error> {
    let mut tx = app.begin().await?;
    tx.event(&spec(channels, data))?;
    tx.commit().await
}

/// The whole log of a channel.
async fn history(app: &App, channel: Channel) -> Vec<Event> {
    let page = EventLog::new(app).read(channel, 0, 512).await.unwrap();
    assert_eq!(
        page.events.len() as u64,
        page.head.offset,
        "a hole, or too many for a page"
    );
    page.events
}

/// Where Redis believes the channel to end.
async fn redis_head(app: &App, channel: Channel) -> Option<u64> {
    let heads = app.bus().heads(&[channel]).await.unwrap();
    heads[0].map(|head| head.offset)
}

fn published(app: &App, by: &str) -> u64 {
    let counter = &app.metrics().outbox_published;
    counter.with_label_values(&[by, "published"]).get()
}

/// A pod that never publishes by itself, as if it were killed after every commit.
fn pod_that_dies(settings: Settings) -> (App, Outlet) {
    let settings = Settings {
        inline_publishing: false,
        ..settings
    };
    let (app, outlet, _) = App::new(settings, Clock::System).unwrap();
    (app, outlet)
}

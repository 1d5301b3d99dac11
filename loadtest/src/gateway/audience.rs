//! Who hears a message, and how a message gets on its way.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use bytes::Bytes;
use redis::{Pipeline, aio::MultiplexedConnection};
use serde::Serialize;
use shared::{
    bus::Bus,
    clock::Clock,
    config::RedisSettings,
    ids::EventId,
    wire::{Channel, Class, Epoch, Event, EventBody, Offset, Position},
};

use super::peer::PeerKind;
use crate::{Failure, swarm::MARK};

/// The log of a measurement has one life.
pub(super) const EPOCH: Epoch = Epoch::from_bits(0x6d65_6173_7572_6564);
/// What one client gets of one message, as JSON, by whomever it is measured.
const MESSAGE_BYTES: usize = 200;

/// Who hears a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Everybody who is in the one room.
    Room,
    /// One person.
    Person(u64),
}

impl Audience {
    pub(super) fn channel(self) -> Channel {
        let name = match self {
            Self::Room => "group:1".to_owned(),
            Self::Person(id) => format!("user:{id}"),
        };
        name.parse().expect("ids are positive")
    }
}

/// The Redis of a measurement.
pub(super) fn redis_settings(url: &str) -> RedisSettings {
    RedisSettings {
        url: url.to_owned(),
        pubsub_url: None,
        ca_file: None,
        prefix: "hubbub:".to_owned(),
        timeout: Duration::from_secs(10),
    }
}

/// Publishes as the peer's own back end would.
#[derive(Clone)]
pub(crate) enum Publisher {
    /// Through the bus that `api` uses.
    Hubbub(Bus),
    /// The same, at offsets without holes.
    Durable(Bus, Arc<Mutex<HashMap<Channel, Offset>>>),
    /// As Redis has it.
    Bare(MultiplexedConnection),
}

#[derive(Serialize)]
struct Data {
    micros: String,
    fill: String,
}

impl Publisher {
    pub(crate) async fn connect(peer: PeerKind, redis_url: &str) -> Result<Self, Failure> {
        let settings = redis_settings(redis_url);
        let bus = || Bus::new(&settings).map_err(|error| Failure::Refused(error.to_string()));
        Ok(match peer {
            PeerKind::Hubbub | PeerKind::SocketIo => Self::Hubbub(bus()?),
            PeerKind::HubbubDurable | PeerKind::SocketIoDurable => {
                Self::Durable(bus()?, Arc::default())
            }
            PeerKind::Bare => {
                let client = redis::Client::open(redis_url)?;
                Self::Bare(client.get_multiplexed_async_connection().await?)
            }
        })
    }

    /// Publishes messages that were meant to leave at these times.
    pub(crate) async fn publish(&self, messages: &[(Audience, u64)]) -> Result<(), Failure> {
        let refused = |error: shared::bus::BusError| Failure::Refused(error.to_string());
        match self {
            Self::Hubbub(bus) => {
                let events: Vec<_> = messages.iter().map(|m| event(*m, None)).collect();
                bus.publish(&events).await.map_err(refused)
            }
            Self::Durable(bus, heads) => {
                let events: Vec<_> = {
                    let mut heads = heads.lock().expect("nobody panics with it");
                    let numbered = messages.iter().map(|message| {
                        let offset = heads.entry(message.0.channel()).or_default();
                        *offset += 1;
                        event(*message, Some(*offset))
                    });
                    numbered.collect()
                };
                bus.append(&events).await.map(drop).map_err(refused)
            }
            Self::Bare(connection) => {
                let mut pipeline = Pipeline::with_capacity(messages.len());
                for (audience, at_us) in messages {
                    let channel = audience.channel().to_string();
                    let command = pipeline.cmd("PUBLISH").arg(channel);
                    command.arg(bare_message(*at_us)).ignore();
                }
                let done: Result<(), _> = pipeline.query_async(&mut connection.clone()).await;
                Ok(done?)
            }
        }
    }
}

fn bare_message(at_us: u64) -> String {
    let start = format!(r#"{{"type":"bench",{MARK}{at_us:016}","fill":""#);
    let fill = "x".repeat(MESSAGE_BYTES - start.len() - 2);
    format!(r#"{start}{fill}"}}"#)
}

/// An event whose frame has as many bytes as the others' messages: what a gateway adds to the body, the body lacks.
fn event((audience, at_us): (Audience, u64), offset: Option<Offset>) -> Event {
    /// Of a body with nothing to fill it up; they differ in digits only, and those are always as many.
    static BARE_BODY_BYTES: LazyLock<usize> = LazyLock::new(|| body(0, 0).len());
    let (channel, id) = (audience.channel(), EventId::ephemeral());
    let offset_text = offset.map_or(String::new(), |offset| format!(r#","offset":{offset}"#));
    let added = format!(r#""type":"bench","id":{id},"channel":"{channel}"{offset_text},"#).len();
    let fill = MESSAGE_BYTES.saturating_sub(*BARE_BODY_BYTES + added);
    Event {
        channel,
        position: offset.map(|offset| Position {
            epoch: EPOCH,
            offset,
        }),
        id,
        class: if offset.is_some() {
            Class::Durable
        } else {
            Class::Chatter
        },
        control: false,
        kind: "bench".into(),
        key: None,
        committed_at_ms: Clock::System.now_ms(),
        trace: None,
        body: body(at_us, fill),
    }
}

fn body(at_us: u64, fill: usize) -> Bytes {
    let data = Data {
        micros: format!("{at_us:016}"),
        fill: "x".repeat(fill),
    };
    let body = EventBody {
        timestamp: Clock::System.now_seconds(),
        from_user_id: None,
        to_user_id: None,
        group_id: None,
        data: &data,
    };
    body.to_json().expect("texts can be told")
}

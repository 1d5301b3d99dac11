//! What every topology of Redis has to keep, tried against real servers.

mod appending;
mod failures;
mod following;
mod history;
mod node;
mod proxy;
mod topologies;

use std::time::Duration;

use self::node::{Node, World};
use super::{subscriber::Tuning, *};
use crate::{
    ids::{PostId, UserId},
    testing::{MemoryLog, RedisServer, event, shared_redis},
    wire::{Channel, Epoch, Event, Offset, Position},
};

/// The longest wait for anything that is expected to happen.
const PATIENCE: Duration = Duration::from_secs(15);

fn user(number: i64) -> Channel {
    Channel::User(UserId::new(number).unwrap())
}

fn post(number: i64) -> Channel {
    Channel::Post(PostId::new(number).unwrap())
}

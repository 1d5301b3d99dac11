//! A `sync` command under way: what came after the positions that the client gave, once more.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use serde_json::value::RawValue;
use shared::{
    bus::HistoryError,
    wire::{Channel, Code, Position, Problem, Reference},
};

use super::{Effect, RETRY_AFTER_MS, opening::reason, resume, stream::Stream, turns::json};
use crate::codec::{Encoded, native::ChannelStart};

/// What the acknowledgement says.
#[derive(Serialize)]
struct Data<'a> {
    channels: &'a BTreeMap<Channel, ChannelStart>,
}

#[derive(Debug)]
pub(super) struct CatchUp {
    reference: Option<Reference>,
    starts: BTreeMap<Channel, ChannelStart>,
    unread: usize,
    unavailable: bool,
}

impl CatchUp {
    /// Holds the streams that have something to replay, and asks for it.
    pub(super) fn begin(
        frame: &[u8],
        reference: Option<Reference>,
        streams: &mut [Stream],
        effects: &mut Vec<Effect>,
    ) -> Result<Self, Box<Problem>> {
        let asked = resume::parse_sync(frame)
            .map_err(|invalid| Box::new(Problem::new(Code::InvalidRequest, invalid.to_string())))?;
        if let Some(name) = asked.unknown.first() {
            let detail = format!("{name} is not a channel");
            return Err(Box::new(Problem::new(Code::InvalidRequest, detail)));
        }
        // Everybody hears what is said to everybody; it has no log, so there is nothing to be replayed.
        let hears = |channel: &Channel| {
            *channel == Channel::Broadcast || streams.iter().any(|s| s.channel == *channel)
        };
        if let Some(channel) = asked.positions.keys().find(|channel| !hears(channel)) {
            let detail = format!("{channel} is not yours to hear");
            return Err(Box::new(Problem::new(Code::Forbidden, detail)));
        }
        let mut catch_up = Self {
            reference,
            starts: BTreeMap::new(),
            unread: 0,
            unavailable: false,
        };
        for stream in streams {
            if let Some(since) = asked.positions.get(&stream.channel) {
                catch_up.ask(stream, *since, effects);
            }
        }
        Ok(catch_up)
    }

    fn ask(&mut self, stream: &mut Stream, since: Position, effects: &mut Vec<Effect>) {
        // A channel without a log has nothing to replay and no position to tell.
        let Some(top) = stream.position() else { return };
        let start = if since.epoch != top.epoch || since.offset > top.offset {
            ChannelStart::lost(top, "epoch_changed")
        } else {
            ChannelStart::recovered(since)
        };
        self.starts.insert(stream.channel, start);
        if start.recovered == Some(true) && since.offset < top.offset {
            self.unread += 1;
            stream.await_history();
            effects.push(Effect::Read {
                channel: stream.channel,
                after: since,
                through: top.offset,
            });
        }
    }

    pub(super) fn on_history(
        &mut self,
        stream: &mut Stream,
        outcome: Result<Vec<Arc<Encoded>>, HistoryError>,
    ) {
        self.unread -= 1;
        match outcome {
            Ok(events) => return stream.history(events),
            Err(HistoryError::Unavailable(_)) => self.unavailable = true,
            Err(error) => {
                // What is held follows the position at which the stream began to hold.
                if let Some(position) = stream.first_waiting().or(stream.position()) {
                    let start = ChannelStart::lost(position, reason(&error));
                    self.starts.insert(stream.channel, start);
                }
            }
        }
        stream.history(Vec::new());
    }

    pub(super) fn is_complete(&self) -> bool {
        self.unread == 0
    }

    pub(super) fn reference(&self) -> Option<&Reference> {
        self.reference.as_ref()
    }

    /// The acknowledgement's data, or why there is none.
    pub(super) fn outcome(&self) -> Result<Box<RawValue>, Box<Problem>> {
        if self.unavailable {
            let mut problem = Problem::new(Code::Unavailable, "The history cannot be read now");
            problem.retry_after_ms = Some(RETRY_AFTER_MS);
            return Err(Box::new(problem));
        }
        Ok(json(&Data {
            channels: &self.starts,
        }))
    }
}

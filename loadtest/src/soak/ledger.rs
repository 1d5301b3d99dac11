//! What one client has heard of each channel: whether it was everything, once, in order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Where a client stands in a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stand {
    epoch: String,
    offset: u64,
}

/// What a client, or many, have counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Durable events that were the next of their channel.
    pub(super) heard: u64,
    /// Durable events that had been heard before.
    pub(super) repeated: u64,
    /// Durable events before which others are missing.
    pub(super) holes: u64,
    /// Channels that could not be gone on with after a break.
    pub(super) lost: u64,
    /// Connections that were opened.
    pub(super) connections: u64,
}

impl Counts {
    pub(super) const fn add(&mut self, other: &Self) {
        self.heard += other.heard;
        self.repeated += other.repeated;
        self.holes += other.holes;
        self.lost += other.lost;
        self.connections += other.connections;
    }
}

/// One client's.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    stands: BTreeMap<String, Stand>,
    pub(super) counts: Counts,
}

impl Ledger {
    /// From where to resume: `{channel: {epoch, offset}}`; `None` before the first connection.
    pub(super) fn positions(&self) -> Option<Value> {
        let positions = self.stands.iter().map(|(channel, stand)| {
            let position = json!({"epoch": stand.epoch, "offset": stand.offset});
            (channel.clone(), position)
        });
        (!self.stands.is_empty()).then(|| Value::Object(positions.collect::<Map<_, _>>()))
    }

    /// How far this client is in a channel that it hears.
    pub(super) fn offset(&self, channel: &str) -> Option<u64> {
        self.stands.get(channel).map(|stand| stand.offset)
    }

    /// Takes a frame in.
    pub(super) fn hear(&mut self, frame: &Value) {
        match frame["type"].as_str() {
            Some("welcome") => self.welcomed(&frame["data"]["channels"]),
            Some("channels") => self.channels_changed(&frame["data"]),
            Some("resync") => self.counts.lost += 1,
            _ => self.event(frame),
        }
    }

    fn welcomed(&mut self, channels: &Value) {
        self.counts.connections += 1;
        let mut stands = BTreeMap::new();
        for (channel, start) in channels.as_object().into_iter().flatten() {
            let stand = Stand::of(start);
            let before = self.stands.get(channel);
            // What follows must begin where this client left off.
            if before.is_some_and(|before| start["recovered"] != true || *before != stand) {
                self.counts.lost += 1;
            }
            stands.insert(channel.clone(), stand);
        }
        self.stands = stands;
    }

    fn channels_changed(&mut self, data: &Value) {
        for (channel, position) in data["joined"].as_object().into_iter().flatten() {
            self.stands.insert(channel.clone(), Stand::of(position));
        }
        for channel in data["left"].as_array().into_iter().flatten() {
            self.stands.remove(channel.as_str().unwrap_or_default());
        }
    }

    fn event(&mut self, frame: &Value) {
        let (channel, offset) = (frame["channel"].as_str(), frame["offset"].as_u64());
        let (Some(channel), Some(offset)) = (channel, offset) else {
            return;
        };
        let Some(stand) = self.stands.get_mut(channel) else {
            self.counts.holes += 1;
            return;
        };
        if offset <= stand.offset {
            self.counts.repeated += 1;
            return;
        }
        if offset == stand.offset + 1 {
            self.counts.heard += 1;
        } else {
            self.counts.holes += 1;
        }
        stand.offset = offset;
    }
}

impl Stand {
    fn of(position: &Value) -> Self {
        Self {
            epoch: position["epoch"].as_str().unwrap_or_default().to_owned(),
            offset: position["offset"].as_u64().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome(offset: u64, recovered: Option<bool>) -> Value {
        json!({"type": "welcome", "data": {"channels": {
            "user:1": {"epoch": "e", "offset": offset, "recovered": recovered},
        }}})
    }

    fn event(offset: u64) -> Value {
        json!({"type": "private_message", "channel": "user:1", "offset": offset})
    }

    fn counts_of(frames: &[Value]) -> Counts {
        let mut ledger = Ledger::default();
        for frame in frames {
            ledger.hear(frame);
        }
        ledger.counts
    }

    #[test]
    fn every_kind_of_failure_is_counted_as_what_it_is() {
        let whole = [welcome(3, None), event(4), welcome(4, Some(true)), event(5)];
        let counts = counts_of(&whole);
        let expected = Counts {
            heard: 2,
            connections: 2,
            ..Counts::default()
        };
        assert_eq!(counts, expected);

        let twice = counts_of(&[welcome(3, None), event(4), event(4)]);
        assert_eq!((twice.heard, twice.repeated), (1, 1));
        let hole = counts_of(&[welcome(3, None), event(5), event(6)]);
        assert_eq!((hole.heard, hole.holes), (1, 1));
        let not_recovered = [welcome(3, None), event(4), welcome(9, Some(false))];
        assert_eq!(counts_of(&not_recovered).lost, 1);
        let elsewhere = [welcome(3, None), event(4), welcome(5, Some(true))];
        assert_eq!(counts_of(&elsewhere).lost, 1);
        let unheard_of = json!({"type": "group_message", "channel": "group:7", "offset": 1});
        assert_eq!(counts_of(&[welcome(3, None), unheard_of]).holes, 1);
    }

    #[test]
    fn channels_come_and_go() {
        let mut ledger = Ledger::default();
        ledger.hear(&welcome(3, None));
        let joined = json!({"type": "channels", "data": {"joined": {"group:7": {"epoch": "e", "offset": 8}}}});
        ledger.hear(&joined);
        assert_eq!(ledger.offset("group:7"), Some(8));
        ledger.hear(&json!({"type": "channels", "data": {"left": ["group:7"]}}));
        assert_eq!(ledger.offset("group:7"), None);
        assert_eq!(
            ledger.positions(),
            Some(json!({"user:1": {"epoch": "e", "offset": 3}}))
        );
    }
}

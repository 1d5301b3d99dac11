//! `ack`: a client says what it has. Voluntary: it is counted, and nothing is sent again because of it.

use shared::wire::{Code, Command, Problem, said::Ack};

use super::{
    CommandResult, Effect,
    active::Active,
    turns::{acknowledge, did, json, refuse_at_once},
};

impl Active {
    /// Channels that the connection does not hear, and offsets that it has not been sent, say nothing.
    pub(super) fn on_ack(&mut self, command: &Command, effects: &mut Vec<Effect>) {
        let Ok(Ack { channels }) = serde_json::from_slice(&command.payload) else {
            let detail = "\"channels\" has an offset for each channel";
            let problem = Problem::new(Code::ValidationFailed, detail);
            return refuse_at_once(command, &problem, effects);
        };
        for (channel, through) in channels {
            let stream = self.streams.iter_mut().find(|s| s.channel == channel);
            if let Some((through, count)) = stream.and_then(|s| s.acknowledge(through)) {
                effects.push(Effect::Acknowledged {
                    channel,
                    through,
                    count,
                });
            }
        }
        let reference = command.reference.as_ref();
        acknowledge(reference, &json(&serde_json::json!({})), effects);
        did("ack", CommandResult::Ok, effects);
    }
}

//! Groups that a connection joins and leaves while it lives.

use std::{collections::BTreeSet, sync::Arc};

use shared::{
    bus::{HistoryError, JoinError, Replay, Start},
    ids::GroupId,
    membership::{Memberships, MembershipsUnknown},
    wire::{Channel, CloseReason, Offset, Position},
};

use super::{Effect, active::Active, stream::Stream};
use crate::codec::{Encoded, native};

impl Active {
    /// Hears a group's channel, with everything after `since`: what was said between the change and our hearing of it is
    /// there too.
    pub(super) fn hear(&mut self, group: GroupId, since: Offset, effects: &mut Vec<Effect>) {
        let channel = Channel::Group(group);
        let epoch = self.epoch();
        if self.stream(channel).is_none() {
            self.streams.push(Stream::new(channel));
            let since = epoch.map(|epoch| Position {
                epoch,
                offset: since,
            });
            effects.push(Effect::Join { channel, since });
        }
    }

    /// Hears nothing more of a group, nor of the posts in it.
    pub(super) fn leave(&mut self, group: GroupId, effects: &mut Vec<Effect>) {
        if let Some(rooms) = self.rooms() {
            rooms.on_group_left(group, effects);
        }
        let channel = Channel::Group(group);
        let Some(stream) = self.stream(channel) else {
            return;
        };
        if stream.is_opening() {
            // The answer that is under way could be taken for one to a later question: starting over is simpler.
            effects.push(Effect::Close(CloseReason::PositionLost, None));
            return;
        }
        self.streams.retain(|stream| stream.channel != channel);
        effects.push(Effect::Leave(channel));
        effects.push(Effect::Send(native::channel_left(channel)));
    }

    pub(super) fn on_joined(
        &mut self,
        channel: Channel,
        outcome: Result<Start, JoinError>,
        effects: &mut Vec<Effect>,
    ) {
        if let Channel::Post(post) = channel {
            return self.on_room_joined(post, outcome, effects);
        }
        let stream = self.stream(channel);
        let Some(stream) = stream.filter(|stream| stream.position().is_none()) else {
            return;
        };
        let Ok(Start {
            position: Some(position),
            replay,
        }) = outcome
        else {
            effects.push(Effect::Close(CloseReason::PositionLost, None));
            return;
        };
        stream.start(Some(position));
        if let Replay::Range { after, through } = replay {
            stream.await_history();
            self.joins.push(channel);
            moved(channel, after, effects);
            effects.push(Effect::Read {
                channel,
                after,
                through,
            });
        } else {
            moved(channel, position, effects);
            self.flow(effects);
        }
    }

    pub(super) fn on_join_history(
        &mut self,
        channel: Channel,
        outcome: Result<Vec<Arc<Encoded>>, HistoryError>,
        effects: &mut Vec<Effect>,
    ) {
        self.joins.retain(|join| *join != channel);
        let Some(stream) = self.stream(channel) else {
            return;
        };
        match outcome {
            Ok(events) => stream.history(events),
            // It comes back, and resumes from where it was told that the channel starts.
            Err(_) => effects.push(Effect::Close(CloseReason::PositionLost, None)),
        }
        self.flow(effects);
    }

    /// The memberships were read anew, because changes of them were lost.
    pub(super) fn on_memberships(
        &mut self,
        outcome: Result<Memberships, MembershipsUnknown>,
        effects: &mut Vec<Effect>,
    ) {
        let Ok(memberships) = outcome else {
            effects.push(Effect::Close(CloseReason::PositionLost, None));
            return;
        };
        if !self.groups.reset(memberships.version) {
            // A change that came meanwhile has overtaken the answer; one before it may still be missing.
            let own = Channel::User(self.who.user_id);
            if let Some(since) = self.stream(own).and_then(|own| own.position()) {
                effects.push(Effect::ReadMemberships { since });
            }
            return;
        }
        let wanted: BTreeSet<GroupId> = memberships.groups.into_iter().collect();
        let heard = self
            .streams
            .iter()
            .filter_map(|stream| match stream.channel {
                Channel::Group(group) => Some(group),
                _ => None,
            });
        let heard: BTreeSet<GroupId> = heard.collect();
        for group in heard.difference(&wanted) {
            self.leave(*group, effects);
        }
        for group in wanted.difference(&heard) {
            // What was said since they joined is lost with the rest: it is heard from now on.
            let channel = Channel::Group(*group);
            self.streams.push(Stream::new(channel));
            effects.push(Effect::Join {
                channel,
                since: None,
            });
        }
    }

    fn stream(&mut self, channel: Channel) -> Option<&mut Stream> {
        self.streams
            .iter_mut()
            .find(|stream| stream.channel == channel)
    }

    /// The life of the log, which all channels share.
    fn epoch(&self) -> Option<shared::wire::Epoch> {
        let position = self.streams.iter().find_map(Stream::position)?;
        Some(position.epoch)
    }
}

/// The client hears the channel from here on.
fn moved(channel: Channel, position: Position, effects: &mut Vec<Effect>) {
    let frame = native::channel_joined(channel, position);
    effects.push(Effect::Moved(frame, channel, position));
}

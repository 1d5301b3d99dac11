//! From the handshake to `welcome`: join the channels first, read the history second, hold what comes meanwhile.

use std::{collections::BTreeMap, sync::Arc};

use shared::{
    bus::{HistoryError, JoinError, Replay, Start},
    wire::{Channel, CloseReason, Code, Problem},
};

use super::{
    Effect, Now, RETRY_AFTER_MS, Resume, Session, Settings, Who,
    active::Active,
    heartbeat::Pulse,
    limits::Allowance,
    stream::{Stream, Taken},
};
use crate::codec::{
    Control, Encoded,
    native::{self, ChannelStart, Welcome},
};

/// What the handshake found out.
#[derive(Debug)]
pub(crate) struct Introduction {
    pub(crate) connection_id: String,
    pub(crate) who: Who,
    /// Good for a reconnect.
    pub(crate) resume_token: String,
    /// Where the client stands.
    pub(crate) resume: Resume,
    /// 0 to 1, different for every connection: spreads first heartbeats.
    pub(crate) jitter: f64,
}

/// A connection that has no `welcome` yet.
#[derive(Debug)]
pub(crate) struct Opening {
    introduction: Introduction,
    settings: Arc<Settings>,
    streams: Vec<Stream>,
    /// What `welcome` will say.
    starts: BTreeMap<Channel, ChannelStart>,
    /// Joins and reads that were not answered yet.
    unanswered: usize,
    opened_at_ms: u64,
}

impl Opening {
    pub(super) fn new(
        introduction: Introduction,
        settings: Arc<Settings>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Self {
        let channels = [Channel::User(introduction.who.user_id), Channel::Broadcast];
        let positions = &introduction.resume.positions;
        effects.extend(channels.map(|channel| {
            Effect::Join {
                channel,
                since: positions
                    .get(&channel)
                    .copied()
                    .filter(|_| channel.is_durable()),
            }
        }));
        Self {
            introduction,
            settings,
            streams: channels.map(Stream::new).into(),
            starts: BTreeMap::new(),
            unanswered: channels.len(),
            opened_at_ms: now.elapsed_ms,
        }
    }

    pub(super) fn who(&self) -> Who {
        self.introduction.who
    }

    pub(super) fn on_joined(
        mut self: Box<Self>,
        channel: Channel,
        outcome: Result<Start, JoinError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Session {
        let Ok(start) = outcome else {
            return unavailable(effects);
        };
        let since = self.introduction.resume.positions.get(&channel).copied();
        let Some(stream) = self.streams.iter_mut().find(|s| s.channel == channel) else {
            return Session::Opening(self);
        };
        stream.start(start.position);
        if let Some(position) = start.position {
            let start_of = match (start.replay, since) {
                (Replay::NotAsked, _) => ChannelStart::fresh(position),
                (Replay::Nothing | Replay::Range { .. }, Some(since)) => {
                    ChannelStart::recovered(since)
                }
                (Replay::Nothing | Replay::Range { .. }, None) => ChannelStart::recovered(position),
                (Replay::EpochChanged, _) => ChannelStart::lost(position, "epoch_changed"),
            };
            self.starts.insert(channel, start_of);
        }
        if let Replay::Range { after, through } = start.replay {
            stream.await_history();
            effects.push(Effect::Read {
                channel,
                after,
                through,
            });
            return Session::Opening(self);
        }
        self.answered(now, effects)
    }

    pub(super) fn on_history(
        mut self: Box<Self>,
        channel: Channel,
        outcome: Result<Vec<Arc<Encoded>>, HistoryError>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Session {
        let Some(stream) = self.streams.iter_mut().find(|s| s.channel == channel) else {
            return Session::Opening(self);
        };
        match outcome {
            Ok(events) => stream.history(events),
            Err(HistoryError::Unavailable(_)) => return unavailable(effects),
            Err(error) => {
                // All or nothing: the stream starts where the channel was joined, with what came since.
                let joined_at = stream.first_waiting().or(stream.position());
                stream.history(Vec::new());
                if let Some(position) = joined_at {
                    let start = ChannelStart::lost(position, reason(&error));
                    self.starts.insert(channel, start);
                }
            }
        }
        self.answered(now, effects)
    }

    pub(super) fn on_event(&mut self, encoded: &Arc<Encoded>, effects: &mut Vec<Effect>) {
        let event = &encoded.event;
        if encoded.control == Some(Control::SessionRevoked(self.introduction.who.session_id)) {
            effects.push(Effect::Close(CloseReason::SessionRevoked, None));
            return;
        }
        let held = self.settings.held;
        // Ephemeral events before `welcome` were never promised.
        let stream = self.streams.iter_mut().find(|s| s.channel == event.channel);
        match stream.map(|stream| stream.take(encoded, held)) {
            Some(Taken::Overflow) => {
                effects.push(Effect::Close(CloseReason::SlowConsumer, None));
            }
            Some(Taken::Hole) => effects.push(Effect::Close(CloseReason::PositionLost, None)),
            Some(Taken::Now | Taken::Held | Taken::Repeat) | None => {}
        }
    }

    pub(super) fn on_tick(&mut self, now: Now, effects: &mut Vec<Effect>) -> u64 {
        let ends_at_ms = self.opened_at_ms + self.settings.opening_ms_max;
        if now.elapsed_ms >= ends_at_ms {
            unavailable(effects);
        }
        ends_at_ms
    }

    /// One question less; with the last answer the connection is opened.
    fn answered(mut self: Box<Self>, now: Now, effects: &mut Vec<Effect>) -> Session {
        self.unanswered -= 1;
        if self.unanswered > 0 {
            return Session::Opening(self);
        }
        let welcome = native::welcome(&Welcome {
            connection_id: &self.introduction.connection_id,
            user_id: self.introduction.who.user_id,
            node: &self.settings.node_name,
            heartbeat_seconds: self.settings.intervals.heartbeat_ms / 1000,
            session_expires_at: self.introduction.who.expires_at,
            resume_token: &self.introduction.resume_token,
            channels: &self.starts,
        });
        effects.push(Effect::Send(welcome));
        self.complain(effects);
        effects.push(Effect::Listen);
        let Introduction { who, jitter, .. } = self.introduction;
        let pulse = Pulse::new(self.settings.intervals, jitter, now);
        let allowance = Allowance::new(self.settings.commands, now);
        let mut active = Active::new(who, self.settings, self.streams, pulse, allowance);
        active.flow(effects);
        Session::Active(Box::new(active))
    }

    /// Says which channels of the resume are not this connection's; the others go on.
    fn complain(&self, effects: &mut Vec<Effect>) {
        let resume = &self.introduction.resume;
        for name in &resume.unknown {
            let problem = Problem::new(Code::InvalidRequest, format!("{name} is not a channel"));
            effects.push(Effect::Send(native::error(None, &problem)));
        }
        for channel in resume.positions.keys() {
            if !self.streams.iter().any(|stream| stream.channel == *channel) {
                let detail = format!("{channel} is not yours to hear");
                let problem = Problem::new(Code::Forbidden, detail);
                effects.push(Effect::Send(native::error(None, &problem)));
            }
        }
    }
}

/// The `reason` of `recovered: false`.
pub(super) fn reason(error: &HistoryError) -> &'static str {
    match error {
        HistoryError::EpochChanged => "epoch_changed",
        HistoryError::TooFar => "too_far",
        HistoryError::Expired => "expired",
        HistoryError::Unavailable(_) => "unavailable",
    }
}

/// Unknown is not the same as nothing missed: the client comes back when it can be known.
fn unavailable(effects: &mut Vec<Effect>) -> Session {
    effects.push(Effect::Close(CloseReason::Overloaded, Some(RETRY_AFTER_MS)));
    Session::Over
}

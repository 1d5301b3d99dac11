//! From the handshake to `welcome`: join the channels first, read the history second, hold what comes meanwhile.
//!
//! First the person's own channel, which tells of every change of membership; then, with what was read of the memberships
//! since, the groups'.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
};

use shared::{
    bus::{HistoryError, JoinError, Replay, Start},
    credentials::Standing,
    ids::GroupId,
    membership::{AtTheDoor, Change, Memberships, MembershipsUnknown},
    wire::{Channel, CloseReason, Code, Offset, Position, Problem},
};

use super::{
    Effect, Now, RETRY_AFTER_MS, Resume, Session, Settings, Who,
    active::Active,
    groups::{Groups, Turn},
    heartbeat::Pulse,
    limits::Allowance,
    stream::{self, Stream, Taken},
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
    /// What was known before the channels were joined.
    pub(crate) at_the_door: AtTheDoor,
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
    /// As read, until the groups are joined.
    memberships: Option<Memberships>,
    /// `None` until the groups are joined.
    groups: Option<Groups>,
    /// Control events that came meanwhile. No more of them than may be held.
    controls: Vec<(Control, Channel)>,
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
            memberships: None,
            groups: None,
            controls: Vec::new(),
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
        if let Replay::Range { .. } = start.replay {
            stream.await_history();
        }
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
            if matches!(channel, Channel::User(_)) {
                self.ask_for_memberships(position, effects);
                self.look_for_an_end(position, start.replay, effects);
            }
        }
        if let Replay::Range { after, through } = start.replay {
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
        let outcome = stream::admit(&self.streams, outcome, self.settings.replay_bytes_max);
        let Some(stream) = self.streams.iter_mut().find(|s| s.channel == channel) else {
            return Session::Opening(self);
        };
        match outcome {
            Ok(events) => {
                // Ended after the credentials were looked at, and before the channel was joined.
                let ended = Control::SessionRevoked(self.introduction.who.session_id);
                if events.iter().any(|event| event.control == Some(ended)) {
                    effects.push(Effect::Close(CloseReason::SessionRevoked, None));
                    return Session::Over;
                }
                let controls = events.iter().filter_map(|event| event.control);
                remember_joins(&mut self.introduction.resume, controls, stream.position());
                stream.history(events);
            }
            Err(HistoryError::Unavailable(_)) => return unavailable(effects),
            Err(error) => {
                // All or nothing: the stream starts where the channel was joined, with what came since.
                let joined_at = stream.first_waiting().or(stream.position());
                stream.history(Vec::new());
                if let Some(position) = joined_at {
                    let start = ChannelStart::lost(position, reason(&error));
                    self.starts.insert(channel, start);
                }
                if matches!(channel, Channel::User(_)) {
                    self.verify(effects);
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
        // Ephemeral events before `welcome` were never promised.
        let taken = stream::take(&mut self.streams, encoded, self.settings.held);
        if let (Some(Taken::Held | Taken::Now), Some(control)) = (taken, encoded.control) {
            self.controls.push((control, event.channel));
        }
        match taken {
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

    pub(super) fn on_memberships(
        mut self: Box<Self>,
        outcome: Result<Memberships, MembershipsUnknown>,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Session {
        match outcome {
            Ok(memberships) => self.memberships = Some(memberships),
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be opened");
                return unavailable(effects);
            }
        }
        self.answered(now, effects)
    }

    /// What was read before will do, if nothing came in between.
    fn ask_for_memberships(&mut self, since: Position, effects: &mut Vec<Effect>) {
        let at_the_door = &mut self.introduction.at_the_door;
        let known = at_the_door.memberships.take();
        self.memberships = known.filter(|_| at_the_door.is_as_of(since));
        if self.memberships.is_none() {
            self.unanswered += 1;
            effects.push(Effect::ReadMemberships { since });
        }
    }

    /// What was said on the person's channel after the credentials were looked at and before the channel was joined is heard
    /// by nobody here, and the log-in may have ended in it. A replay that begins before shows it; else `api` is asked.
    fn look_for_an_end(&mut self, joined_at: Position, replay: Replay, effects: &mut Vec<Effect>) {
        let at_the_door = &self.introduction.at_the_door;
        let is_shown = match replay {
            Replay::Range { after, .. } => at_the_door.is_as_of(after),
            Replay::NotAsked | Replay::Nothing | Replay::EpochChanged => false,
        };
        if !is_shown && !at_the_door.is_as_of(joined_at) {
            self.verify(effects);
        }
    }

    fn verify(&mut self, effects: &mut Vec<Effect>) {
        self.unanswered += 1;
        effects.push(Effect::Verify);
    }

    pub(super) fn on_standing(
        self: Box<Self>,
        standing: Standing,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Session {
        match standing {
            Standing::Stands => self.answered(now, effects),
            Standing::Revoked => {
                effects.push(Effect::Close(CloseReason::SessionRevoked, None));
                Session::Over
            }
            Standing::Unknown => unavailable(effects),
        }
    }

    /// Joins the channels of the groups.
    fn join_groups(&mut self, memberships: &Memberships, effects: &mut Vec<Effect>) {
        let me = self.introduction.who.user_id;
        let mut groups = Groups::new(me, memberships.version);
        let mut wanted: BTreeSet<GroupId> = memberships.groups.iter().copied().collect();
        for (control, channel) in self.controls.drain(..) {
            match groups.on_control(control, channel) {
                Some(Turn::Hear(group, _)) => drop(wanted.insert(group)),
                Some(Turn::Leave(group)) => drop(wanted.remove(&group)),
                None => {}
            }
        }
        self.groups = Some(groups);
        self.unanswered = wanted.len();
        for group in wanted {
            let channel = Channel::Group(group);
            let since = self.introduction.resume.positions.get(&channel).copied();
            self.streams.push(Stream::new(channel));
            effects.push(Effect::Join { channel, since });
        }
    }

    /// One question less; with the last answer the groups are joined, and then the connection is opened.
    fn answered(mut self: Box<Self>, now: Now, effects: &mut Vec<Effect>) -> Session {
        self.unanswered -= 1;
        if self.unanswered == 0
            && let Some(memberships) = self.memberships.take()
        {
            self.join_groups(&memberships, effects);
        }
        if self.unanswered > 0 {
            return Session::Opening(self);
        }
        let me = self.introduction.who.user_id;
        let groups = self.groups.take().unwrap_or_else(|| Groups::new(me, 0));
        let (groups, joins) = self.settle_groups(groups, effects);
        let welcome = native::welcome(&Welcome {
            connection_id: &self.introduction.connection_id,
            user_id: self.introduction.who.user_id,
            node: &self.settings.node_name,
            heartbeat_seconds: self.settings.intervals.heartbeat_ms / 1000,
            session_expires_at: self.introduction.who.expires_at,
            resume_token: &self.introduction.resume_token,
            channels: &self.starts,
        });
        effects.push(Effect::Welcome(welcome, mem::take(&mut self.starts)));
        self.complain(effects);
        effects.push(Effect::Listen);
        let Introduction { who, jitter, .. } = self.introduction;
        let pulse = Pulse::new(self.settings.intervals, jitter, now);
        let allowance = Allowance::new(self.settings.commands, now);
        let mut active = Active::new(who, self.settings, (self.streams, groups), pulse, allowance);
        active.flow(effects);
        for (group, since) in joins {
            active.hear(group, since, effects);
        }
        Session::Active(active)
    }

    /// What changed while the groups were joined: leaves at once, and returns what is still to be joined.
    fn settle_groups(
        &mut self,
        mut groups: Groups,
        effects: &mut Vec<Effect>,
    ) -> (Groups, BTreeMap<GroupId, Offset>) {
        let mut joins = BTreeMap::new();
        for (control, channel) in self.controls.drain(..) {
            match groups.on_control(control, channel) {
                Some(Turn::Hear(group, since)) => drop(joins.insert(group, since)),
                Some(Turn::Leave(group)) => {
                    joins.remove(&group);
                    let channel = Channel::Group(group);
                    let before = self.streams.len();
                    self.streams.retain(|stream| stream.channel != channel);
                    if self.streams.len() < before {
                        self.starts.remove(&channel);
                        effects.push(Effect::Leave(channel));
                    }
                }
                None => {}
            }
        }
        (groups, joins)
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

/// Whoever joined a group while away hears everything since then, as if they had been there.
fn remember_joins(
    resume: &mut Resume,
    controls: impl Iterator<Item = Control>,
    position: Option<Position>,
) {
    for control in controls {
        if let (Control::MembershipChanged(change), Some(Position { epoch, .. })) =
            (control, position)
            && change.change == Change::Joined
        {
            let since = Position {
                epoch,
                offset: change.since,
            };
            let channel = Channel::Group(change.group_id);
            resume.positions.entry(channel).or_insert(since);
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

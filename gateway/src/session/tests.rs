//! Scripts: given these inputs, exactly these effects.

mod commands;
mod ends;
mod groups;
mod removals;
mod rooms;
mod sync;
mod waiting;

use std::sync::Arc;

use bytes::Bytes;
use shared::{
    bus::{HistoryError, JoinError, Replay, Start},
    credentials::{Role, Standing},
    ids::{EventId, GroupId, SessionId, UserId},
    membership::{AtTheDoor, Memberships, MembershipsUnknown},
    wire::{Channel, Class, Code, Epoch, Event, Position, Problem, kind},
};

use super::{
    Answer, CommandLimits, Effect, Intervals, Introduction, Now, Path, Resume, Room, Session,
    Settings, Who,
};
use crate::codec::{Encoded, Frame, native};

const EPOCH: Epoch = Epoch::from_bits(1);

fn at(offset: u64) -> Position {
    Position {
        epoch: EPOCH,
        offset,
    }
}

fn me() -> Channel {
    Channel::User(UserId::new(1).unwrap())
}

fn event_of(class: Class, offset: Option<u64>) -> Event {
    Event {
        channel: me(),
        position: offset.map(at),
        id: EventId::new(9).unwrap(),
        class,
        control: false,
        kind: "x".into(),
        key: None,
        committed_at_ms: 0,
        trace: None,
        body: Bytes::from_static(b"{}"),
    }
}

fn durable(offset: u64) -> Arc<Encoded> {
    encoded(event_of(Class::Durable, Some(offset)))
}

fn encoded(event: Event) -> Arc<Encoded> {
    Arc::new(Encoded::new(Arc::new(event)).unwrap())
}

fn history(offsets: std::ops::RangeInclusive<u64>) -> Vec<Arc<Encoded>> {
    offsets.map(durable).collect()
}

/// A session, its time, and what it wanted since it was last asked.
struct Script {
    session: Session,
    now: Now,
    effects: Vec<Effect>,
    /// Which groups the person is in; `None` leaves the question open.
    groups: Option<Vec<i64>>,
}

fn memberships(version: i64, groups: &[i64]) -> Memberships {
    let groups = groups.iter().map(|group| GroupId::new(*group).unwrap());
    Memberships {
        version,
        groups: groups.collect(),
    }
}

fn settings() -> Settings {
    Settings {
        node_name: "n".to_owned(),
        intervals: Intervals {
            heartbeat_ms: 25_000,
            ping_ms: 30_000,
        },
        commands: CommandLimits {
            per_second: Some(10),
            burst: 200,
        },
        queue: Room {
            frames: 4,
            bytes: 1000,
        },
        held: Room {
            frames: 4,
            bytes: 1000,
        },
        replay_bytes_max: 10_000,
        opening_ms_max: 10_000,
    }
}

fn introduction(resume: &str) -> Introduction {
    Introduction {
        connection_id: "c".to_owned(),
        who: Who {
            user_id: UserId::new(1).unwrap(),
            session_id: SessionId::new(2).unwrap(),
            role: Role::User,
            expires_at: START.unix_seconds + 900,
        },
        resume_token: "t".to_owned(),
        resume: Resume::parse(resume.as_bytes()).unwrap(),
        at_the_door: AtTheDoor {
            at: Some(at(1000)),
            standing: Standing::Stands,
            memberships: None,
        },
        jitter: 0.0,
    }
}

const START: Now = Now {
    elapsed_ms: 1_000_000,
    unix_seconds: 5_000,
};

impl Script {
    fn open(resume: &str) -> Self {
        Self::open_with(resume, settings())
    }

    fn open_with(resume: &str, settings: Settings) -> Self {
        Self::introduced(introduction(resume), settings)
    }

    fn introduced(introduction: Introduction, settings: Settings) -> Self {
        let mut effects = Vec::new();
        let session = Session::open(introduction, Arc::new(settings), START, &mut effects);
        Self {
            session,
            now: START,
            effects,
            groups: Some(Vec::new()),
        }
    }

    /// Welcomed at offset 10, with nothing missed.
    fn active() -> Self {
        Self::active_with(settings())
    }

    fn active_with(settings: Settings) -> Self {
        let mut script = Self::open_with("{}", settings);
        script.joined(me(), Some(10), Replay::NotAsked);
        script.joined(Channel::Broadcast, None, Replay::NotAsked);
        script.effects.clear();
        script
    }

    fn joined(&mut self, channel: Channel, offset: Option<u64>, replay: Replay) {
        let start = Start {
            position: offset.map(at),
            replay,
        };
        self.session
            .on_joined(channel, Ok(start), self.now, &mut self.effects);
        // Answered at once, where no script says otherwise.
        if let Some(groups) = &self.groups {
            let asked = self.effects.len();
            self.effects
                .retain(|effect| !matches!(effect, Effect::ReadMemberships { .. }));
            if self.effects.len() < asked {
                let memberships = memberships(5, groups);
                self.session
                    .on_memberships(Ok(memberships), self.now, &mut self.effects);
            }
        }
    }

    fn read(&mut self, outcome: Result<Vec<Arc<Encoded>>, HistoryError>) {
        self.session
            .on_history(me(), outcome, self.now, &mut self.effects);
    }

    fn event(&mut self, encoded: &Arc<Encoded>) {
        self.session.on_event(encoded, &mut self.effects);
    }

    fn says(&mut self, text: &str) {
        let text = Bytes::from(text.to_owned());
        self.session.on_text(text, self.now, &mut self.effects);
    }

    fn answer(&mut self, answer: Answer) {
        self.session.on_answer(None, answer, &mut self.effects);
    }

    fn after(&mut self, seconds: u64) -> u64 {
        self.now.elapsed_ms += seconds * 1000;
        self.now.unix_seconds += i64::try_from(seconds).unwrap();
        self.session.on_tick(self.now, &mut self.effects)
    }

    /// What was wanted since the last call, one line each.
    fn wants(&mut self) -> String {
        // What is counted is no answer.
        self.effects
            .retain(|effect| !matches!(effect, Effect::Did(..)));
        let lines: Vec<String> = self.effects.drain(..).map(|effect| line(&effect)).collect();
        lines.join("\n")
    }
}

fn line(effect: &Effect) -> String {
    match effect {
        Effect::Send(frame) | Effect::Welcome(frame, _) | Effect::Moved(frame, ..) => {
            format!("send {}", payload(frame))
        }
        Effect::Heartbeat(tops) => format!("send {}", payload(&native::heartbeat(tops))),
        Effect::Ping => "ping".to_owned(),
        Effect::Deliver(encoded, path) => {
            let path = match path {
                Path::Live => "live",
                Path::Resume => "resume",
            };
            match encoded.event.offset() {
                Some(offset) => format!("deliver {offset} {path}"),
                None => format!("deliver {} {path}", encoded.event.kind),
            }
        }
        Effect::Join { channel, since } => match since {
            Some(since) => format!("join {channel} since {}", since.offset),
            None => format!("join {channel}"),
        },
        Effect::Read {
            channel,
            after,
            through,
        } => format!("read {channel} {}..{through}", after.offset),
        Effect::Leave(channel) => format!("leave {channel}"),
        Effect::ReadMemberships { since } => format!("memberships since {}", since.offset),
        Effect::Verify => "verify".to_owned(),
        Effect::Acknowledged {
            channel,
            through,
            count,
        } => format!("acknowledged {channel} {through}, {count} more"),
        Effect::Did(name, result) => format!("did {} {}", name.label(), result.label()),
        Effect::Run(command) => format!("run {}", command.name),
        Effect::CheckRooms { posts, patience_ms } => {
            let posts: Vec<String> = posts.iter().map(ToString::to_string).collect();
            format!("check {} for {patience_ms}", posts.join(" "))
        }
        Effect::Listen => "listen".to_owned(),
        Effect::Close(reason, Some(ms)) => format!("close {} after {ms}", reason.code()),
        Effect::Close(reason, None) => format!("close {}", reason.code()),
    }
}

fn payload(frame: &Frame) -> String {
    let start = if frame.bytes()[1] == 126 { 4 } else { 2 };
    String::from_utf8_lossy(&frame.bytes()[start..]).into_owned()
}

fn group(number: i64) -> Channel {
    Channel::Group(GroupId::new(number).unwrap())
}

/// A change of membership in group 9, at this offset of the channel that tells of it.
fn changed(channel: Channel, offset: u64, change: &str, version: i64) -> Arc<Encoded> {
    let body = format!(
        r#"{{"data":{{"group_id":9,"user_id":1,"change":"{change}","version":{version},"since":40}}}}"#
    );
    encoded(Event {
        channel,
        control: true,
        kind: kind::MEMBERSHIP_CHANGED.into(),
        body: body.into(),
        ..event_of(Class::Durable, Some(offset))
    })
}

fn said(channel: Channel, offset: u64) -> Arc<Encoded> {
    encoded(Event {
        channel,
        ..event_of(Class::Durable, Some(offset))
    })
}

impl Script {
    /// Welcomed, with group 9 at offset 40.
    fn in_a_group() -> Self {
        let mut script = Self::open("{}");
        script.groups = Some(vec![9]);
        script.joined(me(), Some(10), Replay::NotAsked);
        script.joined(Channel::Broadcast, None, Replay::NotAsked);
        script.joined(group(9), Some(40), Replay::NotAsked);
        script.effects.clear();
        script
    }

    fn memberships(&mut self, version: i64, groups: &[i64]) {
        let outcome = Ok(memberships(version, groups));
        self.session
            .on_memberships(outcome, self.now, &mut self.effects);
    }
}

#[test]
fn a_fresh_connection_is_welcomed_when_every_channel_is_joined() {
    let mut script = Script::open("{}");
    insta::assert_snapshot!(script.wants(), @r#"
    join user:1
    join broadcast
    "#);
    script.joined(me(), Some(10), Replay::NotAsked);
    // Held until welcome has said where the stream starts.
    script.event(&durable(11));
    // Never promised.
    script.event(&encoded(event_of(Class::Chatter, None)));
    assert_eq!(script.wants(), "");
    script.joined(Channel::Broadcast, None, Replay::NotAsked);
    insta::assert_snapshot!(script.wants(), @r#"
    send {"type":"welcome","data":{"connection_id":"c","user_id":1,"node":"n","heartbeat_seconds":25,"session_expires_at":5900,"resume_token":"t","channels":{"user:1":{"epoch":"0000000000000001","offset":10}}}}
    listen
    deliver 11 resume
    "#);
    script.event(&durable(12));
    assert_eq!(script.wants(), "deliver 12 live");
}

#[test]
fn what_was_missed_comes_after_welcome_and_before_what_is_new() {
    let mut script = Script::open(r#"{"user:1":{"epoch":"0000000000000001","offset":7}}"#);
    assert_eq!(script.wants(), "join user:1 since 7\njoin broadcast");
    script.joined(Channel::Broadcast, None, Replay::NotAsked);
    let range = Replay::Range {
        after: at(7),
        through: 9,
    };
    script.joined(me(), Some(9), range);
    assert_eq!(script.wants(), "read user:1 7..9");
    script.event(&durable(10));
    assert_eq!(script.wants(), "");
    script.read(Ok(history(8..=9)));
    insta::assert_snapshot!(script.wants(), @r#"
    send {"type":"welcome","data":{"connection_id":"c","user_id":1,"node":"n","heartbeat_seconds":25,"session_expires_at":5900,"resume_token":"t","channels":{"user:1":{"epoch":"0000000000000001","offset":7,"recovered":true}}}}
    listen
    deliver 8 resume
    deliver 9 resume
    "#);
    // As much as half a queue takes at once; the rest when there is room.
    script.event(&durable(11));
    assert_eq!(script.wants(), "", "behind what waits");
    let room = Room {
        frames: 1,
        bytes: 1000,
    };
    script.session.on_room(room, &mut script.effects);
    assert_eq!(script.wants(), "deliver 10 resume");
    script.session.on_room(room, &mut script.effects);
    assert_eq!(script.wants(), "deliver 11 resume");
    script.event(&durable(12));
    assert_eq!(script.wants(), "deliver 12 live");
}

/// The `user:1` of welcome, for each end of a replay.
#[test]
fn all_or_nothing() {
    let range = Replay::Range {
        after: at(7),
        through: 9,
    };
    for (replay, read, expected) in [
        (Replay::Nothing, None, r#""offset":7,"recovered":true"#),
        (
            range,
            Some(Ok(history(8..=9))),
            r#""offset":7,"recovered":true"#,
        ),
        (
            Replay::EpochChanged,
            None,
            r#""offset":9,"recovered":false,"reason":"epoch_changed""#,
        ),
        (
            range,
            Some(Err(HistoryError::TooFar)),
            r#""offset":9,"recovered":false,"reason":"too_far""#,
        ),
        (
            range,
            Some(Err(HistoryError::Expired)),
            r#""offset":9,"recovered":false,"reason":"expired""#,
        ),
    ] {
        let mut script = Script::open(r#"{"user:1":{"epoch":"0000000000000001","offset":7}}"#);
        script.joined(Channel::Broadcast, None, Replay::NotAsked);
        script.joined(me(), Some(9), replay);
        if let Some(read) = read {
            script.event(&durable(10));
            script.read(read);
            // Asked where the replay does not show it.
            let stands = Standing::Stands;
            script
                .session
                .on_standing(stands, script.now, &mut script.effects);
        }
        let wants = script.wants();
        assert!(wants.contains(expected), "{expected}\nin {wants}");
    }
}

#[test]
fn unknown_is_not_the_same_as_nothing() {
    let mut script = Script::open("{}");
    let refused = Err(JoinError::Unavailable);
    script.effects.clear();
    script
        .session
        .on_joined(me(), refused, script.now, &mut script.effects);
    assert_eq!(script.wants(), "close 4204 after 1000");

    let mut script = Script::open(r#"{"user:1":{"epoch":"0000000000000001","offset":7}}"#);
    let range = Replay::Range {
        after: at(7),
        through: 9,
    };
    script.joined(me(), Some(9), range);
    script.effects.clear();
    script.read(Err(HistoryError::Unavailable("away".to_owned())));
    assert_eq!(script.wants(), "close 4204 after 1000");

    let mut script = Script::open("{}");
    script.effects.clear();
    assert_eq!(script.after(9), START.elapsed_ms + 10_000);
    assert_eq!(script.wants(), "");
    script.after(1);
    assert_eq!(script.wants(), "close 4204 after 1000");
}

#[test]
fn a_stream_has_no_hole_and_no_repeat() {
    let mut script = Script::active();
    script.event(&durable(10));
    assert_eq!(script.wants(), "", "before the start");
    script.event(&durable(11));
    script.event(&durable(11));
    assert_eq!(script.wants(), "deliver 11 live");
    script.event(&durable(13));
    assert_eq!(script.wants(), "close 4202");

    let mut script = Script::active();
    let mut foreign = event_of(Class::Durable, Some(11));
    foreign.position = Some(Position {
        epoch: Epoch::from_bits(2),
        offset: 11,
    });
    script.event(&encoded(foreign));
    assert_eq!(script.wants(), "close 4202");

    let mut script = Script::active();
    script.session.on_lost(me(), at(20), &mut script.effects);
    script.event(&durable(21));
    insta::assert_snapshot!(script.wants(), @r#"
    verify
    memberships since 20
    send {"type":"resync","data":{"channels":{"user:1":{"epoch":"0000000000000001","offset":20}}}}
    deliver 21 live
    "#);
}

#[test]
fn a_revoked_session_is_closed_after_it_was_told() {
    let revoked = |session: u64, offset| {
        let mut event = event_of(Class::Durable, Some(offset));
        event.control = true;
        event.kind = kind::SESSION_REVOKED.into();
        event.body = format!(r#"{{"data":{{"session_id":{session}}}}}"#).into();
        encoded(event)
    };
    let mut script = Script::active();
    script.event(&revoked(3, 11));
    assert_eq!(script.wants(), "deliver 11 live", "another session's");
    script.event(&revoked(2, 12));
    assert_eq!(script.wants(), "deliver 12 live\nclose 4004");

    let mut script = Script::open("{}");
    script.effects.clear();
    script.event(&revoked(2, 11));
    assert_eq!(script.wants(), "close 4004", "also before welcome");

    let mut script = Script::open(r#"{"user:1":{"epoch":"0000000000000001","offset":9}}"#);
    let range = Replay::Range {
        after: at(9),
        through: 10,
    };
    script.joined(me(), Some(10), range);
    script.effects.clear();
    script.read(Ok(vec![revoked(2, 10)]));
    assert_eq!(script.wants(), "close 4004", "also while it came in");
}

#[test]
fn silence_is_broken_by_heartbeats_with_the_tops_that_moved() {
    let mut script = Script::active();
    assert_eq!(script.after(0), START.elapsed_ms + 25_000);
    script.after(25);
    assert_eq!(script.wants(), r#"send {"type":"heartbeat","tops":{}}"#);
    script.session.on_heard(script.now);
    script.event(&durable(11));
    script.session.on_sent(script.now);
    script.effects.clear();
    assert_eq!(script.after(24), START.elapsed_ms + 50_000);
    assert_eq!(script.wants(), "");
    script.after(1);
    assert_eq!(
        script.wants(),
        r#"send {"type":"heartbeat","tops":{"user:1":11}}"#
    );
    script.session.on_heard(script.now);
    script.after(25);
    assert_eq!(script.wants(), r#"send {"type":"heartbeat","tops":{}}"#);
}

#[test]
fn a_silent_client_is_pinged_once_and_then_cut() {
    let mut script = Script::active();
    script.after(29);
    script.effects.clear();
    script.after(1);
    assert_eq!(script.wants(), "ping");
    script.after(5);
    assert_eq!(script.wants(), "");
    script.session.on_heard(script.now);
    script.after(30);
    assert!(
        script.wants().starts_with("ping"),
        "from the last sign of life"
    );
    script.after(30);
    assert_eq!(script.wants(), "close 4205");
}

#[test]
fn the_end_of_a_token_is_announced_once_and_can_be_put_off() {
    let mut script = Script::active();
    let pass = |script: &mut Script, seconds: u64| {
        script.session.on_heard(script.now);
        script.session.on_sent(script.now);
        script.now.elapsed_ms += seconds * 1000;
        script.session.on_heard(script.now);
        script.session.on_sent(script.now);
        script.now.unix_seconds += i64::try_from(seconds).unwrap();
        script.session.on_tick(script.now, &mut script.effects);
        script.wants()
    };
    assert_eq!(pass(&mut script, 839), "");
    let expiring = r#"send {"type":"session_expiring","data":{"expires_at":5900}}"#;
    assert_eq!(pass(&mut script, 1), expiring);
    assert_eq!(pass(&mut script, 1), "");
    script.answer(Answer::Refreshed {
        expires_at: 6_000,
        role: Role::User,
    });
    assert_eq!(pass(&mut script, 60), "");
    assert_eq!(pass(&mut script, 99 - 60), expiring.replace("5900", "6000"));
    assert_eq!(pass(&mut script, 60), "close 4100");
}

/// By a clock of whole seconds that is behind by a part of one, and looks that come when half a second is over, or a little later.
#[test]
fn a_token_s_end_is_noticed_within_a_second() {
    const SLOT_MS: u64 = 500;
    for part_ms in [0, 1, 499, 500, 501, 999] {
        let mut script = Script::active();
        let end_ms = START.elapsed_ms + 900_000 - part_ms;
        let mut at_ms = START.elapsed_ms;
        let closed_at_ms = loop {
            let past_ms = at_ms - START.elapsed_ms + part_ms;
            script.now = Now {
                elapsed_ms: at_ms,
                unix_seconds: START.unix_seconds + i64::try_from(past_ms / 1000).unwrap(),
            };
            script.session.on_heard(script.now);
            let next_ms = script.session.on_tick(script.now, &mut script.effects);
            if script.wants().contains("close 4100") {
                break at_ms;
            }
            at_ms = next_ms.max(at_ms + 1).next_multiple_of(SLOT_MS) + 3;
        };
        let is_in_time = (end_ms..end_ms + 1000).contains(&closed_at_ms);
        assert!(is_in_time, "{part_ms}: {closed_at_ms}, and not {end_ms}");
    }
}

#[test]
fn nothing_has_an_effect_on_a_session_that_is_over() {
    let mut script = Script::active();
    script.session = Session::Over;
    script.event(&durable(11));
    script.says("{");
    script.joined(me(), Some(1), Replay::NotAsked);
    script.read(Ok(Vec::new()));
    assert_eq!(script.after(1_000_000), u64::MAX);
    assert_eq!(script.wants(), "");
    assert_eq!(script.session.who(), None);
}

#[test]
fn positions_are_read_whole_or_not_at_all() {
    let many: Vec<String> = (1..=209)
        .map(|id| format!(r#""user:{id}":{{"epoch":"0000000000000001","offset":1}}"#))
        .collect();
    for (json, expected) in [
        ("{}".to_owned(), Some((0, 0))),
        (r#"{"user:1":{"epoch":"00000000000000ff","offset":0}}"#.to_owned(), Some((1, 0))),
        (
            r#"{"x":{"epoch":"00000000000000ff","offset":0},"group:1":{"epoch":"00000000000000ff","offset":7,"more":1}}"#
                .to_owned(),
            Some((1, 1)),
        ),
        (format!(r#"{{"{}":{{"epoch":"00000000000000ff","offset":0}}}}"#, "x".repeat(65)), None),
        (format!("{{{}}}", many.join(",")), None),
        (format!("{{{}}}", many[1..].join(",")), Some((208, 0))),
        (r#"{"user:1":{"epoch":"ff","offset":0}}"#.to_owned(), None),
        (r#"{"user:1":{"epoch":"00000000000000ff","offset":"1"}}"#.to_owned(), None),
        (r#"{"user:1":null}"#.to_owned(), None),
        ("[]".to_owned(), None),
        (String::new(), None),
    ] {
        let resume = Resume::parse(json.as_bytes()).ok();
        let counts = resume.map(|resume| (resume.positions.len(), resume.unknown.len()));
        assert_eq!(counts, expected, "{json}");
    }
}

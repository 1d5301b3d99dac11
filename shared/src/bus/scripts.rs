//! The Lua scripts, one a file, and their bounds.

use std::{sync::LazyLock, time::Duration};

use redis::{Cmd, Pipeline, Script};

use super::{head::spell_head, names::Names, notice::notice};
use crate::{
    connections::Name,
    presence::{self, Attendance, Life},
    ratelimit::Rate,
    wire::{Channel, Event, Offset, Position},
};

/// Events that a channel's tail keeps; also the most that a replay brings.
pub(super) const TAIL_EVENTS_MAX: usize = 512;
/// A tail lives this long after its last event.
const TAIL_LIFETIME: Duration = Duration::from_hours(1);
/// A head outlives the log's retention, so that the reconnect of an idle user asks Redis alone.
const HEAD_LIFETIME: Duration = Duration::from_hours(25);
/// Events that wait for one predecessor: what a busy channel makes while another pod takes its time.
pub(super) const WAITING_EVENTS_MAX: usize = 256;
/// They wait this long: several passes of the relay, which brings the predecessor.
const WAITING_LIFETIME: Duration = Duration::from_secs(10);

/// What a mirror shows is true for as long as it is there; without the head it counts for nothing.
const MIRROR_LIFETIME: Duration = HEAD_LIFETIME;

const APPEND_LUA: &str = include_str!("lua/append.lua");
const ATTEND_LUA: &str = include_str!("lua/attend.lua");
const FLAGS_LUA: &str = include_str!("lua/flags.lua");
const LEASE_LUA: &str = include_str!("lua/lease.lua");
const LOAD_LUA: &str = include_str!("lua/load.lua");
const MIRROR_LUA: &str = include_str!("lua/mirror.lua");
const TAIL_LUA: &str = include_str!("lua/tail.lua");
const WARM_LUA: &str = include_str!("lua/warm.lua");
const TAKE_LUA: &str = include_str!("lua/take.lua");

static APPEND_SOURCE: LazyLock<String> =
    LazyLock::new(|| format!("{}{APPEND_LUA}", append_bounds()));
static APPEND: LazyLock<Script> = LazyLock::new(|| Script::new(&APPEND_SOURCE));
static ATTEND: LazyLock<Script> = LazyLock::new(|| Script::new(ATTEND_LUA));
static FLAGS: LazyLock<Script> = LazyLock::new(|| Script::new(FLAGS_LUA));
static LEASE: LazyLock<Script> = LazyLock::new(|| Script::new(LEASE_LUA));
static LOAD: LazyLock<Script> = LazyLock::new(|| Script::new(LOAD_LUA));
static MIRROR: LazyLock<Script> = LazyLock::new(|| Script::new(MIRROR_LUA));
static TAIL: LazyLock<Script> = LazyLock::new(|| Script::new(TAIL_LUA));
static WARM: LazyLock<Script> = LazyLock::new(|| Script::new(WARM_LUA));
static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(TAKE_LUA));

/// What never changes is written into the script: as arguments of every call it would be a sixth of what an event costs.
fn append_bounds() -> String {
    format!(
        "local TAIL_EVENTS_MAX, WAITING_EVENTS_MAX = {TAIL_EVENTS_MAX}, {WAITING_EVENTS_MAX}\n\
         local TAIL_LIFETIME_MS, HEAD_LIFETIME_MS, WAITING_LIFETIME_MS = '{}', '{}', '{}'\n",
        milliseconds(TAIL_LIFETIME),
        milliseconds(HEAD_LIFETIME),
        milliseconds(WAITING_LIFETIME),
    )
}

/// What a pipeline does, by its first command: the name of a script, or of what Redis knows. A closed set, for metrics.
pub(super) fn operation(pipeline: &Pipeline) -> &'static str {
    let first = pipeline.cmd_iter().next();
    let mut words = first
        .into_iter()
        .flat_map(Cmd::args_iter)
        .map(|word| match word {
            redis::Arg::Simple(word) => word,
            _ => b"",
        });
    match words.next() {
        Some(b"EVALSHA") => words.next().map_or("other", script_name),
        Some(b"PUBLISH" | b"SPUBLISH") => "publish",
        Some(b"GET") => "get",
        Some(b"SET") => "set",
        Some(b"EXISTS") => "exists",
        Some(b"ZADD") => "enter",
        Some(b"PING") => "ping",
        _ => "other",
    }
}

fn script_name(hash: &[u8]) -> &'static str {
    let scripts: [(&str, &Script); 8] = [
        ("append", &APPEND),
        ("attend", &ATTEND),
        ("lease", &LEASE),
        ("load", &LOAD),
        ("mirror", &MIRROR),
        ("tail", &TAIL),
        ("take", &TAKE),
        ("warm", &WARM),
    ];
    let found = scripts
        .iter()
        .find(|(_, script)| script.get_hash().as_bytes() == hash);
    found.map_or("other", |(name, _)| name)
}

/// Loads all of them, after which they can be called by their hashes. A server forgets them when it restarts.
pub(super) fn load() -> Pipeline {
    let mut pipeline = Pipeline::new();
    for source in [
        APPEND_SOURCE.as_str(),
        ATTEND_LUA,
        FLAGS_LUA,
        LEASE_LUA,
        LOAD_LUA,
        MIRROR_LUA,
        TAIL_LUA,
        WARM_LUA,
        TAKE_LUA,
    ] {
        pipeline.cmd("SCRIPT").arg("LOAD").arg(source).ignore();
    }
    pipeline
}

fn call(script: &Script, keys: &[String]) -> Cmd {
    let mut command = redis::cmd("EVALSHA");
    command.arg(script.get_hash()).arg(keys.len()).arg(keys);
    command
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `verb` publishes; where it is empty, the script returns what is to be published. All keys must be on one server, in a
/// cluster in one slot.
pub(super) fn append(names: &Names, verb: &str, events: &[(&Event, Position)]) -> Cmd {
    let keys = events
        .iter()
        .flat_map(|(event, _)| names.log(event.channel));
    let mut command = call(&APPEND, &keys.collect::<Vec<_>>());
    command.arg(verb);
    for (event, position) in events {
        let followed = Position {
            offset: position.offset.saturating_sub(1),
            ..*position
        };
        command
            .arg(spell_head(followed))
            .arg(spell_head(*position))
            .arg(&event.to_record()[..]);
    }
    command
}

/// `what` is the mirror's name and what it shows.
pub(super) fn mirror(names: &Names, channel: Channel, at: Position, what: (&str, &str)) -> Cmd {
    let (name, text) = what;
    let mut command = call(&MIRROR, &[names.head(channel), names.mirrors(channel)]);
    command
        .arg(spell_head(at))
        .arg(text)
        .arg(milliseconds(MIRROR_LIFETIME))
        .arg(name);
    command
}

pub(super) fn tail(names: &Names, channel: Channel, after: Position, through: Offset) -> Cmd {
    let mut command = call(&TAIL, &[names.head(channel), names.tail(channel)]);
    command
        .arg(after.epoch.to_string())
        .arg(after.offset)
        .arg(through);
    command
}

/// `events` end at `head`; only the last [`TAIL_EVENTS_MAX`] are kept.
///
/// `verb` publishes; where it is empty, the script returns what is to be published.
pub(super) fn warm(
    names: &Names,
    verb: &str,
    (channel, head): (Channel, Position),
    events: &[Event],
) -> Cmd {
    let mut command = call(&WARM, &names.log(channel));
    command
        .arg(head.epoch.to_string())
        .arg(head.offset)
        .arg(notice(head))
        .arg(milliseconds(TAIL_LIFETIME))
        .arg(milliseconds(HEAD_LIFETIME))
        .arg(verb);
    let kept = events.len().saturating_sub(TAIL_EVENTS_MAX);
    for event in &events[kept..] {
        command.arg(&event.to_record()[..]);
    }
    command
}

/// `node` and those in `others` are the nodes that may have anybody present; no other is kept.
pub(super) fn attend(
    names: &Names,
    (node, others): (Name, &[Name]),
    attendance: Attendance,
) -> Cmd {
    let Attendance {
        user_id,
        is_present,
    } = attendance;
    let mut command = call(&ATTEND, &[names.present(user_id)]);
    let verb = if is_present { "+" } else { "-" };
    command.arg(user_id.get()).arg(verb).arg(node.to_string());
    for other in others {
        command.arg(other.to_string());
    }
    command
}

/// `life` is the one in which the node has its lease, if it has one.
pub(super) fn lease(names: &Names, node: Name, lease: Duration, life: Option<Life>) -> Cmd {
    let mut command = call(&LEASE, &[names.nodes(), names.life()]);
    command
        .arg(node.to_string())
        .arg(milliseconds(lease))
        .arg(life.map_or_else(String::new, |life| life.to_string()))
        .arg(milliseconds(presence::KEPT));
    command
}

/// `connections` is `None` for a node that takes no part any more.
pub(super) fn load_of(
    names: &Names,
    node: Name,
    connections: Option<usize>,
    kept: Duration,
) -> Cmd {
    let mut command = call(&LOAD, &[names.loads()]);
    command
        .arg(node.to_string())
        .arg(connections.map_or_else(String::new, |count| count.to_string()))
        .arg(milliseconds(kept));
    command
}

/// An empty text asks whether the rules of that version are wanted.
pub(super) fn flags(names: &Names, (version, text): (i64, &str), kept: Duration) -> Cmd {
    let mut command = call(&FLAGS, &[names.flags()]);
    command.arg(version).arg(text).arg(milliseconds(kept));
    command
}

pub(super) fn take(names: &Names, bucket: &str, rate: Rate) -> Cmd {
    let mut command = call(&TAKE, &[names.bucket(bucket)]);
    let interval_us = u64::try_from(rate.interval().as_micros()).unwrap_or(u64::MAX);
    command.arg(rate.tokens()).arg(interval_us);
    command
}

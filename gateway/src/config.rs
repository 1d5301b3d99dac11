//! The gateway's settings.

use std::{net::SocketAddr, num::NonZero, str::FromStr, thread, time};

use hyper::Uri;
use shared::{
    config::{
        Duration, HttpSettings, List, Reader, RedisSettings, SecretSettings, Switch,
        TelemetrySettings,
    },
    flags::Overrides,
    ratelimit::Rate,
};

use crate::{presence, session::Room};

/// Where health and metrics are unless `METRICS_ADDR` says otherwise.
const METRICS_ADDR: &str = "127.0.0.1:9190";

/// Everything that `gateway serve` can be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The public listener.
    pub http: HttpSettings,
    /// The bus.
    pub redis: RedisSettings,
    /// Token secrets.
    pub secrets: SecretSettings,
    /// Logs and the private listener.
    pub telemetry: TelemetrySettings,
    /// The pods of `api`, tried in turn.
    pub api_urls: Vec<ApiUrl>,
    /// Where other nodes reach the public listener, as `host:port`; empty: where it listens, unless that is everywhere.
    pub peer_addr: String,
    /// Intervals and patience.
    pub timing: Timing,
    /// Sizes and numbers.
    pub limits: Limits,
    /// Who is online.
    pub presence: presence::Settings,
    /// What this node says of the switches `presence`, `rooms` and `typing`; of other flags it knows nothing.
    pub flags: Overrides,
    /// Single-threaded runtimes that hold the sockets; for all else there are as many threads.
    pub shards: usize,
}

/// Intervals and patience.
#[derive(Debug, Clone)]
pub struct Timing {
    /// After so long without a frame of ours, a heartbeat.
    pub heartbeat: time::Duration,
    /// After so long without a frame of the client's, a ping; after twice as long, the end.
    pub ping: time::Duration,
    /// From a connection's acceptance to the answer of its handshake.
    pub handshake: time::Duration,
    /// For a first frame with credentials.
    pub authentication: time::Duration,
    /// How long to go on accepting while draining: balancers are behind.
    pub drain_delay: time::Duration,
    /// Over which clients are sent away.
    pub drain_window: time::Duration,
    /// For the last goodbyes after the window.
    pub drain_flush: time::Duration,
    /// For which metrics can be read after connections were cut; two minutes at most.
    pub metrics_linger: time::Duration,
    /// After at most so long, and at least half of it, a connection is asked to move on.
    pub connection_age: time::Duration,
    /// How long a poll waits for something to tell.
    pub poll_wait: time::Duration,
    /// How often nodes compare how many connections they hold.
    pub balance: time::Duration,
}

/// So long at most a client that was sent away may keep the old connection, while it opens another.
const OVERLAP_MAX: time::Duration = time::Duration::from_secs(5);

/// Nobody scrapes more seldom, and whoever stops us does not wait for ever.
const LINGER_MAX: time::Duration = time::Duration::from_mins(2);

/// A crashed node's people are offline within half a minute, and told so; and one answer of Redis that is late must not
/// matter.
const LEASES: std::ops::RangeInclusive<time::Duration> =
    time::Duration::from_secs(3)..=time::Duration::from_secs(25);

fn read_presence(reader: &mut Reader) -> Option<presence::Settings> {
    let is_on = reader.with_default::<Switch>("PRESENCE", "on", "off: nobody is seen online");
    let grace = span(
        reader,
        "PRESENCE_GRACE",
        "5s",
        "online for so long without a connection",
    );
    let lease = span(
        reader,
        "PRESENCE_LEASE",
        "15s",
        "a dead node's people are online for so long",
    );
    if lease.is_some_and(|lease| !LEASES.contains(&lease)) {
        reader.reject("PRESENCE_LEASE", "from 3s to 25s");
    }
    let frames = positive(
        reader,
        "PRESENCE_FRAMES",
        "1000",
        "frames a second about who is online, all people together",
    );
    Some(presence::Settings {
        is_on: is_on?.0,
        grace: grace?,
        lease: lease?,
        frames_per_second: frames?,
    })
}

impl Timing {
    /// For so long a client that was sent away may stay. Then there is time left for its goodbye.
    pub(crate) fn overlap(&self) -> time::Duration {
        (self.drain_flush / 2).min(OVERLAP_MAX)
    }
}

/// Sizes and numbers.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Of one message from a client.
    pub frame_bytes_max: usize,
    /// Of what waits for one connection.
    pub(crate) queue: Room,
    /// Open connections.
    pub connections_max: usize,
    /// Handshakes under way, and as many connections whose first frame has not come.
    pub handshakes_max: usize,
    /// How many handshakes begin.
    pub(crate) handshakes: Rate,
    /// Connections of one address that have not said who they are.
    pub(crate) strangers_per_address: NonZero<u32>,
    /// Connections of one user, on all nodes together.
    pub(crate) connections_per_user: usize,
    /// Commands a second of one connection.
    pub commands_per_second: NonZero<u32>,
    /// Requests to `api` under way.
    pub api_requests_max: usize,
}

/// `http://host:port` of a pod of `api`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl(String);

impl ApiUrl {
    /// Without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ApiUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "http://host:port, several with commas";
        let uri: Uri = text.parse().map_err(|_| wrong)?;
        let is_plain = uri.scheme_str() == Some("http") && matches!(uri.path(), "" | "/");
        if !is_plain || uri.authority().is_none() || uri.query().is_some() {
            return Err(wrong);
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl Config {
    /// Reads every section, so that every error is told at once.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let http = HttpSettings::read(reader, "GATEWAY_ADDR", "127.0.0.1:8090");
        let peer_addr = reader.with_default(
            "PEER_ADDR",
            "",
            "host:port where other gateways reach GATEWAY_ADDR, if that is every address",
        );
        let redis = RedisSettings::read(reader);
        let secrets = SecretSettings::read(reader);
        let telemetry = TelemetrySettings::read(reader, METRICS_ADDR);
        let api_urls = read_api_urls(reader);
        let timing = Timing::read(reader);
        let limits = Limits::read(reader);
        let presence = read_presence(reader);
        let flags = reader.family(
            ("FEATURE_<NAME>", "FEATURE_"),
            "of presence, rooms, typing: disabled, or enabled where admins say nothing",
        );
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let shards = positive(
            reader,
            "SHARDS",
            &cores.to_string(),
            "threads that hold sockets, and as many for all else",
        );
        Some(Self {
            http: http?,
            peer_addr: peer_addr?,
            redis: redis?,
            secrets: secrets?,
            telemetry: telemetry?,
            api_urls: api_urls?,
            timing: timing?,
            limits: limits?,
            presence: presence?,
            flags: Overrides::new(flags?),
            shards: shards?,
        })
    }
}

/// What `gateway healthcheck` needs.
pub(crate) fn read_metrics_addr(reader: &mut Reader) -> Option<SocketAddr> {
    TelemetrySettings::read_metrics_addr(reader, METRICS_ADDR)
}

fn read_api_urls(reader: &mut Reader) -> Option<Vec<ApiUrl>> {
    let name = "API_URL";
    let help = "http://host:port of api, several with commas: tried in turn";
    let List(urls) = reader.required::<List<ApiUrl>>(name, help)?;
    if urls.is_empty() {
        reader.reject(name, "at least one address");
        return None;
    }
    Some(urls)
}

impl Timing {
    fn read(reader: &mut Reader) -> Option<Self> {
        let heartbeat = span(reader, "HEARTBEAT", "25s", "a frame at least so often");
        let ping = span(
            reader,
            "PING",
            "30s",
            "a silent client is pinged after, cut after twice",
        );
        let handshake = span(reader, "HANDSHAKE_TIMEOUT", "10s", "longest handshake");
        let authentication = span(
            reader,
            "AUTH_TIMEOUT",
            "10s",
            "longest wait for a first frame",
        );
        let drain_delay = span(reader, "DRAIN_DELAY", "10s", "accept so long after SIGTERM");
        let drain_window = span(
            reader,
            "DRAIN_WINDOW",
            "90s",
            "send clients away over so long",
        );
        let drain_flush = span(
            reader,
            "DRAIN_FLUSH",
            "10s",
            "then wait for the last of them",
        );
        let linger = span(
            reader,
            "METRICS_LINGER",
            "16s",
            "metrics can be read so long after connections were cut: one scrape",
        );
        if linger.is_some_and(|linger| linger > LINGER_MAX) {
            reader.reject("METRICS_LINGER", "at most 2m");
        }
        let age = span(
            reader,
            "CONNECTION_AGE",
            "2h",
            "connections move on at half of it to all",
        );
        let poll_wait = span(reader, "POLL_WAIT", "25s", "a long poll's wait for events");
        let balance = span(
            reader,
            "BALANCE",
            "10s",
            "compare connections with other nodes so often",
        );
        Some(Self {
            heartbeat: heartbeat?,
            ping: ping?,
            handshake: handshake?,
            authentication: authentication?,
            drain_delay: drain_delay?,
            drain_window: drain_window?,
            drain_flush: drain_flush?,
            metrics_linger: linger?,
            connection_age: age?,
            poll_wait: poll_wait?,
            balance: balance?,
        })
    }
}

impl Limits {
    fn read(reader: &mut Reader) -> Option<Self> {
        let frame_bytes = positive(
            reader,
            "FRAME_BYTES",
            "65536",
            "largest message of a client",
        );
        let waiting = "waiting for one connection";
        let queue_bytes = at_least(QUEUE_BYTES_MIN, reader, ("QUEUE_BYTES", "1048576", waiting));
        let queue_frames = positive(reader, "QUEUE_FRAMES", "256", waiting);
        let connections = positive(reader, "CONNECTIONS_MAX", "100000", "open connections");
        let handshakes = positive(reader, "HANDSHAKES_MAX", "1024", "handshakes under way");
        let name = "HANDSHAKE_RATE";
        let handshake_rate = reader.with_default(name, "600+300/s", "handshakes: burst, then rate");
        let name = "STRANGERS_PER_ADDRESS";
        let strangers = reader.with_default(name, "256", "open and unauthenticated");
        let per_user = positive(
            reader,
            "CONNECTIONS_PER_USER",
            "10",
            "on all nodes; one more closes the oldest",
        );
        let name = "COMMANDS_PER_SECOND";
        let commands = reader.with_default(name, "20", "of one connection, in the long run");
        let api_requests = positive(
            reader,
            "API_REQUESTS_MAX",
            "256",
            "requests to api under way",
        );
        Some(Self {
            frame_bytes_max: frame_bytes?,
            queue: Room {
                frames: queue_frames?,
                bytes: queue_bytes?,
            },
            connections_max: connections?,
            handshakes_max: handshakes?,
            handshakes: handshake_rate?,
            strangers_per_address: strangers?,
            connections_per_user: per_user?,
            commands_per_second: commands?,
            api_requests_max: api_requests?,
        })
    }
}

fn span(
    reader: &mut Reader,
    name: &'static str,
    default: &str,
    help: &'static str,
) -> Option<time::Duration> {
    let Duration(span) = reader.with_default(name, default, help)?;
    Some(span)
}

/// The largest number that all counters and semaphores take.
const NUMBER_MAX: usize = u32::MAX as usize >> 3;
/// Twice what `api` takes as a body: less than the largest event would close connections over and over.
const QUEUE_BYTES_MIN: usize = 128 << 10;

fn positive(
    reader: &mut Reader,
    name: &'static str,
    default: &str,
    help: &'static str,
) -> Option<usize> {
    at_least(1, reader, (name, default, help))
}

fn at_least(
    least: usize,
    reader: &mut Reader,
    (name, default, help): (&'static str, &str, &'static str),
) -> Option<usize> {
    let number: usize = reader.with_default(name, default, help)?;
    if (least..=NUMBER_MAX).contains(&number) {
        return Some(number);
    }
    reader.reject(name, format_args!("from {least} to {NUMBER_MAX}"));
    None
}

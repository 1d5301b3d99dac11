//! A gateway, who connects to it, and what is published.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use gateway::config::Config;
use serde_json::Value;
use shared::{
    bus::Bus,
    clock::Clock,
    config::{Outcome, RedisSettings, load},
    credentials::{Purpose, Revocations, Role, Tokens},
    ids::{SessionId, UserId},
    lifecycle::Lifecycle,
    membership::{
        MembershipMirror, MembershipSource, Memberships, MembershipsAt, MembershipsFuture,
    },
    telemetry::metrics::Metrics,
    testing::{Connect, ConnectError, Credentials, MemoryLog, Received, WireClient, shared_redis},
    wire::{Channel, Event, Position, kind},
};
use tokio::task::JoinHandle;

use crate::stand_in::StandIn;

/// The longest wait for anything: far above what is promised, so that a slow machine fails no test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const SECRET: &str = "a secret for tests of 32 bytes and more";
pub(crate) const ORIGIN: &str = "https://app.example";

pub(crate) struct Gateway {
    redis: RedisSettings,
    pub(crate) base: String,
    pub(crate) log: MemoryLog,
    pub(crate) bus: Bus,
    pub(crate) tokens: Tokens,
    pub(crate) api: Arc<StandIn>,
    pub(crate) metrics: Metrics,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) running: JoinHandle<()>,
}

pub(crate) fn user(number: i64) -> UserId {
    UserId::new(number).unwrap()
}

pub(crate) fn channel(number: i64) -> Channel {
    Channel::User(user(number))
}

/// Knows that nobody is in a group.
struct NoGroups(Position);

impl MembershipSource for NoGroups {
    fn memberships(&self, _: UserId) -> MembershipsFuture<'_> {
        let nothing = MembershipsAt {
            memberships: Memberships {
                version: 0,
                groups: Vec::new(),
            },
            at: self.0,
        };
        Box::pin(async move { Ok(nothing) })
    }
}

impl Gateway {
    /// Has Redis know which groups this user is in, as the connection before would have.
    pub(crate) async fn mirror_memberships(&self, number: i64) {
        let head = self.log.head(channel(number));
        let mirror = MembershipMirror::new(self.bus.clone(), Arc::new(NoGroups(head)));
        mirror.read(user(number), head).await.unwrap();
    }

    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With these settings besides those that every test has.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_at(&Clock::System, settings).await
    }

    /// By this clock.
    pub(crate) async fn start_at(clock: &Clock, settings: &[(&str, &str)]) -> Self {
        let gateway = Self::launch(&shared_redis(), clock, settings).await;
        let revocations = Revocations::new(gateway.bus.clone());
        revocations.restore(&[]).await.unwrap();
        gateway
    }

    /// On this Redis, which may be away.
    pub(crate) async fn start_on(redis: &RedisSettings, settings: &[(&str, &str)]) -> Self {
        Self::launch(redis, &Clock::System, settings).await
    }

    /// Another node of the same installation.
    pub(crate) async fn neighbour(&self, settings: &[(&str, &str)]) -> Self {
        let rest = (self.log.clone(), Arc::clone(&self.api));
        Self::launch_beside(&self.redis, rest, &Clock::System, settings).await
    }

    async fn launch(redis: &RedisSettings, clock: &Clock, settings: &[(&str, &str)]) -> Self {
        let log = MemoryLog::default();
        let api = StandIn::start(log.clone()).await;
        Self::launch_beside(redis, (log, api), clock, settings).await
    }

    /// On a Redis that is away: it is not ready before that comes.
    pub(crate) async fn begin_on(redis: &RedisSettings, settings: &[(&str, &str)]) -> Self {
        let log = MemoryLog::default();
        let api = StandIn::start(log.clone()).await;
        Self::begin(redis, (log, api), &Clock::System, settings)
    }

    pub(crate) async fn is_ready(&self) {
        until(|| self.lifecycle.phase() == shared::lifecycle::Phase::Ready).await;
    }

    async fn launch_beside(
        redis: &RedisSettings,
        rest: (MemoryLog, Arc<StandIn>),
        clock: &Clock,
        settings: &[(&str, &str)],
    ) -> Self {
        let gateway = Self::begin(redis, rest, clock, settings);
        gateway.is_ready().await;
        gateway
    }

    fn begin(
        redis: &RedisSettings,
        (log, api): (MemoryLog, Arc<StandIn>),
        clock: &Clock,
        settings: &[(&str, &str)],
    ) -> Self {
        let common = [
            ("REDIS_URL", redis.url.as_str()),
            ("REDIS_PREFIX", &redis.prefix),
            ("JWT_SECRET", SECRET),
            ("API_URL", &api.url),
            ("NODE_NAME", "gateway-test"),
            ("ALLOWED_ORIGINS", ORIGIN),
            ("RATE_LIMITS", "off"),
            ("DRAIN_DELAY", "0ms"),
            ("DRAIN_WINDOW", "100ms"),
            ("DRAIN_FLUSH", "3s"),
            ("SHARDS", "2"),
        ];
        let given = common.iter().chain(settings);
        let given = given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = match load(given, [], Config::read) {
            Outcome::Loaded(config) => config,
            Outcome::Invalid(errors) => panic!("{errors:?}"),
            Outcome::Help(_) => panic!("nobody asked"),
        };
        let listener = gateway::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (lifecycle, metrics) = (Lifecycle::default(), Metrics::default());
        let tokens = Tokens::new(&config.secrets.jwt_secrets, clock.clone());
        let bus = Bus::new(redis).unwrap();
        let (told, counted, clock) = (lifecycle.clone(), metrics.clone(), clock.clone());
        let running = tokio::spawn(async move {
            let served = gateway::run(config, listener, clock, told, &counted);
            served.await.unwrap();
        });
        Self {
            redis: redis.clone(),
            base,
            log,
            bus,
            tokens,
            api,
            metrics,
            lifecycle,
            running,
        }
    }

    /// Ends it, without waiting for its clients.
    pub(crate) async fn stop(self) {
        self.lifecycle.hurry();
        self.ends().await;
    }

    /// Waits for its end.
    pub(crate) async fn ends(self) {
        let stopped = tokio::time::timeout(PATIENCE, self.running).await;
        stopped.expect("it stops in time").unwrap();
    }

    pub(crate) fn token(&self, number: i64) -> String {
        self.mint(Purpose::Access, number, Duration::from_mins(10))
    }

    /// The session has the user's number.
    pub(crate) fn mint(&self, purpose: Purpose, number: i64, lifetime: Duration) -> String {
        let session = SessionId::new(number).unwrap();
        let who = (user(number), session, Role::User);
        self.tokens.mint(purpose, who, lifetime).0
    }

    pub(crate) fn connect(&self, credentials: Credentials) -> Connect {
        Connect {
            credentials,
            ..Connect::bearer(&self.base, "")
        }
    }

    /// Connects with a bearer token and reads `welcome`.
    pub(crate) async fn listen(&self, number: i64) -> (Socket, Value) {
        self.listen_from(number, None).await
    }

    pub(crate) async fn listen_from(&self, number: i64, resume: Option<Value>) -> (Socket, Value) {
        let mut connect = self.connect(Credentials::Bearer(self.token(number)));
        connect.resume = resume;
        welcomed(&connect).await.unwrap()
    }

    /// Commits events to the user's log and publishes them, as `api` does.
    pub(crate) async fn publish(&self, number: i64, count: usize) -> Vec<Event> {
        let events = self.log.commit_many(channel(number), count);
        self.bus.append(&events).await.unwrap();
        events
    }

    pub(crate) async fn revoke(&self, number: i64, session: i64) {
        let mut event = self.log.commit(channel(number));
        event.control = true;
        event.kind = kind::SESSION_REVOKED.into();
        event.body = format!(r#"{{"timestamp":0,"data":{{"session_id":{session}}}}}"#).into();
        self.bus.append(&[event]).await.unwrap();
    }

    /// The value of a metric, by its name and labels as `/metrics` shows them.
    pub(crate) fn metric(&self, series: &str) -> u64 {
        let text = String::from_utf8(self.metrics.render().unwrap()).unwrap();
        let mut lines = text.lines().filter_map(|line| line.rsplit_once(' '));
        let found = lines.find(|(name, _)| *name == series);
        found
            .unwrap_or_else(|| panic!("no {series} in\n{text}"))
            .1
            .parse()
            .unwrap()
    }
}

pub(crate) async fn welcomed(connect: &Connect) -> Result<(Socket, Value), ConnectError> {
    let mut socket = Socket(WireClient::connect(connect).await?);
    let welcome = socket.frame().await;
    assert_eq!(welcome["type"], "welcome", "{welcome}");
    Ok((socket, welcome))
}

/// A client with the patience of a test.
pub(crate) struct Socket(pub(crate) WireClient);

impl Socket {
    pub(crate) async fn next(&mut self) -> Received {
        let next = self.0.next_within(PATIENCE).await;
        next.expect("something in time")
    }

    pub(crate) async fn frame(&mut self) -> Value {
        match self.next().await {
            Received::Frame(frame) => frame,
            Received::Closed(code, reason) => panic!("closed: {code} {reason}"),
        }
    }

    /// The next frame with this type; what comes before it is passed over.
    pub(crate) async fn hears(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// The offsets of the next durable events.
    pub(crate) async fn offsets(&mut self, count: usize) -> Vec<u64> {
        let mut offsets = Vec::new();
        while offsets.len() < count {
            offsets.extend(self.frame().await["offset"].as_u64());
        }
        offsets
    }

    /// The close code and reason text; frames before it are passed over.
    pub(crate) async fn is_closed(&mut self) -> (u16, String) {
        loop {
            if let Received::Closed(code, reason) = self.next().await {
                return (code, reason);
            }
        }
    }

    pub(crate) async fn send(&self, frame: Value) {
        self.0.send(&frame).await.unwrap();
    }

    /// Sends a command and returns its answer.
    pub(crate) async fn commands(&mut self, mut command: Value) -> Value {
        let reference = format!("{:016x}", rand::random::<u64>());
        command["ref"] = reference.clone().into();
        self.send(command).await;
        loop {
            let frame = self.frame().await;
            if frame["ref"] == reference.as_str() {
                return frame;
            }
        }
    }
}

/// Waits until it holds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("it holds in time");
}

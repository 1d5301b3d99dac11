//! What a connection may reach.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use shared::{
    addresses::Addresses,
    bus::{Bus, BusError, History, Subscriber},
    clock::Clock,
    connections::Connections,
    credentials::{Revocations, Tokens},
    lifecycle::Lifecycle,
    membership::MembershipMirror,
    telemetry::metrics::Metrics,
};
use tokio::{
    runtime::Handle,
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
};

use crate::{
    api_client::ApiClient,
    channels::{Heard, Permits, ShardSink},
    config::{Config, Limits},
    door::Door,
    hub::{Hub, Inbox},
    ledger::Ledger,
    metrics::GatewayMetrics,
    polling::Polls,
    presence::{Means, Presence, PresenceMetrics},
    reach::ReachBook,
    relay::Relay,
    ring::Ring,
    rooms::RoomChecks,
    roster::Roster,
    session::{CommandLimits, Intervals, Room, Settings},
    switches::Switches,
    typing::Typists,
};

/// While a connection catches up, so many times the events that a queue takes are held for it; they are shared, and their bytes
/// count as much as in a queue.
const HELD_QUEUES: usize = 16;
/// What was missed is replayed to a connection up to so many bytes that wait: two whole ranges of one channel.
const REPLAY_BYTES_MAX: usize = 16 << 20;

/// Balancers and people who look after a node ask once a second, each.
const HEALTH_CHECKS_MAX: usize = 16;

/// One gateway. Concrete on purpose: there is one of everything.
pub(crate) struct Node {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    /// What becomes of events for people who are traced.
    pub(crate) ledger: Ledger,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) metrics: Arc<GatewayMetrics>,
    pub(crate) tokens: Tokens,
    pub(crate) revocations: Revocations,
    pub(crate) bus: Bus,
    pub(crate) history: History,
    /// What was heard here just now.
    pub(crate) ring: Arc<Ring>,
    /// Who is in which groups.
    pub(crate) memberships: MembershipMirror,
    pub(crate) subscriber: Subscriber,
    pub(crate) api: ApiClient,
    pub(crate) hub: Hub,
    pub(crate) session_settings: Arc<Settings>,
    /// The runtime of everything that is not a socket: a shard asks there, so that no shard's end takes away what others
    /// use.
    pub(crate) main: Handle,
    pub(crate) door: Door,
    /// Sessions of Engine.IO that are polled here.
    pub(crate) polls: Polls,
    /// Hands requests to the nodes that have their sessions.
    pub(crate) relay: Relay,
    /// Who is connected here, as all nodes count it.
    pub(crate) roster: Arc<Roster>,
    /// Who is online.
    pub(crate) presence: Presence,
    /// Whom people may reach with what is not stored.
    pub(crate) reach: Arc<ReachBook>,
    pub(crate) typists: Arc<Typists>,
    pub(crate) room_checks: RoomChecks,
    /// What operators have switched off.
    pub(crate) switches: Arc<Switches>,
    pub(crate) places: Places,
    closed_to_new: AtomicBool,
}

/// How many there may be at a time, of each kind that holds something of the node's.
pub(crate) struct Places {
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) handshakes: Arc<Semaphore>,
    /// Questions whether the node is well, when there are too many handshakes.
    pub(crate) health_checks: Arc<Semaphore>,
    /// Bodies that are being read.
    pub(crate) bodies: Arc<Semaphore>,
    /// Connections whose first frame has not come.
    pub(crate) strangers: Semaphore,
}

impl Places {
    fn new(limits: &Limits) -> Self {
        let shared = |count| Arc::new(Semaphore::new(count));
        Self {
            connections: shared(limits.connections_max),
            handshakes: shared(limits.handshakes_max),
            health_checks: shared(HEALTH_CHECKS_MAX),
            bodies: shared(limits.handshakes_max),
            strangers: Semaphore::new(limits.handshakes_max),
        }
    }
}

/// What was started along with a node.
pub(crate) struct Started {
    pub(crate) node: Arc<Node>,
    /// For the shards, one each.
    pub(crate) inboxes: Vec<Inbox>,
    pub(crate) subscription: JoinHandle<()>,
    /// Keeps the roster.
    pub(crate) counting: JoinHandle<()>,
    /// What else runs until the node has ended.
    pub(crate) keepers: JoinSet<()>,
}

impl Node {
    /// Puts everything together; connects to nothing yet.
    pub(crate) fn start(
        config: Config,
        clock: Clock,
        lifecycle: Lifecycle,
        registry: &Metrics,
    ) -> Result<Started, BusError> {
        let metrics = Arc::new(GatewayMetrics::new(registry));
        let tokens = Tokens::new(&config.secrets.jwt_secrets, clock.clone());
        let api = ApiClient::new(
            &config.api_urls,
            config.limits.api_requests_max,
            tokens.clone(),
        );
        let bus = Bus::new(&config.redis)?;
        bus.measure(registry);
        let history = History::new(bus.clone(), Arc::new(api.clone()));
        let memberships = MembershipMirror::new(bus.clone(), Arc::new(api.clone()));
        let (hub, inboxes) = Hub::new(config.shards);
        let reach = Arc::<ReachBook>::default();
        let typists = Arc::new(Typists::new(clock.clone()));
        let permits = Permits {
            reach: Arc::clone(&reach),
            typists: Arc::clone(&typists),
        };
        let switches = Arc::new(Switches::new(bus.clone(), config.flags.clone()));
        let counted = PresenceMetrics::new(registry);
        let (presence, desks) = Presence::new(config.presence, clock.clone(), counted);
        let heard = Heard {
            presence: presence.clone(),
            switches: Arc::clone(&switches),
        };
        let mut keepers = JoinSet::new();
        let ring = start_ring(&mut keepers);
        let (kept, counted) = (Arc::clone(&ring), Arc::clone(&metrics));
        let sink = ShardSink::new(hub.clone(), heard, permits, kept, counted);
        let (room_checks, asker) = RoomChecks::new(api.clone());
        keepers.spawn(asker.run());
        let kept = Arc::clone(&switches);
        keepers.spawn(async move { kept.keep().await });
        let ledger = start_ledger(&mut keepers, (&bus, &switches), (&clock, &config), &metrics);
        let (kept, outlet) = (Arc::clone(&typists), bus.clone());
        keepers.spawn(async move { kept.keep(&outlet).await });
        let (subscriber, subscription) = Subscriber::start_measured(
            &config.redis,
            bus.clone(),
            history.clone(),
            sink,
            registry,
        )?;
        let means = Means {
            bus: bus.clone(),
            subscriber: subscriber.clone(),
            api: api.clone(),
            hub: hub.clone(),
            switches: Arc::clone(&switches),
        };
        presence.start(&mut keepers, desks, means);
        let roster = roster(&config, &bus);
        let kept = Arc::clone(&roster);
        let counting = tokio::spawn(async move { kept.keep().await });
        let places = config.limits.connections_max;
        let places_told = i64::try_from(places).unwrap_or(i64::MAX);
        metrics.connections_limit.set(places_told);
        let node = Self {
            door: Door::new(&config),
            polls: Polls::new(),
            relay: Relay::new(
                Addresses::new(bus.clone()),
                tokens.clone(),
                config.limits.connections_max,
            ),
            roster,
            presence,
            reach,
            typists,
            room_checks,
            switches,
            ledger,
            clock,
            lifecycle,
            metrics,
            tokens,
            revocations: Revocations::new(bus.clone()),
            bus,
            history,
            ring,
            memberships,
            subscriber,
            api,
            hub,
            session_settings: Arc::new(session_settings(&config)),
            main: Handle::current(),
            places: Places::new(&config.limits),
            closed_to_new: AtomicBool::new(false),
            config,
        };
        Ok(Started {
            node: Arc::new(node),
            inboxes,
            subscription,
            counting,
            keepers,
        })
    }

    /// From now on nobody is let in.
    pub(crate) fn close_to_new(&self) {
        self.closed_to_new.store(true, Ordering::Release);
    }

    /// Whether the door is shut.
    pub(crate) fn closed_to_new(&self) -> bool {
        self.closed_to_new.load(Ordering::Acquire)
    }
}

fn start_ring(keepers: &mut JoinSet<()>) -> Arc<Ring> {
    let ring = Arc::<Ring>::default();
    let kept = Arc::clone(&ring);
    keepers.spawn(async move { kept.keep_young().await });
    ring
}

fn start_ledger(
    keepers: &mut JoinSet<()>,
    (bus, switches): (&Bus, &Arc<Switches>),
    (clock, config): (&Clock, &Config),
    metrics: &GatewayMetrics,
) -> Ledger {
    let means = (bus.clone(), Arc::clone(switches));
    let whose = (clock.clone(), config.telemetry.node_name.as_str());
    let lost = metrics.ledger_lines_lost.clone();
    let (ledger, writer) = Ledger::new(means, whose, lost);
    keepers.spawn(writer.run());
    ledger
}

fn roster(config: &Config, bus: &Bus) -> Arc<Roster> {
    let connections = Connections::new(bus.clone(), config.limits.connections_per_user);
    let connections = connections.called(&config.telemetry.node_name);
    Arc::new(Roster::new(connections))
}

fn session_settings(config: &Config) -> Settings {
    let milliseconds =
        |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let per_second = config.limits.commands_per_second.get();
    let queue = config.limits.queue;
    Settings {
        node_name: config.telemetry.node_name.clone(),
        intervals: Intervals {
            heartbeat_ms: milliseconds(config.timing.heartbeat),
            ping_ms: milliseconds(config.timing.ping),
        },
        commands: CommandLimits {
            per_second: config.http.rate_limits.then_some(per_second),
            burst: per_second.saturating_mul(2),
        },
        queue,
        held: Room {
            frames: queue.frames.saturating_mul(HELD_QUEUES),
            ..queue
        },
        replay_bytes_max: REPLAY_BYTES_MAX,
        opening_ms_max: milliseconds(config.timing.handshake),
    }
}

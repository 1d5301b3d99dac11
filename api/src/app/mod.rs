//! Everything that is not a feature.

pub mod access;
pub mod asyncapi;
pub mod boot;
pub mod commands;
pub mod config;
pub mod db;
pub mod error;
pub mod event_log;
pub mod event_type;
pub mod feature;
pub mod flags;
mod housekeeping;
pub mod http;
pub mod identity;
pub mod jobs;
pub mod live;
pub mod metrics;
pub mod notification_type;
pub mod openapi;
pub mod plans;
pub mod service_keys;
pub mod statements;
#[cfg(test)]
pub(crate) mod testing;
pub mod time;
pub mod workers;

use std::sync::{Arc, OnceLock};

use shared::{bus::Bus, clock::Clock, credentials::Tokens, ratelimit::RateLimiter};

use config::Settings;
use db::{Connection, Database, Held, Snapshot, Tx};
use error::Error;
use event_log::{Outlet, Publisher, PublisherTask};
use event_type::EventType;
use flags::Flags;
use live::ChangedCounts;
use metrics::ApiMetrics;
use notification_type::NotificationTypes;
use time::Time;
use workers::Workers;

/// What a handler may reach. Clones are handles on the same parts.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    settings: Settings,
    clock: Clock,
    tokens: Tokens,
    database: Database,
    bus: Bus,
    limiter: RateLimiter,
    publisher: Publisher,
    metrics: ApiMetrics,
    workers: Workers,
    changed_counts: ChangedCounts,
    event_types: OnceLock<Vec<EventType>>,
    notification_types: OnceLock<NotificationTypes>,
    flags: Flags,
}

/// A part could not be made from its settings.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSettings(String);

impl App {
    /// The parts by their settings. Nothing is connected yet: stores may come later than we.
    pub(in crate::app) fn new(
        settings: Settings,
        clock: Clock,
    ) -> Result<(Self, Outlet, PublisherTask), InvalidSettings> {
        let invalid = |error: &dyn std::error::Error| InvalidSettings(error.to_string());
        let metrics = ApiMetrics::new();
        let database = Database::new(&settings.database, &metrics);
        let bus = Bus::new(&settings.redis).map_err(|error| invalid(&error))?;
        bus.measure(&metrics.registry);
        let outlet = Outlet::new(bus.clone(), clock.clone(), metrics.clone());
        let (publisher, task) = event_log::publisher(outlet.clone(), settings.inline_publishing);
        let evaluations = metrics.flag_evaluations.clone();
        let parts = Parts {
            tokens: Tokens::new(&settings.secrets.jwt_secrets, clock.clone()),
            database: database.map_err(|error| invalid(&error))?,
            limiter: RateLimiter::new(bus.clone()),
            bus,
            publisher,
            metrics,
            workers: Workers::new(settings.auth.hash.parallel),
            changed_counts: ChangedCounts::default(),
            event_types: OnceLock::new(),
            notification_types: OnceLock::new(),
            flags: Flags::new(settings.flags.clone(), evaluations),
            clock,
            settings,
        };
        Ok((Self(Arc::new(parts)), outlet, task))
    }

    /// A connection for statements that each stand alone: reads, most often.
    pub async fn read(&self) -> Result<Connection, Error> {
        self.0.database.connection().await
    }

    /// A connection for statements that all see the same moment.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        Snapshot::begin(self.read().await?).await
    }

    /// Opens a transaction that can carry events.
    pub async fn begin(&self) -> Result<Tx, Error> {
        Tx::begin(self.clone()).await
    }

    /// Runs inner functions of features, which begin and commit a transaction each, as one transaction: all of it happens, or
    /// nothing. They run one after the other.
    ///
    /// # Errors
    ///
    /// Those of `acts`, and of the commit.
    pub async fn as_one<T>(
        &self,
        acts: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        // Within a request with an `Idempotency-Key` there is one that its answer is stored with.
        if Held::is_lent() {
            return acts.await;
        }
        let held = Held::new(self.begin().await?);
        let done = held.during(acts).await?;
        let tx = held.take();
        let given_up = || Error::defect("an act gave its transaction up and said that it was done");
        tx.ok_or_else(given_up)?.commit().await?;
        Ok(done)
    }

    /// Now, by the app's clock.
    pub fn now(&self) -> Time {
        Time(self.0.clock.now())
    }

    /// The app's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Mints and verifies tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// Redis. Events go through [`Tx`], never straight to it.
    pub fn bus(&self) -> &Bus {
        &self.0.bus
    }

    /// Rate limits, shared by all pods.
    pub fn limiter(&self) -> &RateLimiter {
        &self.0.limiter
    }

    /// Everything that is configured.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What is counted.
    pub fn metrics(&self) -> &ApiMetrics {
        &self.0.metrics
    }

    /// For long computations.
    pub fn workers(&self) -> &Workers {
        &self.0.workers
    }

    /// Notes for live rooms.
    pub fn changed_counts(&self) -> &ChangedCounts {
        &self.0.changed_counts
    }

    /// This process among its like.
    pub fn node_name(&self) -> &str {
        &self.0.settings.telemetry.node_name
    }

    /// Notes what the features tell clients and people of.
    pub(in crate::app) fn know(&self, features: &[feature::Feature]) {
        let types = features.iter().flat_map(|feature| feature.events);
        let types: Vec<EventType> = types.chain(access::EVENTS).copied().collect();
        self.metrics().know_event_types(&types);
        let notifications = features.iter().flat_map(|f| f.notification_types);
        let notifications = NotificationTypes::new(notifications.copied());
        // Set once, by the one server that has the features.
        self.0.event_types.set(types).ok();
        self.0.notification_types.set(notifications).ok();
    }

    /// What the features tell people of; nothing where there is no server.
    pub fn notification_types(&self) -> &NotificationTypes {
        self.0.notification_types.get_or_init(Default::default)
    }

    /// Whether a feature says that it tells events of this type; nobody knows where there is no server.
    pub(crate) fn is_event_type(&self, kind: &str) -> bool {
        let types = self.0.event_types.get();
        types.is_none_or(|types| types.iter().any(|known| known.name == kind))
    }

    pub(in crate::app) fn database(&self) -> &Database {
        &self.0.database
    }

    pub(in crate::app) fn publisher(&self) -> &Publisher {
        &self.0.publisher
    }
}

//! Which server has what: one server, whichever one the sentinels call the master, a Redis Cluster, or a list.
//!
//! Everything else in the bus asks the [`Layout`] where a key lives. Who finds that the layout is out of date says so, and
//! looks again; nothing runs by itself here.

mod cluster;
mod hashing;
mod layout;
mod sentinel;
mod server;
mod shape;

use std::{fmt, sync::Arc, time::Duration};

use redis::{RedisError, aio::MultiplexedConnection};
use tokio::{
    sync::{Mutex, watch},
    time::{Instant, timeout},
};

use self::shape::Shape;
pub(super) use self::{hashing::slot, layout::Layout, server::Server};
use super::BusError;
use crate::{config::RedisSettings, tls};

/// A layout that may change is looked at again after so long, even if nothing seems wrong: a server that was cut off from
/// the others may go on answering.
const FRESH: Duration = Duration::from_secs(10);

/// What the servers are, and who has what now.
pub(super) struct Topology {
    shape: Shape,
    layout: watch::Sender<Arc<Layout>>,
    /// When it was last looked at. Held by whoever is looking.
    looked_at: Mutex<Option<Instant>>,
    timeout: Duration,
    tls: Option<tls::Client>,
}

impl fmt::Debug for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = self.layout.borrow();
        f.debug_tuple("Topology").field(&layout.servers()).finish()
    }
}

impl Topology {
    /// From a URL as `REDIS_URL` has it; connects to nothing.
    pub(super) fn new(url: &str, settings: &RedisSettings) -> Result<Self, BusError> {
        let shape = Shape::parse(url, settings.ca_file.as_deref())?;
        let layout = match &shape {
            Shape::Fixed(servers) => Layout::hashed(servers.clone()),
            Shape::Sentinel(_) | Shape::Cluster(_) => Layout::default(),
        };
        let tls = url.starts_with("rediss");
        let tls = tls.then(|| tls::Client::new(settings.ca_file.as_deref()));
        let tls = tls.transpose();
        Ok(Self {
            tls: tls.map_err(|error| BusError::Configuration(error.to_string()))?,
            shape,
            layout: watch::Sender::new(Arc::new(layout)),
            looked_at: Mutex::new(None),
            timeout: settings.timeout,
        })
    }

    /// The layout as far as is known; without any server before the first look.
    pub(super) fn layout(&self) -> Arc<Layout> {
        Arc::clone(&self.layout.borrow())
    }

    /// Follows the layout.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Layout>> {
        self.layout.subscribe()
    }

    /// What encrypts connections, where they are to be encrypted.
    pub(super) fn tls(&self) -> Option<tls::Client> {
        self.tls.clone()
    }

    /// Whether the layout never changes.
    pub(super) fn is_fixed(&self) -> bool {
        matches!(self.shape, Shape::Fixed(_))
    }

    /// Whether Pub/Sub has to be the sharded one.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.shape, Shape::Cluster(_))
    }

    /// Whether all keys are always on one server.
    pub(super) fn is_one_server(&self) -> bool {
        match &self.shape {
            Shape::Fixed(servers) => servers.len() == 1,
            Shape::Sentinel(_) => true,
            Shape::Cluster(_) => false,
        }
    }

    /// What it is called in metrics, and over how many servers it is spread, where that stands in the configuration.
    pub(super) fn described(&self) -> (&'static str, &'static str) {
        // Labels are a closed set: a list is not longer than this for long.
        const COUNTS: [&str; 9] = ["0", "1", "2", "3", "4", "5", "6", "7", "8"];
        match &self.shape {
            Shape::Fixed(servers) if servers.len() == 1 => ("standalone", "1"),
            Shape::Fixed(servers) => ("list", COUNTS.get(servers.len()).unwrap_or(&"many")),
            Shape::Sentinel(_) => ("sentinel", "1"),
            Shape::Cluster(_) => ("cluster", "varies"),
        }
    }

    /// Looks who has what now. Whoever asks while somebody looks gets what that one finds.
    pub(super) async fn refresh(&self) -> Result<(), RedisError> {
        let asked_at = Instant::now();
        let mut looked_at = self.looked_at.lock().await;
        if looked_at.is_some_and(|at| at >= asked_at) {
            return Ok(());
        }
        let known = self.layout();
        let started_at = Instant::now();
        let found = match &self.shape {
            Shape::Fixed(_) => return Ok(()),
            Shape::Sentinel(sentinels) => sentinels.layout(self.timeout).await?,
            Shape::Cluster(seeds) => cluster::layout(seeds, &known, self.timeout).await?,
        };
        *looked_at = Some(started_at);
        drop(looked_at);
        self.put(found);
        Ok(())
    }

    /// [`Topology::refresh`], if nobody has looked for a while and nobody is looking.
    pub(super) async fn refresh_if_old(&self) -> Result<(), RedisError> {
        let is_old = match self.looked_at.try_lock() {
            Ok(looked_at) => looked_at.is_none_or(|at| at.elapsed() > FRESH),
            Err(_) => false,
        };
        if self.is_fixed() || !is_old {
            return Ok(());
        }
        self.refresh().await
    }

    /// A cluster's server said that another one has this slot.
    pub(super) fn moved(&self, slot: u16, to: &str) {
        let layout = self.layout();
        let server = self.server_at(to);
        if let Some(server) = server {
            self.put(layout.with_slot(slot, server));
        }
    }

    /// The server at `host:port`, with the credentials of the others.
    pub(super) fn server_at(&self, addr: &str) -> Option<Server> {
        let Shape::Cluster(seeds) = &self.shape else {
            return None;
        };
        let (host, port) = addr.rsplit_once(':')?;
        Some(seeds.first()?.at(host, port.parse().ok()?))
    }

    fn put(&self, layout: Layout) {
        self.layout.send_if_modified(|known| {
            let is_new = **known != layout;
            if is_new {
                tracing::info!(servers = ?layout.servers(), "redis has another layout");
                *known = Arc::new(layout);
            }
            is_new
        });
    }
}

/// A connection for one question.
async fn connect(server: &Server, wait: Duration) -> Result<MultiplexedConnection, RedisError> {
    let client = redis::Client::open(server.info())?;
    let connection = client.get_multiplexed_async_connection();
    timeout(wait, connection)
        .await
        .map_err(|_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut)))?
}

//! Who is connected here, kept in step with the lists that all nodes share ([`shared::connections`]).
//!
//! Nobody waits for Redis: a connection is let in, listed right after, and taken from the lists after it has gone. What
//! could not be told to Redis is told when it answers again.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{
    bus::BusError,
    connections::{Connection, Connections, KEPT, LEASE, Name},
    ids::UserId,
    memory::GiveBack as _,
    ticks,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use crate::presence::Present;

/// Two renewals may fail before the lease is lost.
const RENEW_EVERY: Duration = Duration::from_secs(LEASE.as_secs() / 3);
/// Lists are kept for so long from the last time that somebody listed; one failure must not matter.
const LIST_EVERY: Duration = Duration::from_secs(KEPT.as_secs() / 3);
/// Connections that have gone and are still listed. More than that only come together while Redis is away, and then are
/// left to their lists' end.
const GONE_MAX: usize = 1 << 17;
/// Who comes or goes meanwhile is told together: when very many do, a round trip for each would cost more than all else that is
/// done about a connection in Redis.
const TELL_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug, Default)]
struct State {
    /// Since when, in milliseconds since the Unix epoch.
    here: HashMap<Name, (UserId, i64)>,
    /// To be listed. No more than are here, and those who went while the others were listed.
    new: Vec<Connection>,
    gone: Vec<Connection>,
    /// Somebody here may not be listed.
    list_again: bool,
}

/// This node's part of the lists.
#[derive(Debug)]
pub(crate) struct Roster {
    state: Mutex<State>,
    has_news: Notify,
    connections: Connections,
}

/// A connection's line in the roster; dropped when it closes.
#[derive(Debug)]
pub(crate) struct Line {
    roster: Arc<Roster>,
    connection: Connection,
    _present: Present,
}

impl Roster {
    pub(crate) fn new(connections: Connections) -> Self {
        Self {
            state: Mutex::default(),
            has_news: Notify::new(),
            connections,
        }
    }

    /// Writes a new connection down here; the others hear of it by [`Roster::announce`].
    pub(crate) fn write(
        self: &Arc<Self>,
        user_id: UserId,
        opened_at_ms: i64,
        present: Present,
    ) -> Line {
        let connection = Connection {
            user_id,
            name: Name::random(),
            opened_at_ms,
        };
        let since = (user_id, opened_at_ms);
        self.lock().here.insert(connection.name, since);
        Line {
            roster: Arc::clone(self),
            connection,
            _present: present,
        }
    }

    /// Has a connection listed for all nodes; the oldest of the person's is told to go where that is one too many.
    pub(crate) fn announce(&self, connection: Connection) {
        self.lock().new.push(connection);
        self.has_news.notify_one();
    }

    /// Keeps the lists up to date for as long as it is polled.
    pub(crate) async fn keep(&self) {
        let mut renewals = ticks::every(RENEW_EVERY);
        let mut list_at = Instant::now() + LIST_EVERY;
        loop {
            let kept = tokio::select! {
                () = self.has_news.notified() => {
                    let told = self.tell().await;
                    sleep(TELL_PAUSE).await;
                    told
                }
                _ = renewals.tick() => self.renew(&mut list_at).await,
            };
            if let Err(error) = kept {
                tracing::warn!(%error, "connections are not counted for now");
            }
        }
    }

    /// Tells Redis who came and went since the last time, all of them together.
    async fn tell(&self) -> Result<(), BusError> {
        let new = {
            let mut state = self.lock();
            let mut new = mem::take(&mut state.new);
            new.retain(|new| state.here.contains_key(&new.name));
            new
        };
        if let Err(error) = self.connections.enter(&new).await {
            self.lock().list_again = true;
            return Err(error);
        }
        // Also those who went while they were listed.
        self.unlist().await
    }

    /// Takes those who have gone from the lists.
    pub(crate) async fn unlist(&self) -> Result<(), BusError> {
        let mut gone = mem::take(&mut self.lock().gone);
        let told = self.connections.leave(&gone).await;
        if told.is_err() {
            let mut state = self.lock();
            gone.append(&mut state.gone);
            gone.truncate(GONE_MAX);
            state.gone = gone;
        }
        told
    }

    async fn renew(&self, list_at: &mut Instant) -> Result<(), BusError> {
        self.unlist().await?;
        let stood = self.connections.renew().await?;
        let again = mem::take(&mut self.lock().list_again);
        if stood && !again && Instant::now() < *list_at {
            return Ok(());
        }
        let open = self.open();
        let listed = self.connections.list(&open).await;
        match listed {
            Ok(()) => *list_at = Instant::now() + LIST_EVERY,
            Err(_) => self.lock().list_again = true,
        }
        // Those who went meanwhile were listed all the same.
        let mut state = self.lock();
        let left = open
            .iter()
            .filter(|open| !state.here.contains_key(&open.name));
        let left: Vec<Connection> = left.copied().collect();
        state.gone.extend(left);
        drop(state);
        listed
    }

    /// How many people are here.
    pub(crate) fn people(&self) -> usize {
        let state = self.lock();
        let people: HashSet<UserId> = state.here.values().map(|(user_id, _)| *user_id).collect();
        people.len()
    }

    fn open(&self) -> Vec<Connection> {
        let state = self.lock();
        let here = state.here.iter();
        here.map(|(name, (user_id, opened_at_ms))| Connection {
            user_id: *user_id,
            name: *name,
            opened_at_ms: *opened_at_ms,
        })
        .collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// The connection that it is about.
    pub(crate) fn connection(&self) -> Connection {
        self.connection
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut state = self.roster.lock();
        let was_here = state.here.remove(&self.connection.name).is_some();
        state.here.give_back();
        if was_here && state.gone.len() < GONE_MAX {
            state.gone.push(self.connection);
            self.roster.has_news.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::{bus::Bus, testing::shared_redis};

    use super::*;

    /// Two nodes on one Redis, where everybody may have one connection.
    fn rosters() -> [Arc<Roster>; 2] {
        let settings = shared_redis();
        [(); 2].map(|()| {
            let bus = Bus::new(&settings).unwrap();
            Arc::new(Roster::new(Connections::new(bus, 1)))
        })
    }

    fn user() -> UserId {
        UserId::new(1).unwrap()
    }

    /// How many others are told to go when somebody comes in on this node.
    async fn told_to_go(roster: &Arc<Roster>) -> usize {
        let line = roster.write(user(), 100, Present::nobody());
        let told = roster.connections.enter(&[line.connection()]).await;
        let told = told.unwrap();
        drop(line);
        roster.unlist().await.unwrap();
        told
    }

    #[tokio::test]
    async fn who_is_here_counts_on_all_nodes_until_they_have_gone() {
        let [here, there] = rosters();
        here.renew(&mut Instant::now()).await.unwrap();
        let line = here.write(user(), 1, Present::nobody());
        here.announce(line.connection());
        here.tell().await.unwrap();
        assert_eq!(told_to_go(&there).await, 1);
        drop(line);
        assert!(here.lock().here.is_empty());
        here.tell().await.unwrap();
        assert_eq!(told_to_go(&there).await, 0);
    }

    #[tokio::test]
    async fn what_redis_does_not_know_is_told_with_the_lease() {
        let [here, there] = rosters();
        let line = here.write(user(), 1, Present::nobody());
        let mut list_at = Instant::now() + LIST_EVERY;
        here.renew(&mut list_at).await.unwrap();
        assert_eq!(told_to_go(&there).await, 1, "the lease was new");

        let other = here.write(user(), 2, Present::nobody());
        here.renew(&mut list_at).await.unwrap();
        assert_eq!(told_to_go(&there).await, 1, "the lease stood");
        here.lock().list_again = true;
        here.renew(&mut list_at).await.unwrap();
        assert_eq!(told_to_go(&there).await, 2);
        drop((line, other));
    }

    #[tokio::test]
    async fn who_goes_before_they_are_listed_does_not_stay_listed() {
        let [here, there] = rosters();
        here.renew(&mut Instant::now()).await.unwrap();
        let line = here.write(user(), 1, Present::nobody());
        let connection = line.connection();
        drop(line);
        here.unlist().await.unwrap();
        here.announce(connection);
        here.tell().await.unwrap();
        assert_eq!(told_to_go(&there).await, 0);
    }

    #[tokio::test]
    async fn who_goes_while_redis_is_away_is_not_forgotten() {
        let mut settings = shared_redis();
        settings.url = "redis://127.0.0.1:1".to_owned();
        let bus = Bus::new(&settings).unwrap();
        let roster = Arc::new(Roster::new(Connections::new(bus, 1)));
        let line = roster.write(user(), 1, Present::nobody());
        roster.announce(line.connection());
        assert!(roster.tell().await.is_err());
        assert!(roster.lock().list_again);
        drop(line);
        assert!(roster.unlist().await.is_err());
        assert_eq!(roster.lock().gone.len(), 1);
    }
}

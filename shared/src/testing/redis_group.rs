//! Several Redis servers that belong together, with what they need to know of each other.

use std::{collections::BTreeSet, time::Duration};

use redis::{Cmd, FromRedisValue, RedisError, cmd};
use tokio::time::{sleep, timeout};

use super::{RedisServer, redis_server::settings};
use crate::config::RedisSettings;

/// The longest wait for servers to agree.
const AGREEMENT_MAX: Duration = Duration::from_secs(30);
const LOOK_INTERVAL: Duration = Duration::from_millis(25);
/// Slots of a Redis Cluster.
const SLOTS: usize = 16_384;
/// Servers of [`SentinelGroup`] and masters of [`RedisCluster`].
const THREE: usize = 3;

/// A command to one server, to do what the bus would not.
///
/// # Panics
///
/// When there is no answer.
pub async fn ask<T: FromRedisValue>(server: &RedisServer, command: &Cmd) -> T {
    try_ask(server, command).await.expect("an answer")
}

/// The same, where the server may be away, or cut off its clients.
async fn try_ask<T: FromRedisValue>(server: &RedisServer, command: &Cmd) -> Result<T, RedisError> {
    let client = redis::Client::open(server.url())?;
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(AGREEMENT_MAX));
    let connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await;
    command.query_async(&mut connection?).await
}

async fn agree(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !look().await {
            sleep(LOOK_INTERVAL).await;
        }
    };
    assert!(
        timeout(AGREEMENT_MAX, looking).await.is_ok(),
        "in vain: {what}"
    );
}

/// A master, a replica of it, and three sentinels that make the replica the master within a second after the other's death.
#[derive(Debug)]
pub struct SentinelGroup {
    /// The master, until something happens to it.
    pub master: RedisServer,
    /// Its replica.
    pub replica: RedisServer,
    sentinels: Vec<RedisServer>,
}

impl SentinelGroup {
    /// Starts all five, and waits until they know each other.
    pub async fn start() -> Self {
        let master = RedisServer::start().await;
        let port = master.addr().port().to_string();
        let follow = [
            "--replicaof",
            "127.0.0.1",
            &port,
            "--repl-diskless-sync-delay",
            "0",
        ];
        let replica = RedisServer::start_with(&follow).await;
        let mut sentinels = Vec::new();
        for _ in 0..THREE {
            sentinels.push(RedisServer::start_sentinel(&master).await);
        }
        let group = Self {
            master,
            replica,
            sentinels,
        };
        agree("the replica follows", async || {
            let mut info = cmd("INFO");
            let text: String = ask(&group.replica, info.arg("replication")).await;
            text.contains("master_link_status:up")
        })
        .await;
        agree(
            "the sentinels know each other and the replica",
            async || {
                for sentinel in &group.sentinels {
                    let mut info = cmd("INFO");
                    let text: String = ask(sentinel, info.arg("sentinel")).await;
                    if !text.contains("slaves=1,sentinels=3") {
                        return false;
                    }
                }
                true
            },
        )
        .await;
        group
    }

    /// Kills the master and waits until its replica is the master.
    pub async fn fails_over(&mut self) {
        self.master.kill();
        becomes_master(&self.replica).await;
    }

    /// `redis+sentinel://…`.
    pub fn url(&self) -> String {
        let addrs: Vec<String> = self
            .sentinels
            .iter()
            .map(|s| s.addr().to_string())
            .collect();
        format!("redis+sentinel://{}/main", addrs.join(","))
    }

    /// Settings that name the sentinels.
    pub fn settings(&self) -> RedisSettings {
        settings(self.url())
    }
}

/// A Redis Cluster of three masters, each with a replica.
#[derive(Debug)]
pub struct RedisCluster {
    /// The masters, by their slots: a third each.
    pub masters: Vec<RedisServer>,
    /// The replica of each.
    pub replicas: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts all six, and waits until they agree.
    pub async fn start() -> Self {
        let member = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
        let quick = [
            "--repl-diskless-sync-delay",
            "0",
            "--cluster-replica-validity-factor",
            "0",
        ];
        let words: Vec<&str> = member.iter().chain(&quick).copied().collect();
        let mut servers = Vec::new();
        for _ in 0..2 * THREE {
            servers.push(RedisServer::start_with(&words).await);
        }
        let replicas = servers.split_off(THREE);
        let cluster = Self {
            masters: servers,
            replicas,
        };
        cluster.introduce().await;
        cluster
    }

    async fn introduce(&self) {
        for (index, master) in self.masters.iter().enumerate() {
            let mut epoch = cmd("CLUSTER");
            let () = ask(master, epoch.arg("SET-CONFIG-EPOCH").arg(index + 1)).await;
            let mut add = cmd("CLUSTER");
            add.arg("ADDSLOTSRANGE").arg(SLOTS * index / THREE);
            let () = ask(master, add.arg(SLOTS * (index + 1) / THREE - 1)).await;
        }
        let first = &self.masters[0];
        for server in self.all().skip(1) {
            let mut read = cmd("CONFIG");
            let (_, cluster_port): (String, u16) =
                ask(server, read.arg("GET").arg("cluster-port")).await;
            let mut meet = cmd("CLUSTER");
            let meet = meet.arg("MEET").arg("127.0.0.1").arg(server.addr().port());
            let () = ask(first, meet.arg(cluster_port)).await;
        }
        agree("all have met", async || {
            self.all_say("cluster_known_nodes:6").await
        })
        .await;
        for (replica, master) in self.replicas.iter().zip(&self.masters) {
            let mut follow = cmd("CLUSTER");
            let () = ask(replica, follow.arg("REPLICATE").arg(id(master).await)).await;
        }
        agree("the cluster is well", async || {
            self.all_say("cluster_state:ok").await
        })
        .await;
        agree("the replicas follow", async || {
            for replica in &self.replicas {
                let mut info = cmd("INFO");
                let text: String = ask(replica, info.arg("replication")).await;
                if !text.contains("master_link_status:up") {
                    return false;
                }
            }
            true
        })
        .await;
    }

    async fn all_say(&self, line: &str) -> bool {
        for server in self.all() {
            let text: String = ask(server, cmd("CLUSTER").arg("INFO")).await;
            if !text.contains(line) {
                return false;
            }
        }
        true
    }

    fn all(&self) -> impl Iterator<Item = &RedisServer> {
        self.masters.iter().chain(&self.replicas)
    }

    /// `redis+cluster://…`, with two of the six.
    pub fn url(&self) -> String {
        let (one, other) = (self.masters[0].addr(), self.replicas[1].addr());
        format!("redis+cluster://{one},{other}")
    }

    /// Settings that name the cluster.
    pub fn settings(&self) -> RedisSettings {
        settings(self.url())
    }

    /// Kills a master and waits until its replica is one.
    pub async fn fails_over(&mut self, index: usize) {
        self.masters[index].kill();
        becomes_master(&self.replicas[index]).await;
    }

    /// The slots of all keys whose names are like this.
    pub async fn slots_of(&self, pattern: &str) -> BTreeSet<u16> {
        let mut slots = BTreeSet::new();
        for master in &self.masters {
            let keys: Vec<String> = ask(master, cmd("KEYS").arg(pattern)).await;
            for key in keys {
                slots.insert(self.slot(&key).await);
            }
        }
        slots
    }

    /// Which master a slot was given to at the start.
    pub fn owner_at_first(&self, slot: u16) -> usize {
        usize::from(slot) * THREE / SLOTS
    }

    /// Moves a slot with all that is in it from one master to another, as `redis-cli --cluster reshard` does.
    pub async fn move_slot(&self, slot: u16, from: usize, to: usize) {
        let (source, target) = (&self.masters[from], &self.masters[to]);
        let (source_id, target_id) = (id(source).await, id(target).await);
        let set = |state: &str, node: &str| {
            let mut set = cmd("CLUSTER");
            set.arg("SETSLOT").arg(slot).arg(state).arg(node);
            set
        };
        let () = ask(target, &set("IMPORTING", &source_id)).await;
        let () = ask(source, &set("MIGRATING", &target_id)).await;
        loop {
            let mut list = cmd("CLUSTER");
            list.arg("GETKEYSINSLOT").arg(slot).arg(100);
            let keys: Vec<String> = ask(source, &list).await;
            if keys.is_empty() {
                break;
            }
            let mut migrate = cmd("MIGRATE");
            migrate.arg("127.0.0.1").arg(target.addr().port()).arg("");
            migrate.arg(0).arg(5000).arg("KEYS").arg(keys);
            let () = ask(source, &migrate).await;
        }
        for server in [target, source] {
            let () = ask(server, &set("NODE", &target_id)).await;
        }
    }

    /// The slot that a key is in.
    pub async fn slot(&self, key: &str) -> u16 {
        ask(&self.masters[0], cmd("CLUSTER").arg("KEYSLOT").arg(key)).await
    }
}

async fn becomes_master(replica: &RedisServer) {
    agree("the replica is the master", async || {
        let mut info = cmd("INFO");
        // Sentinels have it cut off its clients when it becomes the master.
        let text: Result<String, _> = try_ask(replica, info.arg("replication")).await;
        text.is_ok_and(|text| text.contains("role:master"))
    })
    .await;
}

async fn id(server: &RedisServer) -> String {
    ask(server, cmd("CLUSTER").arg("MYID")).await
}

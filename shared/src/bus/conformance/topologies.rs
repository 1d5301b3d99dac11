//! The same cases on every topology, and what happens on each when servers change places while events flow.

use std::{cell::RefCell, sync::Arc};

use redis::cmd;
use tokio::sync::oneshot;

use super::{
    appending, following, history,
    node::{eventually, shows},
    *,
};
use crate::{
    config::RedisSettings,
    telemetry::metrics::Metrics,
    testing::{RedisCluster, SentinelGroup, ask},
};

thread_local! {
    /// Where the cases run on this thread, if not on the Redis of all tests.
    static PLACE: RefCell<Option<RedisSettings>> = const { RefCell::new(None) };
}

/// Where a case runs, under a prefix of its own.
pub(super) fn place() -> RedisSettings {
    let place = PLACE.with_borrow(Clone::clone);
    let Some(mut settings) = place else {
        return shared_redis();
    };
    settings.prefix = format!("test-{:016x}:", rand::random::<u64>());
    settings
}

/// Every case that needs no server of its own.
const CASES: &[fn()] = &[
    appending::events_go_out_in_order_and_once,
    appending::a_successor_waits_for_its_predecessor,
    appending::what_is_appended_together_has_outcomes_of_its_own,
    appending::pods_that_overtake_each_other_do_not_turn_the_order_round,
    appending::only_so_many_wait,
    appending::an_empty_redis_takes_what_comes_first,
    appending::a_new_life_of_the_log_replaces_the_old_one,
    appending::marks_and_claims,
    appending::marks_are_read_as_of_a_head_or_later,
    appending::ephemeral_events_and_nothing_at_all_are_no_appends,
    following::a_join_says_where_the_stream_starts_and_what_was_missed,
    following::a_channel_without_events_has_a_position_and_the_second_node_asks_redis_alone,
    following::a_node_that_is_behind_the_asker_catches_up_before_it_answers,
    following::what_was_lost_without_a_trace_is_found_by_the_regular_comparison,
    following::listeners_hear_what_they_joined_until_they_leave,
    following::ephemeral_events_come_at_once_on_any_channel,
    following::those_who_listen_are_told_when_something_is_gone_for_good,
    following::another_life_of_the_log_is_told_and_followed,
    following::an_asker_from_a_new_life_makes_a_node_look_it_up,
    following::a_stream_that_is_joined_while_events_flow_has_no_seam,
    following::events_that_come_before_the_head_is_known_are_kept_for_it,
    following::so_is_word_of_a_head_that_was_moved,
    history::a_range_comes_from_the_tail_when_it_is_there,
    history::else_from_the_log_or_an_error_says_why_not,
    history::a_thousand_readers_of_a_channel_read_its_log_once,
    history::those_who_waited_find_in_the_tail_what_the_first_brought_there,
];

/// Runs every case there.
fn keeps_the_contract(settings: RedisSettings) {
    PLACE.set(Some(settings));
    for case in CASES {
        case();
    }
    PLACE.set(None);
}

fn started<T>(starting: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(starting)
}

fn list(servers: &[RedisServer]) -> RedisSettings {
    let urls: Vec<String> = servers.iter().map(RedisServer::url).collect();
    RedisSettings {
        url: urls.join(","),
        ..servers[0].settings()
    }
}

async fn three() -> [RedisServer; 3] {
    [
        RedisServer::start().await,
        RedisServer::start().await,
        RedisServer::start().await,
    ]
}

#[test]
fn a_list_of_servers_keeps_the_contract() {
    let servers = started(three());
    keeps_the_contract(list(&servers));
}

#[test]
fn pub_sub_on_another_server_keeps_the_contract() {
    let servers = started(three());
    let mut settings = servers[0].settings();
    settings.pubsub_url = Some(servers[1].url());
    keeps_the_contract(settings);
    let published: u64 = started(commands(&servers[0], "cmdstat_publish:"));
    assert_eq!(published, 0, "history's server published");
}

/// How often a server was asked to do something.
async fn commands(server: &RedisServer, what: &str) -> u64 {
    let text: String = ask(server, cmd("INFO").arg("commandstats")).await;
    let line = text.lines().find_map(|line| line.strip_prefix(what));
    let calls = line.and_then(|line| line.strip_prefix("calls="));
    calls.map_or(0, |calls| calls.split(',').next().unwrap().parse().unwrap())
}

#[test]
fn the_master_of_sentinels_keeps_the_contract() {
    let group = started(SentinelGroup::start());
    keeps_the_contract(group.settings());
}

#[test]
fn a_cluster_keeps_the_contract() {
    let cluster = started(RedisCluster::start());
    keeps_the_contract(cluster.settings());
}

/// What `api` does, over and over, until told to stop: commits, publishes, and relays what could not be published.
struct Traffic {
    world: Arc<World>,
    channels: Vec<Channel>,
}

impl Traffic {
    /// Returns how many events each channel had in the end.
    async fn flow(self, mut stop: oneshot::Receiver<()>) -> Offset {
        let mut sent = 0;
        let mut behind = false;
        loop {
            let events = self.channels.iter().map(|c| self.world.log.commit(*c));
            let events: Vec<Event> = events.collect();
            sent += 1;
            behind |= self.world.bus.append(&events).await.is_err();
            if behind && self.relay().await.is_ok() {
                behind = false;
            }
            if !behind && stop.try_recv() != Err(oneshot::error::TryRecvError::Empty) {
                return sent;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn relay(&self) -> Result<(), BusError> {
        let heads = self.world.bus.heads(&self.channels).await?;
        for (channel, head) in self.channels.iter().zip(heads) {
            let after = head.map_or(0, |head| head.offset);
            let page = self.world.log.read(*channel, after, 512).await.unwrap();
            self.world.bus.append(&page.events).await?;
        }
        Ok(())
    }
}

/// Thirty channels, two nodes that follow them, and events that flow while `trouble` happens. Every event comes to both
/// nodes, once and in order.
async fn nothing_is_lost(mut settings: RedisSettings, trouble: impl Future<Output = ()>) {
    settings.timeout = Duration::from_secs(1);
    let world = Arc::new(World::on(settings));
    let channels: Vec<Channel> = (1..=30).map(user).collect();
    let mut nodes = [world.node(), world.node()];
    for node in &mut nodes {
        for channel in &channels {
            node.join(*channel).await;
        }
    }
    let (stop, stopped) = oneshot::channel();
    let traffic = Traffic {
        world: Arc::clone(&world),
        channels: channels.clone(),
    };
    let flow = tokio::spawn(traffic.flow(stopped));
    trouble.await;
    stop.send(()).unwrap();
    let sent = flow.await.unwrap();
    for node in &mut nodes {
        node.hears_all(&channels, sent).await;
        assert_eq!(node.metric(r#"hubbub_bus_gaps_total{kind="unhealed"}"#), 0);
    }
    // And nobody is deaf: this goes no way but by publication, for the regular comparison is far away.
    world
        .append(
            &channels
                .iter()
                .map(|c| world.log.commit(*c))
                .collect::<Vec<_>>(),
        )
        .await;
    for node in &mut nodes {
        node.hears_rest(&channels, sent, sent + 1).await;
        assert!(node.is_quiet());
    }
}

#[tokio::test]
async fn a_failover_of_sentinels_loses_nothing() {
    let mut group = SentinelGroup::start().await;
    let settings = group.settings();
    nothing_is_lost(settings, async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        group.fails_over().await;
    })
    .await;
}

#[tokio::test]
async fn the_death_of_a_master_of_a_cluster_loses_nothing() {
    let mut cluster = RedisCluster::start().await;
    nothing_is_lost(cluster.settings(), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cluster.fails_over(1).await;
    })
    .await;
}

#[tokio::test]
async fn slots_that_move_in_a_cluster_lose_nothing() {
    let cluster = RedisCluster::start().await;
    let settings = cluster.settings();
    let bus = Bus::new(&settings).unwrap();
    nothing_is_lost(settings, async {
        for number in 1..=30 {
            let slot = cluster.slot(&bus.names().stream(user(number))).await;
            let from = cluster.owner_at_first(slot);
            cluster.move_slot(slot, from, (from + 1) % 3).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_of_a_list_that_restarts_empty_loses_nothing_and_disturbs_no_other() {
    let mut servers = three().await;
    nothing_is_lost(list(&servers), async {
        servers[1].restart_empty().await;
    })
    .await;
}

#[tokio::test]
async fn each_server_of_a_list_is_shown_for_itself() {
    let mut servers = three().await;
    let world = World::on(list(&servers));
    let metrics = Metrics::default();
    world.bus.measure(&metrics);
    let _node = world.node();
    let line = |role: &str, shard: usize, up: bool| {
        format!(
            r#"hubbub_bus_connected{{role="{role}",shard="{shard}"}} {}"#,
            u8::from(up)
        )
    };
    let are_shown = async |up: [bool; 3]| {
        eventually("each server is shown as it is", async || {
            // Some for each of them; those of a server that is away fail.
            for number in 1..=20 {
                let event = world.log.commit(user(number));
                world.bus.append(&[event]).await.ok();
            }
            let mut up = up.into_iter().enumerate();
            up.all(|(shard, up)| {
                let roles = ["publish", "subscribe"];
                roles
                    .iter()
                    .all(|role| shows(&metrics, &line(role, shard, up)))
            })
        })
        .await;
    };
    are_shown([true; 3]).await;
    servers[1].kill();
    are_shown([true, false, true]).await;
    servers[1].restart_empty().await;
    are_shown([true; 3]).await;
}

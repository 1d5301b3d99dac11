//! Redis in several pieces, which fail and move while messages flow.

use shared::testing::{RedisCluster, SentinelGroup};
use stories::{Cluster, Listener, Node, Person, Setup, settings};
use tokio::sync::watch;

const LAST: &str = "the last one";
/// Messages that are said before the trouble, and again after it.
const SOME: usize = 10;

async fn on(redis_url: &str) -> Cluster {
    Cluster::start_as(Setup {
        all: settings(&[("REDIS_URL", redis_url), ("REDIS_TIMEOUT", "1s")]),
        ..Setup::default()
    })
    .await
}

/// Talks through both pods in turn, until nobody counts any more. Returns all that was said.
async fn talks(
    ana: &Person,
    bob: &Person,
    api: &[Node; 2],
    count: watch::Sender<usize>,
) -> Vec<String> {
    let mut said = Vec::new();
    for api in api.iter().cycle() {
        let is_last = count.send(said.len()).is_err();
        let content = if is_last {
            LAST.to_owned()
        } else {
            format!("message {}", said.len())
        };
        ana.says(api, bob, &content).await;
        said.push(content);
        if is_last {
            break;
        }
    }
    said
}

async fn more_is_said(count: &mut watch::Receiver<usize>) {
    let enough = *count.borrow() + SOME;
    let said = count.wait_for(|count| *count >= enough).await;
    said.expect("somebody talks until we have gone");
}

/// On one and the same connection, which is not told to reload; that there is no hole and no repeat, the listener sees.
async fn hears_all(phone: &mut Listener) -> Vec<String> {
    let mut heard = Vec::new();
    let all = phone.hears_messages_until(LAST, &mut heard).await;
    all.expect("the connection stands");
    heard
}

async fn nothing_is_lost(cluster: Cluster, trouble: impl AsyncFnOnce(i64)) {
    let [api_1, api_2] = &cluster.api;
    let (ana, bob) = tokio::join!(Person::sign_up(api_1, "ana"), Person::sign_up(api_2, "bob"));
    let mut phone = bob.listens(&cluster.gateway[0]).await;
    let mut tablet = bob.listens(&cluster.gateway[1]).await;
    let (count, mut said_already) = watch::channel(0);
    let listener = bob.id;
    let trouble = async move {
        more_is_said(&mut said_already).await;
        trouble(listener).await;
        more_is_said(&mut said_already).await;
    };
    let (said, on_phone, on_tablet, ()) = tokio::join!(
        talks(&ana, &bob, &cluster.api, count),
        hears_all(&mut phone),
        hears_all(&mut tablet),
        trouble
    );
    assert_eq!(on_phone, said);
    assert_eq!(on_tablet, said);
    cluster.stop().await;
}

#[tokio::test]
async fn a_failover_of_sentinels_while_messages_flow_costs_nobody_an_event() {
    let mut group = SentinelGroup::start().await;
    let cluster = on(&group.url()).await;
    nothing_is_lost(cluster, async |_| group.fails_over().await).await;
}

#[tokio::test]
async fn a_cluster_that_moves_slots_and_loses_a_master_while_messages_flow_costs_nobody_an_event() {
    let mut redis = RedisCluster::start().await;
    let cluster = on(&redis.url()).await;
    nothing_is_lost(cluster, async |bob| {
        let slots = redis.slots_of(&format!("*:user:{bob}")).await;
        assert!(!slots.is_empty(), "somebody is told something");
        for slot in slots {
            let from = redis.owner_at_first(slot);
            redis.move_slot(slot, from, (from + 1) % 3).await;
        }
        redis.fails_over(1).await;
    })
    .await;
}

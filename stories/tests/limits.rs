//! Limits that hold on all nodes together.

use serde_json::json;
use stories::{Cluster, Listener, Person};

/// What a person may have open at once, unless it is set otherwise.
const CONNECTIONS_PER_USER: usize = 10;

#[tokio::test]
async fn the_eleventh_connection_closes_the_oldest_on_whatever_node_it_is() {
    let cluster = Cluster::start().await;
    let ana = Person::sign_up(&cluster.api[0], "ana").await;
    let bo = Person::sign_up(&cluster.api[1], "bob").await;
    let mut bo_s_phone = bo.listens(&cluster.gateway[0]).await;
    let mut open: Vec<Listener> = Vec::new();
    for gateway in cluster.gateway.iter().cycle().take(CONNECTIONS_PER_USER) {
        open.push(ana.listens(gateway).await);
    }

    let mut newest = ana.listens(&cluster.gateway[1]).await;
    let mut oldest = open.remove(0);
    assert_eq!(oldest.welcome["data"]["node"], "gateway-1");
    assert_eq!(oldest.is_closed().await, 4008);

    // Everybody else stays, and hears what comes.
    bo.says(&cluster.api[0], &ana, "hi").await;
    for listener in open.iter_mut().chain([&mut newest]) {
        let heard = listener.hears("private_message").await;
        assert_eq!(heard["data"]["content"], "hi");
    }
    let pong = bo_s_phone.commands(json!({"type": "ping"})).await;
    assert_eq!(pong["type"], "pong");
    cluster.stop().await;
}

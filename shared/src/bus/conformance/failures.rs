//! Redis goes away and comes back.

use super::{
    node::{Output, eventually},
    proxy::Proxy,
    *,
};

#[tokio::test]
async fn nothing_is_lost_when_redis_restarts_empty_while_events_flow() {
    let mut server = RedisServer::start().await;
    let world = World::on(server.settings());
    let mut nodes = [world.node(), world.node()];
    for node in &mut nodes {
        node.join(user(1)).await;
    }
    let waiting: Vec<Event> = {
        world.send_many(user(1), 20).await;
        let unpublished = world.log.commit_many(user(1), 2);
        world.append(&unpublished[1..]).await;
        unpublished
    };
    server.kill();
    for event in world.log.commit_many(user(1), 10) {
        assert!(world.bus.append(&[event]).await.is_err());
    }
    server.restart_empty().await;
    world.send_many(user(1), 10).await;
    for node in &mut nodes {
        node.hears(user(1), 1..=42).await;
    }
    assert_eq!(world.append(&waiting).await, [Appended::Repeat; 2]);
    world.send(user(1)).await;
    for node in &mut nodes {
        node.hears(user(1), [43]).await;
        assert!(node.is_quiet());
    }
}

#[tokio::test]
async fn what_was_committed_while_redis_was_away_comes_without_a_further_event() {
    let mut server = RedisServer::start().await;
    let world = World::on(server.settings());
    let mut node = world.node();
    let channels = [user(1), user(2), user(3)];
    for channel in channels {
        node.join(channel).await;
        world.send(channel).await;
        node.hears(channel, [1]).await;
    }
    server.kill();
    for channel in channels {
        world.log.commit_many(channel, 300);
    }
    server.restart_empty().await;
    node.hears_rest(&channels, 1, 301).await;
    // The relay finds nothing left to do, or repeats what everybody has.
    for channel in channels {
        world.relay(channel).await;
    }
    world.send(user(1)).await;
    node.hears(user(1), [302]).await;
}

#[tokio::test]
async fn a_redis_that_stops_for_a_while_is_a_pause() {
    let server = RedisServer::start().await;
    let mut settings = server.settings();
    settings.timeout = Duration::from_millis(500);
    let world = World::on(settings);
    let tuning = Tuning {
        silence: Duration::from_millis(300),
        // Long enough that a machine that is busy for a moment is not taken for a deaf connection, again and again.
        probe_wait: Duration::from_secs(2),
        ..Tuning::quick()
    };
    let mut node = Node::start(&world, &world.settings, tuning);
    node.join(user(1)).await;
    server.pause();
    let event = world.log.commit(user(1));
    assert!(world.bus.append(&[event]).await.is_err());
    eventually("the connection is given up", async || {
        node.metric("hubbub_bus_reconnects_total") > 0
    })
    .await;
    server.resume();
    eventually("redis answers again", async || {
        world.bus.ping().await.is_ok()
    })
    .await;
    world.relay(user(1)).await;
    world.send(user(1)).await;
    node.hears(user(1), 1..=2).await;
}

#[tokio::test]
async fn a_connection_that_is_open_but_deaf_is_replaced() {
    let world = World::shared();
    let client = redis::Client::open(world.settings.url.as_str()).unwrap();
    let addr = client.get_connection_info().addr().to_string();
    let proxy = Proxy::before(addr.parse().unwrap()).await;
    let mut settings = world.settings.clone();
    // With whatever credentials the server asks for.
    settings.url = settings.url.replace(&addr, &proxy.addr.to_string());
    let tuning = Tuning {
        silence: Duration::from_millis(300),
        // Long enough that a machine that is busy for a moment is not taken for a deaf connection, again and again.
        probe_wait: Duration::from_secs(2),
        ..Tuning::quick()
    };
    let mut node = Node::start(&world, &settings, tuning);
    node.join(user(1)).await;
    world.send(user(1)).await;
    node.hears(user(1), [1]).await;
    proxy.deafen();
    world.send(user(1)).await;
    node.hears(user(1), [2]).await;
    assert!(node.metric("hubbub_bus_reconnects_total") > 0);
}

#[tokio::test]
async fn three_thousand_channels_come_back_after_a_cut() {
    let server = RedisServer::start().await;
    let world = World::on(server.settings());
    let mut node = world.node();
    let channels: Vec<Channel> = (1..=3000).map(user).collect();
    for channel in &channels {
        node.ask(*channel, 0, None).await;
    }
    for _ in &channels {
        assert!(node.answer().await.is_ok());
    }
    let send_all = async || {
        let events: Vec<Event> = channels.iter().map(|c| world.log.commit(*c)).collect();
        world.append(&events).await;
    };
    send_all().await;
    let mut redis = world.redis().await;
    let mut kill = redis::cmd("CLIENT");
    kill.arg("KILL").arg("TYPE").arg("pubsub");
    let killed: u64 = kill.query_async(&mut redis).await.unwrap();
    assert_eq!(killed, 1);
    send_all().await;
    send_all().await;
    node.hears_all(&channels, 3).await;
    // All are subscribed again, not only compared.
    send_all().await;
    node.hears_rest(&channels, 3, 4).await;
    assert_eq!(node.metric("hubbub_bus_reconnects_total"), 1);
    assert_eq!(node.metric(r#"hubbub_bus_gaps_total{kind="unhealed"}"#), 0);
}

#[tokio::test]
async fn a_node_may_start_before_redis_does() {
    let mut server = RedisServer::start().await;
    server.kill();
    let world = World::on(server.settings());
    let mut node = world.patient_node(PATIENCE);
    let mut impatient = world.patient_node(Duration::from_millis(100));
    for channel in [user(1), post(1)] {
        node.ask(channel, 0, None).await;
        impatient.ask(channel, 0, None).await;
        assert_eq!(impatient.answer().await, Err(JoinError::Unavailable));
    }
    assert!(matches!(
        world.bus.ping().await,
        Err(BusError::Unavailable(_))
    ));
    server.restart_empty().await;
    assert!(node.answer().await.is_ok());
    assert!(node.answer().await.is_ok());
    world.send(user(1)).await;
    node.hears(user(1), [1]).await;
}

#[tokio::test]
async fn a_hole_that_nobody_can_fill_waits_and_the_rest_goes_on() {
    let mut server = RedisServer::start().await;
    let world = World::on(server.settings());
    let mut node = world.node();
    node.join(user(1)).await;
    node.join(user(2)).await;
    world.log.set_available(false);
    server.kill();
    world.log.commit_many(user(1), 4);
    server.restart_empty().await;
    world.send(user(1)).await;
    eventually("the hole is seen", async || {
        node.metric(r#"hubbub_bus_gaps_total{kind="detected"}"#) > 0
    })
    .await;
    world.send_many(user(2), 3).await;
    node.hears(user(2), 1..=3).await;
    // Where a channel starts that this node does not follow yet, nobody knows now.
    let mut impatient = world.patient_node(Duration::from_millis(200));
    impatient.ask(user(3), 0, None).await;
    assert_eq!(impatient.answer().await, Err(JoinError::Unavailable));
    world.log.set_available(true);
    node.hears(user(1), 1..=5).await;
    node.join(user(3)).await;
}

#[tokio::test]
async fn listeners_of_a_channel_without_a_log_are_told_that_it_was_cut() {
    let mut server = RedisServer::start().await;
    let world = World::on(server.settings());
    let mut node = world.node();
    node.join(post(1)).await;
    server.restart_empty().await;
    let cut = node.next().await;
    assert_eq!(cut, Output::Interrupted(Listeners(1), post(1)));
    // Whoever joins now has missed nothing.
    node.join(post(2)).await;
    assert!(node.is_quiet());
}

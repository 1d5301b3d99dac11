//! Joins, listeners, and streams that go on where they said.

use super::{
    node::{Output, eventually},
    *,
};

#[tokio::test]
pub(super) async fn a_join_says_where_the_stream_starts_and_what_was_missed() {
    let world = World::shared();
    world.send_many(user(1), 5).await;
    let at = |offset| Position {
        offset,
        ..world.log.head(user(1))
    };
    let other_epoch = Position {
        epoch: Epoch::random(),
        offset: 5,
    };
    let range = |after, through| Replay::Range {
        after: at(after),
        through,
    };
    for (since, replay) in [
        (None, Replay::NotAsked),
        (Some(at(5)), Replay::Nothing),
        (Some(at(3)), range(3, 5)),
        (Some(at(0)), range(0, 5)),
        (Some(at(6)), Replay::EpochChanged),
        (Some(other_epoch), Replay::EpochChanged),
    ] {
        let expected = Ok(Start {
            position: Some(at(5)),
            replay,
        });
        // The first join of a node, and one of a channel that it follows already.
        let mut node = world.node();
        for which in ["first", "second"] {
            node.ask(user(1), 0, since).await;
            assert_eq!(
                node.answer().await,
                expected,
                "{which} join since {since:?}"
            );
        }
    }
    assert_eq!(world.log.reads(), 0);
}

#[tokio::test]
pub(super) async fn a_channel_without_events_has_a_position_and_the_second_node_asks_redis_alone() {
    let world = World::shared();
    let expected = Start {
        position: Some(world.log.head(user(1))),
        replay: Replay::NotAsked,
    };
    assert_eq!(world.node().join(user(1)).await, expected);
    assert_eq!(world.log.heads_asked(), 1);
    eventually("the head is written back", async || {
        world.head(user(1)).await.is_some()
    })
    .await;
    let mut second = world.node();
    assert_eq!(second.join(user(1)).await, expected);
    assert_eq!(world.log.heads_asked(), 1);
    world.send(user(1)).await;
    second.hears(user(1), [1]).await;
}

#[tokio::test]
pub(super) async fn a_node_that_is_behind_the_asker_catches_up_before_it_answers() {
    let world = World::shared();
    let mut node = world.node();
    node.join(user(1)).await;
    // In the log and in the tail, but this node was never told.
    let events = world.log.commit_many(user(1), 2);
    world.put_silently(&events).await;
    node.ask(user(1), 1, events[1].position).await;
    node.hears(user(1), 1..=2).await;
    let start = Start {
        position: events[1].position,
        replay: Replay::Nothing,
    };
    assert_eq!(node.answer().await, Ok(start));
}

#[tokio::test]
pub(super) async fn what_was_lost_without_a_trace_is_found_by_the_regular_comparison() {
    let world = World::shared();
    let tuning = Tuning {
        self_check: Duration::from_millis(100)..Duration::from_millis(200),
        ..Tuning::quick()
    };
    let mut node = Node::start(&world, &world.settings, tuning);
    node.join(user(1)).await;
    world.send(user(1)).await;
    node.hears(user(1), [1]).await;
    world.put_silently(&world.log.commit_many(user(1), 3)).await;
    node.hears(user(1), 2..=4).await;
    world.send(user(1)).await;
    node.hears(user(1), [5]).await;
}

#[tokio::test]
pub(super) async fn listeners_hear_what_they_joined_until_they_leave() {
    let world = World::shared();
    let mut node = world.node();
    for listener in [3, 63] {
        node.ask(user(1), listener, None).await;
        assert!(node.answer().await.is_ok());
    }
    let both = Listeners(1 << 3 | 1 << 63);
    assert_eq!(
        both.iter().collect::<Vec<_>>(),
        [ListenerId(3), ListenerId(63)]
    );
    let first = world.send(user(1)).await;
    assert_eq!(node.next().await, Output::Event(both, first.into()));

    node.subscriber.leave(user(1), ListenerId(3)).await.unwrap();
    node.join(user(2)).await;
    let second = world.send(user(1)).await;
    assert_eq!(
        node.next().await,
        Output::Event(Listeners(1 << 63), second.into())
    );
    node.ask(user(1), 64, None).await;
    assert_eq!(node.answer().await, Err(JoinError::Unavailable));
}

#[tokio::test]
pub(super) async fn a_channel_that_nobody_wants_is_given_up_a_while_later() {
    let world = World::shared();
    let tuning = Tuning {
        linger: Duration::from_millis(100),
        ..Tuning::quick()
    };
    let mut node = Node::start(&world, &world.settings, tuning);
    let mut redis = world.redis().await;
    let stream = world.bus.names().stream(user(1));
    let mut subscribers = async || {
        let mut command = redis::cmd("PUBSUB");
        let (_, count): (String, u64) = command
            .arg("NUMSUB")
            .arg(&stream)
            .query_async(&mut redis)
            .await
            .unwrap();
        count
    };
    for round in 1..=3 {
        node.join(user(1)).await;
        assert_eq!(subscribers().await, 1);
        world.send(user(1)).await;
        node.hears(user(1), [round]).await;
        node.subscriber.leave(user(1), ListenerId(0)).await.unwrap();
        while subscribers().await > 0 {
            tokio::task::yield_now().await;
        }
    }
    drop(node.subscriber);
    node.task.await.unwrap();
}

#[tokio::test]
pub(super) async fn ephemeral_events_come_at_once_on_any_channel() {
    let world = World::shared();
    let mut node = world.node();
    let start = Start {
        position: None,
        replay: Replay::NotAsked,
    };
    assert_eq!(node.join(post(1)).await, start);
    assert_eq!(node.join(Channel::Broadcast).await, start);
    node.join(user(1)).await;
    // A hole in the durable stream that cannot be filled yet does not hold them up.
    world.log.set_available(false);
    world.send(user(1)).await;
    node.hears(user(1), [1]).await;
    world.log.commit(user(1));
    world.forget(user(1)).await;
    world.send(user(1)).await;
    let sent = [post(1), Channel::Broadcast, user(1)].map(|channel| event(channel, None));
    world.bus.publish(&sent).await.unwrap();
    // Channels may be on different servers, and have no order among them.
    for _ in &sent {
        let heard = node.next_event().await;
        assert!(sent.contains(&*heard), "{heard:?}");
    }
    assert!(node.is_quiet());
    world.log.set_available(true);
    node.hears(user(1), 2..=3).await;
}

#[tokio::test]
pub(super) async fn those_who_listen_are_told_when_something_is_gone_for_good() {
    let world = World::shared();
    let mut node = world.node();
    node.join(user(1)).await;
    world.send(user(1)).await;
    node.hears(user(1), [1]).await;
    world.log.commit_many(user(1), 5);
    world.log.expire(user(1), 4);
    world.forget(user(1)).await;
    world.send(user(1)).await;
    let at = |offset| Position {
        offset,
        ..world.log.head(user(1))
    };
    assert_eq!(
        node.next().await,
        Output::Lost(Listeners(1), user(1), at(6))
    );
    node.hears(user(1), [7]).await;
    assert_eq!(node.metric(r#"hubbub_bus_gaps_total{kind="unhealed"}"#), 1);
}

#[tokio::test]
pub(super) async fn another_life_of_the_log_is_told_and_followed() {
    let world = World::shared();
    let mut node = world.node();
    node.join(user(1)).await;
    world.send_many(user(1), 5).await;
    node.hears(user(1), 1..=5).await;
    world.log.restore(2);
    let before = world.log.head(user(1));
    world.send(user(1)).await;
    assert_eq!(
        node.next().await,
        Output::Lost(Listeners(1), user(1), before)
    );
    node.hears(user(1), [4]).await;
    let since = world.log.head(user(1));
    assert_eq!(
        node.join_since(user(1), since).await.replay,
        Replay::Nothing
    );
}

#[tokio::test]
pub(super) async fn an_asker_from_a_new_life_makes_a_node_look_it_up() {
    let world = World::shared();
    let mut node = world.node();
    node.join(user(1)).await;
    world.send_many(user(1), 5).await;
    node.hears(user(1), 1..=5).await;
    // Redis and the node still believe in the old life; the asker has read the new one's state.
    world.log.restore(2);
    let since = world.log.head(user(1));
    node.ask(user(1), 1, Some(since)).await;
    assert_eq!(
        node.next().await,
        Output::Lost(Listeners(1), user(1), since)
    );
    assert_eq!(node.answer().await.unwrap().replay, Replay::Nothing);
}

#[tokio::test]
pub(super) async fn a_stream_that_is_joined_while_events_flow_has_no_seam() {
    const LAST: Offset = 400;
    let world = World::shared();
    let publishing = async {
        for _ in 0..LAST {
            world.send(user(1)).await;
        }
    };
    let joining = async {
        for _ in 0..20 {
            let mut node = world.node();
            let start = node.join(user(1)).await.position.unwrap();
            node.hears(user(1), start.offset + 1..=LAST.min(start.offset + 5))
                .await;
        }
    };
    tokio::join!(publishing, joining);
}

/// A node that waits for the log to tell where a channel starts.
async fn opening_node(world: &World) -> Node {
    let node = world.node();
    node.ask(user(1), 0, None).await;
    eventually("the log is asked", async || world.log.heads_asked() == 1).await;
    node
}

/// Events that are newer than what the log will tell.
fn newer_events(world: &World) -> [Event; 2] {
    let head = world.log.head(user(1));
    [1, 2].map(|offset| event(user(1), Some(Position { offset, ..head })))
}

#[tokio::test]
pub(super) async fn events_that_come_before_the_head_is_known_are_kept_for_it() {
    let world = World::shared();
    let held = world.log.hold().await;
    let mut node = opening_node(&world).await;
    world.append(&newer_events(&world)).await;
    eventually("they arrive", async || {
        node.metric("hubbub_bus_messages_total") == 2
    })
    .await;
    drop(held);
    assert_eq!(node.answer().await.unwrap().position.unwrap().offset, 0);
    node.hears(user(1), 1..=2).await;
}

#[tokio::test]
pub(super) async fn so_is_word_of_a_head_that_was_moved() {
    let world = World::shared();
    let held = world.log.hold().await;
    let mut node = opening_node(&world).await;
    let events = newer_events(&world);
    let head = events[1].position.unwrap();
    world.bus.warm(user(1), head, &events).await.unwrap();
    eventually("it arrives", async || {
        node.metric("hubbub_bus_notices_total") == 1
    })
    .await;
    drop(held);
    assert_eq!(node.answer().await.unwrap().position.unwrap().offset, 0);
    node.hears(user(1), 1..=2).await;
}

//! The scripts: order, repeats, waiting, forgetting.

use super::{node::eventually, *};

#[tokio::test]
pub(super) async fn events_go_out_in_order_and_once() {
    let world = World::shared();
    let mut node = world.node();
    node.join(user(1)).await;
    let events = world.log.commit_many(user(1), 3);
    assert_eq!(world.append(&events).await, [Appended::Published; 3]);
    assert_eq!(world.append(&events).await, [Appended::Repeat; 3]);
    world.send(user(1)).await;
    node.hears(user(1), 1..=4).await;
    assert_eq!(world.head(user(1)).await, Some(world.log.head(user(1))));
}

#[tokio::test]
pub(super) async fn a_successor_waits_for_its_predecessor() {
    let world = World::shared();
    let mut node = world.node();
    node.join(user(1)).await;
    let events = world.log.commit_many(user(1), 5);
    world.append(&events[..1]).await;
    assert_eq!(
        world
            .append(&[events[3].clone(), events[2].clone(), events[3].clone()])
            .await,
        [Appended::Waiting; 3]
    );
    assert_eq!(world.append(&events[1..2]).await, [Appended::Published]);
    assert_eq!(world.append(&events[2..3]).await, [Appended::Repeat]);
    world.append(&events[4..]).await;
    node.hears(user(1), 1..=5).await;
    let start = Position {
        offset: 0,
        ..world.log.head(user(1))
    };
    assert_eq!(
        world.bus.tail(user(1), start, 5).await.unwrap(),
        Tail::Complete(events)
    );
}

#[tokio::test]
pub(super) async fn what_is_appended_together_has_outcomes_of_its_own() {
    let world = World::shared();
    // More than one call of the script takes.
    let people: Vec<Channel> = (1..=40).map(user).collect();
    let logs: Vec<Vec<Event>> = people
        .iter()
        .map(|person| world.log.commit_many(*person, 4))
        .collect();
    let nth = |n: usize| logs.iter().map(move |log| log[n].clone());
    let first: Vec<Event> = nth(0).collect();
    assert_eq!(world.append(&first).await, [Appended::Published; 40]);
    let ephemeral = event(user(1), None);
    let mixed: Vec<Event> = logs
        .iter()
        .flat_map(|log| [&log[0], &log[2], &ephemeral, &log[1], &log[3]].map(Event::clone))
        .collect();
    let each = [
        Appended::Repeat,
        Appended::Waiting,
        Appended::Refused,
        Appended::Published,
        Appended::Published,
    ];
    assert_eq!(world.append(&mixed).await, each.repeat(40));
    for (person, log) in people.iter().zip(logs) {
        let start = Position {
            offset: 0,
            ..world.log.head(*person)
        };
        let tail = world.bus.tail(*person, start, 4).await.unwrap();
        assert_eq!(tail, Tail::Complete(log));
    }
}

#[tokio::test]
pub(super) async fn a_channel_whose_keys_are_broken_holds_up_no_other() {
    let world = World::shared();
    let mut redis = world.redis().await;
    let [_, tail, ..] = world.bus.names().log(user(2));
    let mut set = redis::cmd("SET");
    let () = set
        .arg(&tail)
        .arg("what")
        .query_async(&mut redis)
        .await
        .unwrap();
    world.log.commit(user(2));
    let events: Vec<Event> = (1..=3)
        .map(|number| world.log.commit(user(number)))
        .collect();
    // The second of its channel: the first would have replaced what is there.
    let head = Position {
        offset: 1,
        ..events[1].position.unwrap()
    };
    let [head_key, ..] = world.bus.names().log(user(2));
    let mut set = redis::cmd("SET");
    let head = format!("{} {}", head.epoch, head.offset);
    let () = set
        .arg(&head_key)
        .arg(head)
        .query_async(&mut redis)
        .await
        .unwrap();
    assert!(world.bus.append(&events).await.is_err());
    for (number, offset) in [(1, 1), (2, 1), (3, 1)] {
        assert_eq!(world.head(user(number)).await.unwrap().offset, offset);
    }
    let () = redis::cmd("DEL")
        .arg(&tail)
        .query_async(&mut redis)
        .await
        .unwrap();
    let outcomes = world.append(&events).await;
    assert_eq!(
        outcomes,
        [Appended::Repeat, Appended::Published, Appended::Repeat]
    );
}

#[tokio::test]
pub(super) async fn pods_that_overtake_each_other_do_not_turn_the_order_round() {
    let world = World::shared();
    let mut node = world.node();
    node.join(user(1)).await;
    world.send(user(1)).await;
    let events = world.log.commit_many(user(1), 200);
    let pods: Vec<Bus> = (0..4).map(|_| Bus::new(&world.settings).unwrap()).collect();
    let publishing = pods.iter().enumerate().map(|(pod, bus)| {
        let own = events.iter().skip(pod).step_by(pods.len());
        async move {
            for event in own {
                bus.append(std::slice::from_ref(event)).await.unwrap();
            }
        }
    });
    futures_util::future::join_all(publishing).await;
    node.hears(user(1), 1..=201).await;
    // Where the script that orders does not publish, the node puts in order what overtook on the way.
    if world.settings.pubsub_url.is_none() {
        assert_eq!(node.metric(r#"hubbub_bus_gaps_total{kind="detected"}"#), 0);
    }
}

#[tokio::test]
pub(super) async fn only_so_many_wait() {
    let world = World::shared();
    world.send(user(1)).await;
    let events = world.log.commit_many(user(1), 258);
    let outcomes = world.append(&events[1..]).await;
    assert_eq!(outcomes[..256], [Appended::Waiting; 256]);
    assert_eq!(outcomes[256..], [Appended::Refused]);
    world.append(&events[..1]).await;
    assert_eq!(world.head(user(1)).await.unwrap().offset, 258);
    assert_eq!(world.append(&events[257..]).await, [Appended::Published]);
}

#[tokio::test]
pub(super) async fn an_empty_redis_takes_what_comes_first() {
    let world = World::shared();
    let events = world.log.commit_many(user(1), 9);
    assert_eq!(world.append(&events[6..7]).await, [Appended::Published]);
    assert_eq!(world.append(&events[5..6]).await, [Appended::Repeat]);
    assert_eq!(world.append(&events[7..]).await, [Appended::Published; 2]);
    let after = |offset| Position {
        offset,
        ..world.log.head(user(1))
    };
    assert_eq!(
        world.bus.tail(user(1), after(5), 9).await.unwrap(),
        Tail::TooShort
    );
    let all = Tail::Complete(events[6..].to_vec());
    assert_eq!(world.bus.tail(user(1), after(6), 9).await.unwrap(), all);
}

#[tokio::test]
pub(super) async fn a_new_life_of_the_log_replaces_the_old_one() {
    let world = World::shared();
    world.send_many(user(1), 3).await;
    let waiting = world.log.commit_many(user(1), 3);
    world.append(&waiting[1..]).await;
    let old = world.log.head(user(1));
    world.log.restore(4);
    let event = world.log.commit(user(1));
    assert_eq!(
        world.append(std::slice::from_ref(&event)).await,
        [Appended::Published]
    );
    assert_eq!(world.head(user(1)).await, event.position);
    let from = |epoch| Position { epoch, offset: 2 };
    assert_eq!(
        world.bus.tail(user(1), from(old.epoch), 3).await.unwrap(),
        Tail::TooShort
    );
    let only = Tail::Complete(vec![event.clone()]);
    let epoch = event.position.unwrap().epoch;
    assert_eq!(world.bus.tail(user(1), from(epoch), 3).await.unwrap(), only);
    // What waited in the old life does not come out in the new one.
    world.send_many(user(1), 2).await;
    assert_eq!(world.head(user(1)).await, Some(world.log.head(user(1))));
}

#[tokio::test]
pub(super) async fn the_tail_keeps_512_events_and_everything_ends_some_day() {
    let world = World::shared();
    world.send_many(user(1), 600).await;
    world.append(&world.log.commit_many(user(1), 2)[1..]).await;
    let after = |offset| Position {
        offset,
        ..world.log.head(user(1))
    };
    let tail = world.bus.tail(user(1), after(88), 600).await.unwrap();
    assert!(matches!(tail, Tail::Complete(events) if events.len() == 512));
    assert_eq!(
        world.bus.tail(user(1), after(87), 600).await.unwrap(),
        Tail::TooShort
    );
    assert_eq!(
        world.bus.tail(user(1), after(599), 601).await.unwrap(),
        Tail::TooShort
    );

    let [head, tail, waiting, ..] = world.bus.names().log(user(1));
    let mut redis = world.redis().await;
    for (key, seconds_max) in [(tail, 3600), (head, 25 * 3600), (waiting, 10)] {
        let left: i64 = redis::cmd("TTL")
            .arg(&key)
            .query_async(&mut redis)
            .await
            .unwrap();
        assert!(
            (seconds_max - 9..=seconds_max).contains(&left),
            "{key}: {left}"
        );
    }
}

#[tokio::test]
pub(super) async fn warming_fills_what_is_empty_and_never_hides_what_was_not_published() {
    let world = World::shared();
    let mut node = world.node();
    node.join(user(1)).await;
    let events = world.log.commit_many(user(1), 4);
    let head = |offset| Position {
        offset,
        ..events[0].position.unwrap()
    };
    let warm = async |offset: u64| {
        let events = &events[..usize::try_from(offset).unwrap()];
        world.bus.warm(user(1), head(offset), events).await.unwrap();
        world.head(user(1)).await
    };
    // The node's join has made the head known: the channel was empty then.
    assert_eq!(
        warm(2).await,
        Some(head(0)),
        "behind the log is the relay's business"
    );
    world.append(&events[..3]).await;
    assert_eq!(warm(2).await, Some(head(3)), "newer is left alone");
    let mut redis = world.redis().await;
    let tail = world.bus.names().tail(user(1));
    let () = redis::cmd("DEL")
        .arg(&tail)
        .query_async(&mut redis)
        .await
        .unwrap();
    assert_eq!(
        world.bus.tail(user(1), head(0), 3).await.unwrap(),
        Tail::TooShort
    );
    assert_eq!(warm(3).await, Some(head(3)));
    let all = Tail::Complete(events[..3].to_vec());
    assert_eq!(world.bus.tail(user(1), head(0), 3).await.unwrap(), all);
    node.hears(user(1), 1..=3).await;

    // A head that appears out of nothing is told to those who listen: nobody else will publish event 4 now.
    let key = world.bus.names().head(user(1));
    let () = redis::cmd("DEL")
        .arg(&key)
        .query_async(&mut redis)
        .await
        .unwrap();
    assert_eq!(warm(4).await, Some(head(4)));
    assert_eq!(world.append(&events[3..]).await, [Appended::Repeat]);
    node.hears(user(1), [4]).await;
}

#[tokio::test]
pub(super) async fn a_server_that_forgot_the_scripts_is_taught_them() {
    let server = RedisServer::start().await;
    let world = World::on(server.settings());
    world.send(user(1)).await;
    let mut redis = world.redis().await;
    let () = redis::cmd("SCRIPT")
        .arg("FLUSH")
        .query_async(&mut redis)
        .await
        .unwrap();
    world.send(user(1)).await;
    assert_eq!(world.head(user(1)).await.unwrap().offset, 2);
}

#[tokio::test]
pub(super) async fn marks_and_claims() {
    let bus = World::shared().bus;
    let names = ["a", "b", "c"].map(str::to_owned);
    let minute = Duration::from_mins(1);
    assert_eq!(bus.marks(&names).await.unwrap(), [false; 3]);
    bus.set_marks(&names[1..2], minute).await.unwrap();
    assert_eq!(bus.marks(&names).await.unwrap(), [false, true, false]);
    bus.set_marks(&names[2..], Duration::from_millis(20))
        .await
        .unwrap();
    eventually("a mark ends", async || !bus.marks(&names).await.unwrap()[2]).await;

    assert!(bus.claim("ticket", minute).await.unwrap());
    assert!(!bus.claim("ticket", minute).await.unwrap());
    assert!(bus.claim("other", minute).await.unwrap());
    assert_eq!(bus.marks(&["ticket".to_owned()]).await.unwrap(), [false]);
}

#[tokio::test]
pub(super) async fn marks_are_read_as_of_a_head_or_later() {
    let world = World::shared();
    let marks = ["a", "b"].map(str::to_owned);
    let ask = async || {
        let asked = world.bus.head_mirror_and_marks(("m", user(1)), &marks);
        asked.await.unwrap()
    };
    assert_eq!(ask().await, (None, None, [false, false]));
    world.send(user(1)).await;
    let head = world.log.head(user(1));
    let minute = Duration::from_mins(1);
    world.bus.set_marks(&marks[1..], minute).await.unwrap();
    assert_eq!(ask().await, (Some(head), None, [false, true]));
    let mirror = NewMirror {
        channel: user(1),
        at: head,
        text: "text".to_owned(),
    };
    world.bus.store_mirrors("m", &[mirror]).await.unwrap();
    let text = Some("text".to_owned());
    assert_eq!(ask().await, (Some(head), text, [false, true]));
}

#[tokio::test]
pub(super) async fn ephemeral_events_and_nothing_at_all_are_no_appends() {
    let world = World::shared();
    assert_eq!(
        world.append(&[event(user(1), None)]).await,
        [Appended::Refused]
    );
    assert_eq!(world.append(&[]).await, []);
    assert_eq!(world.bus.heads(&[]).await.unwrap(), []);
    assert_eq!(world.head(user(1)).await, None);
}

#[test]
fn a_url_that_is_none_is_a_configuration_error() {
    for url in ["", "nonsense", "http://127.0.0.1", "redis+ring://127.0.0.1"] {
        let settings = crate::config::RedisSettings {
            pubsub_url: None,
            ca_file: None,
            url: url.into(),
            prefix: String::new(),
            timeout: PATIENCE,
        };
        assert!(
            matches!(Bus::new(&settings), Err(BusError::Configuration(_))),
            "{url}"
        );
    }
}

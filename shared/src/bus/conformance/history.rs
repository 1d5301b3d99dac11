//! Ranges: from the tail, else from the log, once.

use futures_util::future::join_all;

use super::{node::eventually, *};

fn offsets(events: &[std::sync::Arc<Event>]) -> Vec<Offset> {
    events.iter().map(|event| event.offset().unwrap()).collect()
}

#[tokio::test]
pub(super) async fn a_range_comes_from_the_tail_when_it_is_there() {
    let world = World::shared();
    world.send_many(user(1), 10).await;
    let at = |offset| Position {
        offset,
        ..world.log.head(user(1))
    };
    let history = world.history();
    let found = history.range(user(1), at(4), 9).await.unwrap();
    assert_eq!(offsets(&found), [5, 6, 7, 8, 9]);
    assert_eq!(history.range(user(1), at(9), 9).await, Ok(vec![]));
    assert_eq!(world.log.reads(), 0);
}

#[tokio::test]
pub(super) async fn else_from_the_log_or_an_error_says_why_not() {
    let world = World::shared();
    world.log.commit_many(user(1), 1000);
    world.log.expire(user(1), 100);
    let at = |offset| Position {
        offset,
        ..world.log.head(user(1))
    };
    let history = world.history();
    let found = history.range(user(1), at(488), 1000).await.unwrap();
    assert_eq!(offsets(&found), (489..=1000).collect::<Vec<_>>());
    for (after, through, expected) in [
        (at(487), 1000, HistoryError::TooFar),
        (at(99), 200, HistoryError::Expired),
        (at(990), 1001, HistoryError::EpochChanged),
        (
            Position {
                epoch: Epoch::random(),
                offset: 990,
            },
            1000,
            HistoryError::EpochChanged,
        ),
    ] {
        assert_eq!(history.range(user(1), after, through).await, Err(expected));
    }
    world.log.set_available(false);
    let outcome = history.range(user(1), at(990), 1000).await;
    assert!(
        matches!(outcome, Err(HistoryError::Unavailable(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
pub(super) async fn a_thousand_readers_of_a_channel_read_its_log_once() {
    let world = World::shared();
    world.log.commit_many(user(1), 400);
    world.log.commit_many(user(2), 400);
    let at = |channel, offset| Position {
        offset,
        ..world.log.head(channel)
    };
    let history = world.history();
    let held = world.log.hold().await;
    let readers = join_all((0..1000).map(|reader| {
        let channel = user(1 + reader % 2);
        history.range(channel, at(channel, 10), 400)
    }));
    let release = async {
        eventually("all wait for the log", async || {
            history.readers(user(1)) + history.readers(user(2)) == 1000
        })
        .await;
        drop(held);
    };
    for found in tokio::join!(readers, release).0 {
        assert_eq!(offsets(&found.unwrap()), (11..=400).collect::<Vec<_>>());
    }
    assert_eq!(history.readers(user(1)) + history.readers(user(2)), 0);
    assert_eq!(world.log.reads(), 2);
}

#[tokio::test]
pub(super) async fn history_reads_the_log_while_redis_is_away() {
    let mut server = RedisServer::start().await;
    let world = World::on(server.settings());
    world.send_many(user(1), 10).await;
    server.kill();
    let at = |offset| Position {
        offset,
        ..world.log.head(user(1))
    };
    let found = world.history().range(user(1), at(4), 9).await.unwrap();
    assert_eq!(offsets(&found), [5, 6, 7, 8, 9]);
}

#[tokio::test]
pub(super) async fn those_who_waited_find_in_the_tail_what_the_first_brought_there() {
    let world = World::shared();
    let events = world.log.commit_many(user(1), 400);
    let at = |offset| Position {
        offset,
        ..world.log.head(user(1))
    };
    let history = world.history();
    let held = world.log.hold().await;
    let first = history.range(user(1), at(300), 400);
    let then = async {
        eventually("the first one reads", async || world.log.reads() == 1).await;
        // A longer range, so that what the first one finds is no answer to it.
        history.range(user(1), at(200), 400).await
    };
    let release = async {
        eventually("both wait", async || history.readers(user(1)) == 2).await;
        world.bus.warm(user(1), at(400), &events).await.unwrap();
        drop(held);
    };
    let (first, second, ()) = tokio::join!(first, then, release);
    assert_eq!(offsets(&first.unwrap()), (301..=400).collect::<Vec<_>>());
    assert_eq!(offsets(&second.unwrap()), (201..=400).collect::<Vec<_>>());
    assert_eq!(world.log.reads(), 1);
}

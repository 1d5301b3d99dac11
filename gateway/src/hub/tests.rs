use std::{io::IoSlice, sync::Arc};

use bytes::Bytes;
use shared::{
    bus::{Joined, ListenerId, Listeners, Replay, Start},
    testing::event,
    wire::{Channel, Class, Epoch, Position},
};

use super::{
    Delivery, Queue,
    inbox::{Hub, Message},
    queue::{Item, Pushed},
    state::Key,
    wheel::Wheel,
};
use crate::{
    codec::Encoded,
    session::{Path, Room},
};

const BOUND: Room = Room {
    frames: 4,
    bytes: 100,
};

fn item(text: &'static str, class: Class, key: Option<&str>) -> Item {
    let delivery = Delivery {
        class,
        path: Path::Live,
        committed_at_ms: 0,
    };
    Item {
        bytes: Bytes::from_static(text.as_bytes()),
        class,
        key: key.map(Into::into),
        delivery: Some(delivery),
    }
}

fn durable(text: &'static str) -> Item {
    item(text, Class::Durable, None)
}

fn state(text: &'static str, key: &str) -> Item {
    item(text, Class::State, Some(key))
}

fn chatter(text: &'static str) -> Item {
    item(text, Class::Chatter, None)
}

/// What is still to be written, joined.
fn rest(queue: &Queue) -> String {
    let mut slices = [IoSlice::new(&[]); 16];
    let count = queue.fill(&mut slices);
    let bytes: Vec<u8> = slices[..count]
        .iter()
        .flat_map(|slice| slice.iter().copied())
        .collect();
    String::from_utf8(bytes).unwrap()
}

/// Pushes the items in turn; what became of each, what had to go for them, and what is left to write.
fn check(items: &[Item], expected: &[Pushed], evicted: &[Class], left: &str) {
    let mut queue = Queue::default();
    let mut gone = Vec::new();
    for (item, expected) in items.iter().zip(expected) {
        let pushed = queue.push(item.clone(), BOUND, |class| gone.push(class));
        assert_eq!(pushed, *expected, "{item:?}");
    }
    assert_eq!(gone, evicted);
    assert_eq!(rest(&queue), left);
}

#[test]
fn each_class_gives_way_to_the_one_above_it() {
    use Pushed::{Dropped, Full, Queued, Replaced};

    check(
        &[
            durable("a"),
            durable("b"),
            durable("c"),
            durable("d"),
            durable("e"),
        ],
        &[Queued, Queued, Queued, Queued, Full],
        &[],
        "abcd",
    );
    // Chatter is kept out from half way on.
    check(
        &[chatter("1"), chatter("2"), chatter("3"), durable("a")],
        &[Queued, Queued, Dropped, Queued],
        &[],
        "12a",
    );
    // The newest of a key takes the place of the one before.
    check(
        &[
            state("s1", "s"),
            durable("a"),
            state("t1", "t"),
            state("s2", "s"),
        ],
        &[Queued, Queued, Queued, Replaced],
        &[],
        "s2at1",
    );
    // Chatter goes first, then state; what is durable stays.
    check(
        &[
            state("s", "s"),
            chatter("1"),
            durable("a"),
            durable("b"),
            durable("c"),
            durable("d"),
        ],
        &[Queued, Queued, Queued, Queued, Queued, Queued],
        &[Class::Chatter, Class::State],
        "abcd",
    );
    check(
        &[
            durable("a"),
            durable("b"),
            durable("c"),
            durable("d"),
            state("s", "s"),
            chatter("1"),
        ],
        &[Queued, Queued, Queued, Queued, Dropped, Dropped],
        &[],
        "abcd",
    );
}

#[test]
fn bytes_are_bounded_too() {
    const LARGE: &str = "0123456789012345678901234567890123456789012345678901234567890123456789";
    check(
        &[durable(LARGE), durable(LARGE)],
        &[Pushed::Queued, Pushed::Full],
        &[],
        LARGE,
    );
    check(
        &[chatter("1"), state(LARGE, "s"), durable(LARGE)],
        &[Pushed::Queued; 3],
        &[Class::Chatter, Class::State],
        LARGE,
    );
}

#[test]
fn a_frame_half_written_is_finished() {
    let mut queue = Queue::default();
    let mut done = 0;
    queue.push(state("state", "s"), BOUND, |_| ());
    queue.advance(2, |_| done += 1);
    assert_eq!((rest(&queue).as_str(), done), ("ate", 0));
    assert_eq!(
        queue.push(state("newer", "s"), BOUND, |_| ()),
        Pushed::Queued
    );
    for text in ["a", "b", "c"] {
        assert_eq!(queue.push(durable(text), BOUND, |_| ()), Pushed::Queued);
    }
    assert_eq!(
        rest(&queue),
        "ateabc",
        "the newer one made room, the begun one did not"
    );

    queue.push_last(Bytes::from_static(b"!"), true);
    assert_eq!(rest(&queue), "ate!");
    queue.advance(4, |_| done += 1);
    assert!(queue.is_empty());
    assert_eq!(done, 1);
    assert_eq!(queue.room(BOUND).bytes, BOUND.bytes);
}

#[test]
fn the_last_frame_comes_after_what_waits() {
    let mut queue = Queue::default();
    for text in ["a", "b", "c", "d"] {
        queue.push(durable(text), BOUND, |_| ());
    }
    queue.push_last(Bytes::from_static(b"!"), false);
    assert_eq!(rest(&queue), "abcd!");
}

#[test]
fn the_wheel_wakes_everybody_in_time_and_once() {
    let key = Key::from_token;
    let mut wheel = Wheel::new(500);
    for (name, at_ms) in [(1, 0), (2, 500), (3, 501), (4, 20_000), (5, u64::MAX)] {
        wheel.file(key(name), at_ms);
    }
    let mut woken = Vec::new();
    for now_ms in (0..=40_000).step_by(100) {
        while let Some(keys) = wheel.take(now_ms) {
            woken.extend(keys.into_iter().map(|key| (key.to_token(), now_ms)));
        }
    }
    // Whoever sleeps longer than a turn of the wheel is woken in between.
    let expected = [(1, 500), (2, 500), (3, 1000), (4, 20_000), (5, 31_500)];
    assert_eq!(woken, expected);
}

#[test]
fn a_late_wheel_catches_up() {
    let mut wheel = Wheel::new(500);
    for name in 1..=3 {
        wheel.file(Key::from_token(name), name * 10_000);
    }
    let mut woken = Vec::new();
    while let Some(keys) = wheel.take(3_600_000) {
        woken.extend(keys.into_iter().map(Key::to_token));
    }
    assert_eq!(woken, [1, 2, 3]);
}

fn channel(number: u64) -> Channel {
    format!("user:{number}").parse().unwrap()
}

fn position(offset: u64) -> Position {
    Position {
        epoch: Epoch::from_bits(1),
        offset,
    }
}

fn encoded(number: u64, offset: Option<u64>) -> Arc<Encoded> {
    let event = event(channel(number), offset.map(position));
    Arc::new(Encoded::new(Arc::new(event)).unwrap())
}

const FIRST: Listeners = Listeners(1);

#[tokio::test]
async fn a_full_inbox_loses_a_channel_whole_and_says_so() {
    let (hub, mut inboxes) = Hub::new(1);
    let mut inbox = inboxes.pop().unwrap();
    let mut taken = 0;
    while hub.offer(FIRST, &encoded(1, Some(taken + 1))) == 0 {
        taken += 1;
    }
    // An ephemeral event that is lost is lost; a join that cannot be answered is a loss of its channel.
    assert_eq!(hub.offer(FIRST, &encoded(2, None)), 1);
    let start = Start {
        position: None,
        replay: Replay::NotAsked,
    };
    let joined = Joined {
        channel: channel(3),
        token: 0,
        outcome: Ok(start),
    };
    hub.joined(ListenerId(0), joined);

    let mut messages = Vec::new();
    assert!(inbox.receive(&mut messages, 1).await == 1);
    // There is room again, but what comes now must not follow a hole.
    assert_eq!(hub.offer(FIRST, &encoded(1, Some(taken + 2))), 1);
    assert_eq!(hub.offer(FIRST, &encoded(4, Some(1))), 0);

    let mut missed: Vec<_> = inbox.take_missed().into_iter().collect();
    missed.sort();
    assert_eq!(missed, [channel(1), channel(3)]);
    assert!(inbox.take_missed().is_empty());
    assert!(inbox.receive(&mut messages, 1).await == 1);
    assert_eq!(hub.offer(FIRST, &encoded(1, Some(taken + 3))), 0);
    assert!(matches!(messages[0], Message::Event(_)));
}

#[test]
fn only_the_chosen_shards_hear() {
    let (hub, mut inboxes) = Hub::new(3);
    assert_eq!(hub.offer(Listeners(0b101), &encoded(1, None)), 0);
    let heard: Vec<bool> = inboxes.iter_mut().map(|inbox| !inbox.is_empty()).collect();
    assert_eq!(heard, [true, false, true]);
}

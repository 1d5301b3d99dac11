use std::io::IoSlice;

use bytes::Bytes;
use shared::wire::Class;

use super::{Delivery, Gone, Item, Pushed, Queue};
use crate::session::{Path, Room};

const BOUND: Room = Room {
    frames: 4,
    bytes: 100,
};

fn item(text: &'static str, class: Class, key: Option<&str>) -> Item {
    let delivery = Delivery {
        class,
        path: Path::Live,
        committed_at_ms: 0,
        traced: None,
        delivering: None,
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
        let pushed = queue.push(item.clone(), BOUND, |item, why| {
            if why == Gone::ForRoom {
                gone.push(item.class);
            }
        });
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
    queue.push(state("state", "s"), BOUND, |_, _| ());
    queue.advance(2, |_| done += 1);
    assert_eq!((rest(&queue).as_str(), done), ("ate", 0));
    assert_eq!(
        queue.push(state("newer", "s"), BOUND, |_, _| ()),
        Pushed::Queued
    );
    for text in ["a", "b", "c"] {
        assert_eq!(queue.push(durable(text), BOUND, |_, _| ()), Pushed::Queued);
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
        queue.push(durable(text), BOUND, |_, _| ());
    }
    queue.push_last(Bytes::from_static(b"!"), false);
    assert_eq!(rest(&queue), "abcd!");
}

use std::{
    cell::Cell,
    io::{self, ErrorKind, IoSlice, Write},
};

use bytes::Bytes;
use proptest::prelude::*;
use shared::wire::Class;

use super::{Delivery, Gone, Item, Pushed, Queue, Written, write};
use crate::{
    codec::Frame,
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
        traced: None,
        delivering: None,
    };
    Item {
        bytes: Bytes::from_static(text.as_bytes()),
        class,
        key: key.map(Into::into),
        tells_presence: false,
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

/// Else one that grows would put everything behind it out of the queue's bound.
#[test]
fn a_newer_state_has_no_more_room_than_another() {
    const FORTY: &str = "0123456789012345678901234567890123456789";
    const SIXTY: &str = "012345678901234567890123456789012345678901234567890123456789";
    check(
        &[
            state("s1", "s"),
            chatter(FORTY),
            durable(FORTY),
            state(SIXTY, "s"),
        ],
        &[
            Pushed::Queued,
            Pushed::Queued,
            Pushed::Queued,
            Pushed::Replaced,
        ],
        &[Class::Chatter],
        &[SIXTY, FORTY].concat(),
    );
    // It is dropped where the one before, which is newer than what the client has, can stay.
    check(
        &[state("s1", "s"), durable(SIXTY), state(SIXTY, "s")],
        &[Pushed::Queued, Pushed::Queued, Pushed::Dropped],
        &[],
        &["s1", SIXTY].concat(),
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

/// Takes so many bytes, and then no more.
struct Narrow<'a> {
    taken: &'a mut Vec<u8>,
    left: &'a Cell<usize>,
}

impl Write for Narrow<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let offered = slices.iter().flat_map(|slice| slice.iter().copied());
        let before = self.taken.len();
        self.taken.extend(offered.take(self.left.get()));
        let count = self.taken.len() - before;
        self.left.set(self.left.get() - count);
        if count == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The texts of the frames that were written, one after the other.
fn texts(mut bytes: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while let [first, length, ..] = *bytes {
        assert_eq!(first, 0x81, "whole texts");
        let (header, length) = match length {
            126 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
            short => (2, usize::from(short)),
        };
        let text = bytes[header..header + length].to_vec();
        texts.push(String::from_utf8(text).unwrap());
        bytes = &bytes[header + length..];
    }
    texts
}

fn framed(text: &str, class: Class, key: Option<&str>) -> Item {
    Item {
        bytes: Frame::text(text.as_bytes()).bytes().clone(),
        ..item("", class, key)
    }
}

const WIDE: Room = Room {
    frames: 1000,
    bytes: 1_000_000,
};

#[test]
fn what_is_on_its_way_in_a_message_is_neither_dropped_nor_replaced() {
    let (mut queue, mut taken, left) = (Queue::default(), Vec::new(), Cell::new(1));
    let put = |queue: &mut Queue, item| queue.push(item, WIDE, |_, _| ());
    for text in ["a", "b"] {
        put(&mut queue, framed(text, Class::Durable, None));
    }
    put(&mut queue, framed("s1", Class::State, Some("s")));
    let mut write = |queue: &mut Queue, bytes| {
        left.set(bytes);
        let narrow = Narrow {
            taken: &mut taken,
            left: &left,
        };
        let written = write(narrow, queue, true, |_| ());
        (written, texts_if_whole(queue, &taken))
    };
    let (blocked, _) = write(&mut queue, 1);
    assert_eq!(blocked.0, Written::Blocked);
    let pushed = put(&mut queue, framed("s2", Class::State, Some("s")));
    assert_eq!(pushed, Pushed::Queued, "the older one is on its way");
    queue.push_last(Frame::text(b"!").bytes().clone(), true);
    assert_eq!(
        queue.waiting(),
        (4, 8 + 3 - 1),
        "s2 is gone, the message is not"
    );
    let ((written, sent), said) = write(&mut queue, usize::MAX);
    assert_eq!((written, sent.frames), (Written::Everything, 2));
    assert_eq!(said, ["a\nb\ns1", "!"]);
}

fn texts_if_whole(queue: &Queue, taken: &[u8]) -> Vec<String> {
    if queue.is_empty() {
        texts(taken)
    } else {
        Vec::new()
    }
}

proptest! {
    /// However little the socket takes at a time: every object goes out once, in order, and nothing between messages.
    #[test]
    fn messages_of_several_objects_are_whole(
        steps in prop::collection::vec((0..6usize, 0..200usize), 1..60),
        size in 0..300usize,
    ) {
        let (mut queue, mut taken) = (Queue::default(), Vec::new());
        let (mut expected, mut done, mut frames, mut bytes) = (Vec::new(), 0, 0, 0);
        for (count, room) in steps.into_iter().chain([(0, usize::MAX)]) {
            for _ in 0..count {
                let text = format!("{}{}", expected.len(), "x".repeat(size));
                queue.push(framed(&text, Class::Durable, None), WIDE, |_, _| ());
                expected.push(text);
            }
            let left = Cell::new(room);
            let narrow = Narrow { taken: &mut taken, left: &left };
            let (_, sent) = write(narrow, &mut queue, true, |_| done += 1);
            frames += sent.frames;
            bytes += sent.bytes;
            let (_, waiting) = queue.waiting();
            prop_assert_eq!(WIDE.bytes - queue.room(WIDE).bytes >= waiting, true);
        }
        prop_assert!(queue.is_empty());
        prop_assert_eq!(queue.room(WIDE).bytes, WIDE.bytes);
        let messages = texts(&taken);
        prop_assert_eq!((messages.len(), taken.len(), expected.len()), (frames, bytes, done));
        let objects: Vec<&str> = messages.iter().flat_map(|text| text.split('\n')).collect();
        prop_assert_eq!(objects, expected);
    }
}

//! All that was asked for, or nothing.

use bytes::Bytes;
use proptest::prelude::*;
use shared::{
    ids::UserId,
    testing::event,
    wire::{Class, Epoch},
};

use super::*;

fn channel(number: i64) -> Channel {
    Channel::User(UserId::new(number).unwrap())
}

fn at(epoch: u64, offset: Offset) -> Position {
    Position {
        epoch: Epoch::from_bits(epoch),
        offset,
    }
}

fn said(number: i64, position: Position, bytes: usize) -> Arc<Encoded> {
    let mut event = event(channel(number), Some(position));
    event.class = Class::Durable;
    event.body = Bytes::from(format!("{{{}}}", " ".repeat(bytes)));
    Arc::new(Encoded::new(Arc::new(event)).unwrap())
}

fn offsets(found: Option<Vec<Arc<Encoded>>>) -> Option<Vec<Offset>> {
    let offset = |encoded: &Arc<Encoded>| encoded.event.offset().unwrap();
    found.map(|events| events.iter().map(offset).collect())
}

#[tokio::test]
async fn a_range_is_whole_or_is_not_there() {
    let ring = Ring::default();
    for offset in 5..=9 {
        ring.keep(&said(1, at(1, offset), 0));
    }
    for (what, number, after, through, expected) in [
        ("all", 1, at(1, 4), 9, Some(vec![5, 6, 7, 8, 9])),
        ("the end", 1, at(1, 7), 9, Some(vec![8, 9])),
        ("the middle", 1, at(1, 5), 7, Some(vec![6, 7])),
        ("nothing was missed", 1, at(1, 9), 9, Some(vec![])),
        ("one too early", 1, at(1, 3), 9, None),
        ("one too late", 1, at(1, 7), 10, None),
        ("another life", 1, at(2, 7), 9, None),
        ("backwards", 1, at(1, 8), 6, None),
        (
            "the largest offset",
            1,
            at(1, Offset::MAX - 1),
            Offset::MAX - 1,
            None,
        ),
        ("somebody else", 2, at(1, 7), 9, None),
    ] {
        let found = ring.range(channel(number), after, through);
        assert_eq!(offsets(found), expected, "{what}");
    }
}

#[tokio::test]
async fn what_is_old_or_too_much_goes() {
    let ring = Ring::default();
    ring.keep(&said(1, at(1, 1), 0));
    let later = Instant::now() + KEPT;
    let mut kept = ring.0.lock().unwrap();
    kept.push(&said(2, at(1, 1), 0), at(1, 1), later);
    kept.forget(later);
    drop(kept);
    assert_eq!(offsets(ring.range(channel(1), at(1, 0), 1)), None);
    assert_eq!(offsets(ring.range(channel(2), at(1, 0), 1)), Some(vec![1]));

    let ring = Ring::default();
    let large = BYTES_MAX / 8;
    for offset in 1..=9 {
        ring.keep(&said(3, at(1, offset), large));
    }
    let kept = ring.0.lock().unwrap();
    assert!(kept.bytes <= BYTES_MAX, "{}", kept.bytes);
    assert_eq!(
        kept.channels.len(),
        1,
        "what nobody needs is gone with its last event"
    );
    assert_eq!(kept.order.len(), kept.channels[&channel(3)].len());
    drop(kept);
    assert_eq!(offsets(ring.range(channel(3), at(1, 8), 9)), Some(vec![9]));

    for offset in 1..=2 * EVENTS_MAX as u64 {
        ring.keep(&said(4, at(1, offset), 0));
    }
    let all = ring.0.lock().unwrap().channels[&channel(4)].len();
    assert_eq!(all, EVENTS_MAX);
}

#[tokio::test]
async fn what_is_young_outlives_what_its_channel_forgot_before() {
    let ring = Ring::default();
    let (early, late) = (Instant::now(), Instant::now() + KEPT / 2);
    let mut kept = ring.0.lock().unwrap();
    kept.push(&said(1, at(1, 1), 0), at(1, 1), early);
    // After a hole, so the first is forgotten by its channel, and not yet in the order of all.
    kept.push(&said(1, at(1, 3), 0), at(1, 3), late);
    kept.forget(early + KEPT);
    drop(kept);
    assert_eq!(offsets(ring.range(channel(1), at(1, 2), 3)), Some(vec![3]));
}

proptest! {
    /// Whatever comes in whatever order: what is given is what was asked for, without a hole.
    #[test]
    fn no_range_has_a_hole(
        steps in prop::collection::vec((1..3i64, 1..3u64, 1..20u64), 1..200),
        after in 0..20u64,
        through in 0..20u64,
    ) {
        let ring = Ring::default();
        for (number, epoch, offset) in steps {
            ring.keep(&said(number, at(epoch, offset), 0));
        }
        for (number, epoch) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
            let found = ring.range(channel(number), at(epoch, after), through);
            let Some(events) = found else { continue };
            let positions: Vec<_> = events.iter().map(|e| e.event.position.unwrap()).collect();
            let expected: Vec<_> = (after + 1..=through).map(|offset| at(epoch, offset)).collect();
            prop_assert_eq!(positions, expected);
        }
    }
}

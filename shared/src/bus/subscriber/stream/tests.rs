use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{
    ids::{EventId, UserId},
    wire::{Channel, Class, Epoch},
};

fn at(epoch: u64, offset: Offset) -> Position {
    Position {
        epoch: Epoch::from_bits(epoch),
        offset,
    }
}

fn event(epoch: u64, offset: Offset) -> Arc<Event> {
    Arc::new(Event {
        channel: Channel::User(UserId::new(1).unwrap()),
        position: Some(at(epoch, offset)),
        id: EventId::new(1).unwrap(),
        class: Class::Durable,
        control: false,
        kind: "test".into(),
        key: None,
        committed_at_ms: 0,
        trace: None,
        body: Bytes::new(),
    })
}

fn events(epoch: u64, offsets: impl IntoIterator<Item = Offset>) -> Vec<Arc<Event>> {
    offsets
        .into_iter()
        .map(|offset| event(epoch, offset))
        .collect()
}

/// What happens to a stream that stands at 10 in epoch 1.
enum Input {
    Event(u64, Offset),
    Head(u64, Offset),
    CatchUp,
    Fetched(Offset, Vec<Offset>),
    Gone(Offset),
    Retry,
}
use Input::{CatchUp, Event as Live, Fetched, Gone as Missing, Head, Retry};

/// Steps, short enough for a table: `+11` delivered, `?10-12` fetch, `!1:12` lost.
fn run(inputs: Vec<Input>) -> String {
    let (mut stream, _) = Opening::default().start(at(1, 10));
    let mut steps = Vec::new();
    for input in inputs {
        match input {
            Live(epoch, offset) => {
                stream.event(at(epoch, offset), event(epoch, offset), &mut steps);
            }
            Head(epoch, offset) => stream.head(at(epoch, offset), &mut steps),
            CatchUp => stream.catch_up(&mut steps),
            Fetched(after, offsets) => {
                stream.fetched(at(1, after), Ok(events(1, offsets)), &mut steps);
            }
            Missing(after) => stream.fetched(at(1, after), Err(Gone), &mut steps),
            Retry => stream.retry(&mut steps),
        }
    }
    let words = steps.iter().map(|step| match step {
        Step::Deliver(event) => format!("+{}", event.offset().unwrap()),
        Step::Fetch { after, through } => format!("?{}-{through}", after.offset),
        Step::Lost(to) => format!("!{}:{}", u64::from(to.epoch == at(1, 0).epoch), to.offset),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn check(cases: Vec<(&str, Vec<Input>, &str)>) {
    for (what, inputs, expected) in cases {
        assert_eq!(run(inputs), expected, "{what}");
    }
}

#[test]
fn holes_are_asked_for_and_filled() {
    check(vec![
        ("in order", vec![Live(1, 11), Live(1, 12)], "+11 +12"),
        (
            "repeats",
            vec![Live(1, 9), Live(1, 11), Live(1, 11), Live(1, 10)],
            "+11",
        ),
        (
            "a hole is asked for once",
            vec![Live(1, 13), Live(1, 14)],
            "?10-12",
        ),
        (
            "and filled",
            vec![
                Live(1, 13),
                Live(1, 14),
                Fetched(10, vec![11, 12]),
                Live(1, 15),
            ],
            "?10-12 +11 +12 +13 +14 +15",
        ),
        (
            "or closes by itself",
            vec![Live(1, 12), Live(1, 11), Fetched(10, vec![11])],
            "?10-11 +11 +12",
        ),
        (
            "one hole behind another",
            vec![Live(1, 12), Live(1, 14), Fetched(10, vec![11])],
            "?10-11 +11 +12 ?12-13",
        ),
        (
            "a failed fetch is tried again when told",
            vec![Live(1, 12), Live(1, 13), Retry],
            "?10-11 ?10-11",
        ),
        (
            "a head that is known already",
            vec![Head(1, 10), CatchUp, Head(1, 7), CatchUp],
            "",
        ),
        (
            "a head that events overtake",
            vec![Head(1, 12), Live(1, 11), Live(1, 12), CatchUp],
            "+11 +12",
        ),
        (
            "a head without events",
            vec![Head(1, 12), CatchUp, CatchUp, Fetched(10, vec![11, 12])],
            "?10-12 +11 +12",
        ),
        (
            "far behind, page by page",
            vec![Head(1, 200), CatchUp, Fetched(10, (11..=138).collect())],
            &format!(
                "?10-138 {} ?138-200",
                (11..=138)
                    .map(|n| format!("+{n}"))
                    .collect::<Vec<_>>()
                    .join(" ")
            ),
        ),
    ]);
}

#[test]
fn what_is_gone_is_told_and_left_behind() {
    check(vec![
        (
            "expired",
            vec![Live(1, 13), Missing(10), Live(1, 14)],
            "?10-12 !1:12 +13 +14",
        ),
        (
            "expired, all of it",
            vec![Head(1, 900), CatchUp, Missing(10)],
            "?10-138 !1:900",
        ),
        (
            "another epoch by an event",
            vec![Live(1, 11), Live(2, 5), Live(2, 6)],
            "+11 !0:4 +5 +6",
        ),
        ("its first event", vec![Live(2, 1)], "!0:0 +1"),
        (
            "another epoch by a head",
            vec![Head(2, 7), Live(2, 8)],
            "!0:7 +8",
        ),
        (
            "what was held or under way belongs to the old epoch",
            vec![
                Live(1, 13),
                Live(2, 5),
                Fetched(10, vec![11, 12]),
                Live(2, 6),
            ],
            "?10-12 !0:4 +5 +6",
        ),
        (
            "a hole in the new epoch while the old one is being fetched",
            vec![Live(1, 13), Live(2, 5), Live(2, 7), Missing(10)],
            "?10-12 !0:4 +5 ?5-6",
        ),
        (
            "the end of numbers",
            vec![Live(1, u64::MAX), Missing(10), Live(1, u64::MAX)],
            "?10-138 !1:18446744073709551614 +18446744073709551615",
        ),
    ]);
}

#[test]
fn an_opening_stream_holds_events_and_drops_the_oldest_first() {
    let mut opening = Opening::default();
    for event in events(1, 1..=600) {
        opening.event(event);
    }
    opening.notice(at(1, 600));
    let (stream, meanwhile) = opening.start(at(1, 599));
    assert_eq!(stream.position(), at(1, 599));
    assert_eq!(meanwhile.noticed, Some(at(1, 600)));
    assert_eq!(meanwhile.events.len(), HELD_EVENTS_MAX);
    assert_eq!(meanwhile.events.back().unwrap().offset(), Some(600));
}

#[test]
fn what_is_held_is_bounded_and_what_is_dropped_is_fetched() {
    let (mut stream, _) = Opening::default().start(at(1, 0));
    let mut steps = Vec::new();
    for offset in 2..=2000 {
        stream.event(at(1, offset), event(1, offset), &mut steps);
    }
    assert_eq!(stream.held.len(), HELD_EVENTS_MAX);
    assert_eq!(
        settle(&mut stream, steps, 2000),
        (1..=2000).collect::<Vec<_>>()
    );
}

/// Answers every fetch from a log that ends at `head`; the offsets that were delivered.
fn settle(stream: &mut Stream, steps: Vec<Step>, head: Offset) -> Vec<Offset> {
    let mut delivered = Vec::new();
    let mut todo = VecDeque::from(steps);
    while let Some(step) = todo.pop_front() {
        match step {
            Step::Deliver(event) => delivered.push(event.offset().unwrap()),
            Step::Lost(_) => panic!("nothing is lost here"),
            Step::Fetch { after, through } => {
                assert!(after.offset < through && through <= head);
                let found = events(1, after.offset + 1..=through);
                let mut more = Vec::new();
                stream.fetched(after, Ok(found), &mut more);
                todo.extend(more);
            }
        }
    }
    delivered
}

#[derive(Debug, Clone)]
enum Chance {
    /// The network delivers this event: early, late, twice or never.
    Deliver(Offset),
    /// Somebody says how far the log goes.
    Head(Offset),
    CatchUp,
    /// The fetch that waits comes back with what was asked for.
    Answer,
    /// It fails and is tried again.
    Fail,
}

fn chances(head: Offset) -> impl Strategy<Value = Vec<Chance>> {
    let one = prop_oneof![
        6 => (1..=head).prop_map(Chance::Deliver),
        1 => (0..=head).prop_map(Chance::Head),
        1 => Just(Chance::CatchUp),
        2 => Just(Chance::Answer),
        1 => Just(Chance::Fail),
    ];
    proptest::collection::vec(one, 0..200)
}

proptest! {
    /// Duplicates, reorderings, losses, failures: what comes out is 1 to n, in order, each once.
    #[test]
    fn the_output_is_the_log(chances in chances(40)) {
        let (mut stream, _) = Opening::default().start(at(1, 0));
        let mut delivered = Vec::new();
        let mut fetch = None;
        let mut steps = Vec::new();
        for chance in chances {
            match chance {
                Chance::Deliver(offset) => stream.event(at(1, offset), event(1, offset), &mut steps),
                Chance::Head(offset) => stream.head(at(1, offset), &mut steps),
                Chance::CatchUp => stream.catch_up(&mut steps),
                Chance::Answer => if let Some((after, through)) = fetch.take() {
                    let found: Position = after;
                    stream.fetched(found, Ok(events(1, found.offset + 1..=through)), &mut steps);
                },
                Chance::Fail => if fetch.take().is_some() { stream.retry(&mut steps) },
            }
            for step in steps.drain(..) {
                match step {
                    Step::Deliver(event) => delivered.push(event.offset().unwrap()),
                    Step::Fetch { after, through } => {
                        prop_assert!(fetch.is_none(), "one fetch at a time");
                        prop_assert!(after.offset < through);
                        fetch = Some((after, through));
                    }
                    Step::Lost(_) => prop_assert!(false, "nothing is lost here"),
                }
            }
        }
        stream.head(at(1, 40), &mut steps);
        match fetch {
            Some((after, through)) => stream.fetched(after, Ok(events(1, after.offset + 1..=through)), &mut steps),
            None => stream.catch_up(&mut steps),
        }
        delivered.extend(settle(&mut stream, steps, 40));
        prop_assert_eq!(delivered, (1..=40).collect::<Vec<_>>());
        prop_assert!(!stream.is_behind());
    }
}

//! The table, step by step.

use std::time::Duration;

use shared::{
    connections::Name,
    ids::{ConversationId, UserId},
};
use tokio::time::Instant;

use super::table::{Ended, Table};
use crate::reach::Reach;

fn user(number: i64) -> UserId {
    UserId::new(number).unwrap()
}

fn place(number: i64) -> Reach {
    Reach {
        to: Some(user(number)),
        conversation_id: Some(ConversationId::new(number).unwrap()),
        group_id: None,
    }
}

fn ended(reach: Reach) -> Vec<Ended> {
    let person = user(1);
    vec![Ended { person, reach }]
}

/// At these milliseconds, a start or a stop; whether it is told.
#[test]
fn one_start_in_two_seconds_goes_on() {
    enum Step {
        Start,
        Stop,
        Sent,
    }
    use Step::{Sent, Start, Stop};
    for (what, steps) in [
        (
            "repeats",
            vec![
                (0, Start, true),
                (500, Start, false),
                (1999, Start, false),
                (2000, Start, true),
                (2001, Start, false),
            ],
        ),
        (
            "an end is told once",
            vec![(0, Start, true), (10, Stop, true), (20, Stop, false)],
        ),
        (
            "back and forth",
            vec![
                (0, Start, true),
                (10, Stop, true),
                (20, Start, false),
                (30, Stop, false),
                (2000, Start, true),
            ],
        ),
        ("an end without a start", vec![(0, Stop, false)]),
        (
            "a message ends it",
            vec![(0, Start, true), (10, Sent, true), (20, Stop, false)],
        ),
    ] {
        let start = Instant::now();
        let name = Name::random();
        let mut table = Table::default();
        for (at_ms, step, expected) in steps {
            let now = start + Duration::from_millis(at_ms);
            let told = match step {
                Start => table.start(user(1), name, place(2), now),
                Stop => table.stop(user(1), place(2)),
                Sent => {
                    let any = table.end_of(user(1), |typing| typing.reach == place(2));
                    any && table.take_ended(now) == ended(place(2))
                }
            };
            assert_eq!(told, expected, "{what} at {at_ms}");
        }
    }
}

#[test]
fn a_start_ends_by_itself() {
    let start = Instant::now();
    let mut table = Table::default();
    table.start(user(1), Name::random(), place(2), start);
    assert_eq!(table.take_ended(start + Duration::from_millis(5999)), []);
    let then = start + Duration::from_secs(6);
    assert_eq!(table.take_ended(then), ended(place(2)));
    assert_eq!(table.take_ended(then), []);
    assert!(table.is_empty());
}

#[test]
fn what_ended_is_forgotten_when_the_next_start_may_go_on() {
    let start = Instant::now();
    let mut table = Table::default();
    table.start(user(1), Name::random(), place(2), start);
    table.stop(user(1), place(2));
    table.take_ended(start + Duration::from_secs(1));
    assert!(!table.is_empty());
    table.take_ended(start + Duration::from_secs(2));
    assert!(table.is_empty());
}

#[test]
fn a_connection_ends_what_it_started_and_nothing_else() {
    let start = Instant::now();
    let mut table = Table::default();
    let (phone, desk) = (Name::random(), Name::random());
    table.start(user(1), phone, place(2), start);
    table.start(user(1), desk, place(3), start);
    table.start(user(4), phone, place(2), start);
    assert!(table.end_of(user(1), |typing| typing.connection == phone));
    assert_eq!(table.take_ended(start), ended(place(2)));
}

#[test]
fn places_are_bounded() {
    let start = Instant::now();
    let mut table = Table::default();
    for number in 2..=18 {
        assert!(table.start(user(1), Name::random(), place(number), start));
    }
    assert!(!table.stop(user(1), place(2)), "the oldest made room");
    assert!(table.stop(user(1), place(18)));
}

//! Which answers count, and how long.

use std::sync::Arc;

use bytes::Bytes;
use shared::{
    ids::EventId,
    wire::{Class, Epoch, Event, Position, kind},
};

use super::*;

fn user(number: i64) -> UserId {
    UserId::new(number).unwrap()
}

fn group(number: i64) -> GroupId {
    GroupId::new(number).unwrap()
}

fn control(channel: Channel, kind: &str, data: &str) -> Encoded {
    Encoded::new(Arc::new(Event {
        channel,
        position: Some(Position {
            epoch: Epoch::from_bits(1),
            offset: 1,
        }),
        id: EventId::new(9).unwrap(),
        class: Class::Durable,
        control: true,
        kind: kind.into(),
        key: None,
        committed_at_ms: 0,
        trace: None,
        body: Bytes::from(format!(r#"{{"data":{data}}}"#)),
    }))
    .unwrap()
}

fn left(channel: Channel, who: i64) -> Encoded {
    let data = format!(r#"{{"group_id":9,"user_id":{who},"change":"left","version":2,"since":1}}"#);
    control(channel, kind::MEMBERSHIP_CHANGED, &data)
}

fn known() -> Reach {
    Reach {
        to: Some(user(2)),
        conversation_id: None,
        group_id: None,
    }
}

/// What person 1 was told about this target a moment ago.
fn book(target: Target, outcome: Result<Reach, Box<Problem>>, given_at: Instant) -> ReachBook {
    let book = ReachBook::default();
    let given_under = book.stamps.snapshot(user(1), target);
    let answer = Answer {
        outcome,
        given_under,
        given_at,
    };
    book.remember((user(1), target), answer);
    book
}

fn counts(book: &ReachBook, target: Target, now: Instant, nobody_can_be_asked: bool) -> bool {
    let under = book.stamps.snapshot(user(1), target);
    let question = (user(1), target);
    book.recall(question, under, now, nobody_can_be_asked)
        .is_some()
}

#[test]
fn an_answer_counts_until_something_happens_that_could_change_it() {
    let (me, other) = (Channel::User(user(1)), Channel::User(user(2)));
    let the_group_s = Channel::Group(group(9));
    let call = Target::Call(user(2));
    let in_group = Target::Group(group(9));
    let of_mine = Target::Conversation(ConversationId::new(3).unwrap());
    for (what, target, event, still_counts) in [
        (
            "a block",
            of_mine,
            control(me, kind::ACCESS_CHANGED, "{}"),
            false,
        ),
        (
            "somebody else's block",
            of_mine,
            control(other, kind::ACCESS_CHANGED, "{}"),
            true,
        ),
        ("one's removal", in_group, left(me, 1), false),
        (
            "one's removal, as the group tells it",
            in_group,
            left(the_group_s, 1),
            false,
        ),
        (
            "another's removal, for the group",
            in_group,
            left(the_group_s, 2),
            true,
        ),
        (
            "another's removal, for a call",
            call,
            left(the_group_s, 2),
            false,
        ),
        (
            "the group's end",
            in_group,
            control(the_group_s, kind::GROUP_DELETED, r#"{"group_id":9}"#),
            false,
        ),
        (
            "the other account's end",
            call,
            control(
                Channel::Broadcast,
                kind::ACCOUNT_CHANGED,
                r#"{"user_id":2}"#,
            ),
            false,
        ),
    ] {
        let now = Instant::now();
        let book = book(target, Ok(known()), now);
        assert!(counts(&book, target, now, false), "{what}");
        book.on_event(&event);
        for nobody_can_be_asked in [false, true] {
            let counts = counts(&book, target, now, nobody_can_be_asked);
            assert_eq!(counts, still_counts, "{what}");
        }
    }
}

#[test]
fn what_was_known_before_a_channel_was_heard_does_not_count() {
    let (me, another) = (Channel::User(user(1)), Channel::User(user(3)));
    let the_group_s = Channel::Group(group(9));
    for (channel, counts_after_a_join, counts_after_a_gap) in [
        (me, false, false),
        (another, true, true),
        // Who joins it has joined their own.
        (the_group_s, true, false),
        (Channel::Broadcast, true, false),
    ] {
        let target = Target::Person(user(2));
        let now = Instant::now();
        let book = book(target, Ok(known()), now);
        book.on_joined(channel);
        let still_counts = counts(&book, target, now, true);
        assert_eq!(still_counts, counts_after_a_join, "{channel}");
        let book = self::book(target, Ok(known()), now);
        book.on_gap(channel);
        let still_counts = counts(&book, target, now, true);
        assert_eq!(still_counts, counts_after_a_gap, "{channel}");
    }
}

#[test]
fn answers_grow_old_and_older_while_nobody_can_be_asked() {
    let refused = || Err(Box::new(Problem::new(Code::NotFound, "no")));
    for (outcome, seconds, asked_anew, kept) in [
        (Ok(known()), 59, false, true),
        (Ok(known()), 60, true, true),
        (Ok(known()), 599, true, true),
        (Ok(known()), 600, true, false),
        (refused(), 9, false, true),
        (refused(), 10, true, true),
    ] {
        let target = Target::Person(user(2));
        let given_at = Instant::now();
        let book = book(target, outcome, given_at);
        let now = given_at + Duration::from_secs(seconds);
        assert_eq!(counts(&book, target, now, false), !asked_anew, "{seconds}");
        assert_eq!(counts(&book, target, now, true), kept, "{seconds}");
    }
}

#[test]
fn a_full_book_starts_over() {
    let now = Instant::now();
    let book = ReachBook::default();
    for number in 1..=i64::try_from(ANSWERS_MAX).unwrap() + 1 {
        let target = Target::Person(user(number));
        let answer = Answer {
            outcome: Ok(known()),
            given_under: book.stamps.snapshot(user(1), target),
            given_at: now,
        };
        book.remember((user(1), target), answer);
    }
    assert_eq!(book.lock().len(), 1);
}

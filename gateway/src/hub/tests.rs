mod connections;

use std::sync::Arc;

use shared::{
    bus::{Joined, ListenerId, Listeners, Replay, Start},
    testing::event,
    wire::{Channel, Epoch, Position},
};

use super::{
    entries::Key,
    inbox::{Hub, Message},
    wheel::Wheel,
};
use crate::codec::Encoded;

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
    // An ephemeral event that is lost is lost; a join that cannot be answered is its asker's loss.
    assert_eq!(hub.offer(FIRST, &encoded(2, None)), 1);
    let start = Start {
        position: None,
        replay: Replay::NotAsked,
    };
    let joined = Joined {
        channel: channel(3),
        token: 7,
        outcome: Ok(start),
    };
    hub.joined(ListenerId(0), joined);

    let mut messages = Vec::new();
    assert!(inbox.receive(&mut messages, 1).await == 1);
    // There is room again, but what comes now must not follow a hole.
    assert_eq!(hub.offer(FIRST, &encoded(1, Some(taken + 2))), 1);
    assert_eq!(hub.offer(FIRST, &encoded(4, Some(1))), 0);

    let missed = inbox.take_missed().unwrap();
    assert_eq!(missed.channels, [channel(1)].into());
    assert_eq!(missed.tokens, [7].into());
    assert!(inbox.take_missed().is_none());
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

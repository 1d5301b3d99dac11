//! A log-in that ends between the look at its credentials and the moment from which its person's channel is heard, or in
//! something that was lost on it.

use super::*;

const RESUME: &str = r#"{"user:1":{"epoch":"0000000000000001","offset":7}}"#;

fn checked_at(resume: &str, checked_at: Option<Position>) -> Script {
    let mut introduction = introduction(resume);
    introduction.at_the_door.at = checked_at;
    let mut script = Script::introduced(introduction, settings());
    script.joined(Channel::Broadcast, None, Replay::NotAsked);
    script.wants();
    script
}

fn range(after: u64) -> Replay {
    Replay::Range {
        after: at(after),
        through: 10,
    }
}

fn ended(offset: u64) -> Arc<Encoded> {
    let mut event = event_of(Class::Durable, Some(offset));
    event.kind = kind::SESSION_REVOKED.into();
    event.control = true;
    event.body = Bytes::from_static(br#"{"timestamp":0,"data":{"session_id":2}}"#);
    encoded(event)
}

/// Joined at offset 10.
#[test]
fn whoever_may_have_missed_the_end_asks() {
    let another_life = Position {
        epoch: Epoch::from_bits(2),
        offset: 10,
    };
    for (what, resume, checked, replay, expected) in [
        (
            "nothing was said",
            "{}",
            Some(at(10)),
            Replay::NotAsked,
            false,
        ),
        ("we are behind", "{}", Some(at(11)), Replay::NotAsked, false),
        (
            "something was said",
            "{}",
            Some(at(9)),
            Replay::NotAsked,
            true,
        ),
        ("nobody knows", "{}", None, Replay::NotAsked, true),
        (
            "another log",
            "{}",
            Some(another_life),
            Replay::NotAsked,
            true,
        ),
        ("the replay shows it", RESUME, Some(at(8)), range(7), false),
        (
            "it begins at the door",
            RESUME,
            Some(at(7)),
            range(7),
            false,
        ),
        ("it begins too late", RESUME, Some(at(6)), range(7), true),
        (
            "nothing is replayed",
            RESUME,
            Some(at(9)),
            Replay::Nothing,
            true,
        ),
        (
            "none can be",
            RESUME,
            Some(at(9)),
            Replay::EpochChanged,
            true,
        ),
    ] {
        let mut script = checked_at(resume, checked);
        script.joined(me(), Some(10), replay);
        let asks = script.wants().lines().any(|line| line == "verify");
        assert_eq!(asks, expected, "{what}");
    }
}

#[test]
fn there_is_no_welcome_before_the_answer() {
    for (standing, expected) in [
        (Standing::Revoked, "close 4004"),
        (Standing::Unknown, "close 4204 after 1000"),
        (Standing::Stands, "send {\"type\":\"welcome\""),
    ] {
        let mut script = checked_at("{}", Some(at(9)));
        script.joined(me(), Some(10), Replay::NotAsked);
        assert_eq!(script.wants(), "verify");
        script
            .session
            .on_standing(standing, script.now, &mut script.effects);
        let wants = script.wants();
        assert!(wants.starts_with(expected), "{standing:?}: {wants}");
    }
}

#[test]
fn a_replay_that_cannot_be_read_shows_nothing() {
    let mut script = checked_at(RESUME, Some(at(9)));
    script.joined(me(), Some(10), range(7));
    assert_eq!(script.wants(), "read user:1 7..10");
    script.read(Err(HistoryError::TooFar));
    assert_eq!(script.wants(), "verify");
}

#[test]
fn an_end_in_the_replay_and_one_that_comes_meanwhile_are_ends() {
    let mut script = checked_at(RESUME, Some(at(9)));
    script.joined(me(), Some(10), range(7));
    script.wants();
    script.read(Ok(vec![durable(8), durable(9), ended(10)]));
    assert_eq!(script.wants(), "close 4004");

    let mut script = checked_at("{}", Some(at(9)));
    script.joined(me(), Some(10), Replay::NotAsked);
    script.wants();
    script.event(&ended(11));
    assert_eq!(script.wants(), "close 4004");
}

#[test]
fn whoever_has_lost_something_asks() {
    for (standing, expected) in [
        (Standing::Revoked, "close 4004"),
        (Standing::Unknown, "close 4202"),
        (Standing::Stands, ""),
    ] {
        let mut script = Script::active();
        script.session.on_lost(me(), at(90), &mut script.effects);
        assert!(script.wants().starts_with("verify\n"), "{standing:?}");
        script
            .session
            .on_standing(standing, script.now, &mut script.effects);
        assert_eq!(script.wants(), expected, "{standing:?}");
    }
}

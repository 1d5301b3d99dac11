//! How much waits for a connection that catches up.

use super::*;

#[test]
fn what_is_held_is_bounded() {
    let mut script = Script::open("{}");
    script.joined(me(), Some(10), Replay::NotAsked);
    script.effects.clear();
    for offset in 11..=14 {
        script.event(&durable(offset));
    }
    assert_eq!(script.wants(), "");
    script.event(&durable(15));
    assert_eq!(script.wants(), "close 4201");
}

#[test]
fn what_is_held_is_bounded_for_all_channels_together() {
    let mut script = Script::open("{}");
    script.groups = Some(vec![9]);
    script.joined(Channel::Broadcast, None, Replay::NotAsked);
    script.joined(me(), Some(10), Replay::NotAsked);
    let range = Replay::Range {
        after: at(39),
        through: 40,
    };
    script.joined(group(9), Some(40), range);
    script.effects.clear();
    for event in [durable(11), durable(12), said(group(9), 41), durable(13)] {
        script.event(&event);
    }
    assert_eq!(script.wants(), "");
    script.event(&said(group(9), 42));
    assert_eq!(script.wants(), "close 4201");
}

#[test]
fn what_has_gone_out_is_held_no_more() {
    let mut script = Script::open(r#"{"user:1":{"epoch":"0000000000000001","offset":9}}"#);
    let range = Replay::Range {
        after: at(9),
        through: 10,
    };
    script.joined(Channel::Broadcast, None, Replay::NotAsked);
    script.joined(me(), Some(10), range);
    for offset in 11..=14 {
        script.event(&durable(offset));
    }
    script.read(Ok(vec![durable(10)]));
    script.effects.clear();
    for offset in 15..=30 {
        let room = Room {
            frames: 1,
            bytes: 1000,
        };
        script.session.on_room(room, &mut script.effects);
        script.event(&durable(offset));
        let expected = format!("deliver {} resume", offset - 3);
        assert_eq!(script.wants(), expected);
    }
}

#[test]
fn what_was_missed_is_replayed_up_to_so_much_for_all_channels_together() {
    let resume = r#"{"user:1":{"epoch":"0000000000000001","offset":9},"group:9":{"epoch":"0000000000000001","offset":39}}"#;
    let range = |after, through| Replay::Range {
        after: at(after),
        through,
    };
    let replay_bytes_max = durable(10).weight();
    let settings = Settings {
        replay_bytes_max,
        ..settings()
    };
    let mut script = Script::open_with(resume, settings);
    script.groups = Some(vec![9]);
    script.joined(Channel::Broadcast, None, Replay::NotAsked);
    script.joined(me(), Some(10), range(9, 10));
    script.read(Ok(vec![durable(10)]));
    script.joined(group(9), Some(40), range(39, 40));
    script.effects.clear();
    let read = Ok(vec![said(group(9), 40)]);
    script
        .session
        .on_history(group(9), read, script.now, &mut script.effects);
    let wants = script.wants();
    for part in [
        r#""user:1":{"epoch":"0000000000000001","offset":9,"recovered":true}"#,
        r#""group:9":{"epoch":"0000000000000001","offset":40,"recovered":false,"reason":"too_far"}"#,
    ] {
        assert!(wants.contains(part), "{part} in {wants}");
    }
    // Once that has gone out, there is room again.
    let sync = r#"{"type":"sync","ref":1,"channels":{"group:9":{"epoch":"0000000000000001","offset":39}}}"#;
    script.says(sync);
    script.effects.clear();
    let read = Ok(vec![said(group(9), 40)]);
    script
        .session
        .on_history(group(9), read, script.now, &mut script.effects);
    assert!(script.wants().ends_with("deliver 40 resume"));
}

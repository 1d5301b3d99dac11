//! The channels of the person's groups: joined before `welcome`, and as memberships change.

use super::*;

#[test]
fn groups_that_were_read_before_will_do_if_nothing_came_in_between() {
    for (read_at, joined_at, expected) in [
        (at(10), 10, "join group:7"),
        (at(9), 10, "memberships since 10\nverify"),
    ] {
        let mut introduction = introduction("{}");
        introduction.at_the_door.memberships = Some(memberships(5, &[7]));
        introduction.at_the_door.at = Some(read_at);
        let mut script = Script::introduced(introduction, settings());
        script.groups = None;
        script.joined(Channel::Broadcast, None, Replay::NotAsked);
        script.wants();
        script.joined(me(), Some(joined_at), Replay::NotAsked);
        assert_eq!(script.wants(), expected, "read at {read_at:?}");
    }
}

#[test]
fn groups_are_read_after_the_person_s_channel_is_heard_and_joined_before_welcome() {
    let resume = r#"{"user:1":{"epoch":"0000000000000001","offset":10},"group:9":{"epoch":"0000000000000001","offset":30}}"#;
    let mut script = Script::open(resume);
    script.groups = None;
    script.wants();
    script.joined(Channel::Broadcast, None, Replay::NotAsked);
    script.joined(me(), Some(10), Replay::Nothing);
    assert_eq!(script.wants(), "memberships since 10");
    // Heard meanwhile, and not in what is about to be read.
    script.event(&changed(me(), 11, "joined", 6));
    script.memberships(5, &[7]);
    assert_eq!(script.wants(), "join group:7\njoin group:9 since 30");
    script.joined(group(7), Some(3), Replay::NotAsked);
    let missed = Replay::Range {
        after: at(30),
        through: 31,
    };
    script.joined(group(9), Some(31), missed);
    assert_eq!(script.wants(), "read group:9 30..31");
    script.session.on_history(
        group(9),
        Ok(vec![said(group(9), 31)]),
        script.now,
        &mut script.effects,
    );
    let wants = script.wants();
    for part in [
        r#""group:7":{"epoch":"0000000000000001","offset":3}"#,
        r#""group:9":{"epoch":"0000000000000001","offset":30,"recovered":true}"#,
        "\nlisten\ndeliver 11 resume\ndeliver 31 resume",
    ] {
        assert!(wants.contains(part), "{part} in {wants}");
    }
}

#[test]
fn a_removal_while_the_groups_are_joined_counts_before_welcome() {
    let mut script = Script::open("{}");
    script.groups = Some(vec![9]);
    script.joined(me(), Some(10), Replay::NotAsked);
    script.joined(Channel::Broadcast, None, Replay::NotAsked);
    script.event(&changed(me(), 11, "left", 6));
    script.wants();
    script.joined(group(9), Some(41), Replay::NotAsked);
    let wants = script.wants();
    assert!(wants.starts_with("leave group:9\n"), "{wants}");
    assert!(!wants.contains(r#""group:9""#), "{wants}");
    script.event(&said(group(9), 42));
    assert_eq!(script.wants(), "");
}

#[test]
fn without_memberships_there_is_no_welcome() {
    let mut script = Script::open("{}");
    script.groups = None;
    script.joined(Channel::Broadcast, None, Replay::NotAsked);
    script.joined(me(), Some(10), Replay::NotAsked);
    script.wants();
    let unknown = Err(MembershipsUnknown("asleep".to_owned()));
    script
        .session
        .on_memberships(unknown, script.now, &mut script.effects);
    assert_eq!(script.wants(), "close 4204 after 1000");
}

#[test]
fn whoever_is_removed_hears_nothing_from_behind_the_removal_on() {
    for (told_by, offset) in [(group(9), 42), (me(), 11)] {
        let mut script = Script::in_a_group();
        script.event(&said(group(9), 41));
        assert_eq!(script.wants(), "deliver 41 live");
        script.event(&changed(told_by, offset, "left", 6));
        let expected = format!(
            "deliver {offset} live\nleave group:9\nsend {{\"type\":\"channels\",\"data\":{{\"left\":[\"group:9\"]}}}}"
        );
        assert_eq!(script.wants(), expected);
        script.event(&said(group(9), 43));
        assert_eq!(script.wants(), "");
    }
}

#[test]
fn whoever_joins_hears_what_was_said_since() {
    let mut script = Script::active();
    script.event(&changed(me(), 11, "joined", 6));
    assert_eq!(script.wants(), "deliver 11 live\njoin group:9 since 40");
    let missed = Replay::Range {
        after: at(40),
        through: 42,
    };
    script.joined(group(9), Some(42), missed);
    script.event(&said(group(9), 43));
    assert_eq!(
        script.wants(),
        "send {\"type\":\"channels\",\"data\":{\"joined\":{\"group:9\":{\"epoch\":\"0000000000000001\",\"offset\":40}}}}\n\
         read group:9 40..42"
    );
    let missed = vec![said(group(9), 41), said(group(9), 42)];
    script
        .session
        .on_history(group(9), Ok(missed), script.now, &mut script.effects);
    assert_eq!(
        script.wants(),
        "deliver 41 resume\ndeliver 42 resume",
        "half a queue at once"
    );
    let room = Room {
        frames: 4,
        bytes: 1000,
    };
    script.session.on_room(room, &mut script.effects);
    assert_eq!(script.wants(), "deliver 43 resume");
    script.event(&said(group(9), 44));
    assert_eq!(script.wants(), "deliver 44 live");
}

#[test]
fn lost_changes_are_read_anew() {
    let mut script = Script::in_a_group();
    script.session.on_lost(me(), at(90), &mut script.effects);
    assert!(script.wants().starts_with("verify\nmemberships since 90\n"));
    script.memberships(8, &[7]);
    assert_eq!(
        script.wants(),
        "leave group:9\nsend {\"type\":\"channels\",\"data\":{\"left\":[\"group:9\"]}}\njoin group:7"
    );
    script.event(&changed(me(), 91, "joined", 8));
    assert_eq!(script.wants(), "deliver 91 live", "counted in before");
}

#[test]
fn an_answer_that_was_overtaken_is_asked_for_again() {
    let mut script = Script::in_a_group();
    script.session.on_lost(me(), at(90), &mut script.effects);
    script.event(&changed(me(), 91, "left", 9));
    script.wants();
    // As of before, and of before what was lost, too.
    script.memberships(8, &[9]);
    assert_eq!(script.wants(), "memberships since 91");
    script.memberships(9, &[7]);
    assert_eq!(script.wants(), "join group:7");
}

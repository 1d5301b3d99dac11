//! Removed from a group while what was missed in it is on its way.

use super::*;

fn the_group_s() -> Channel {
    Channel::Group(GroupId::new(9).unwrap())
}

fn said(offset: u64) -> Arc<Encoded> {
    let mut event = event_of(Class::Durable, Some(offset));
    event.channel = the_group_s();
    encoded(event)
}

/// My removal, as the group tells it.
fn removed(offset: u64) -> Arc<Encoded> {
    let mut event = event_of(Class::Durable, Some(offset));
    event.channel = the_group_s();
    event.kind = kind::MEMBERSHIP_CHANGED.into();
    event.control = true;
    event.body = Bytes::from_static(
        br#"{"data":{"group_id":9,"user_id":1,"change":"left","version":6,"since":1}}"#,
    );
    encoded(event)
}

/// Coming back to the group from offset 3, with everything up to 6 still to be read.
fn coming_back() -> Script {
    let mut script = Script::open(r#"{"group:9":{"epoch":"0000000000000001","offset":3}}"#);
    script.groups = Some(vec![9]);
    script.joined(Channel::Broadcast, None, Replay::NotAsked);
    script.joined(me(), Some(10), Replay::NotAsked);
    let range = Replay::Range {
        after: at(3),
        through: 6,
    };
    script.joined(the_group_s(), Some(6), range);
    assert!(script.wants().ends_with("read group:9 3..6"));
    script
}

fn read(script: &mut Script, events: Vec<Arc<Encoded>>) {
    let now = script.now;
    script
        .session
        .on_history(the_group_s(), Ok(events), now, &mut script.effects);
}

#[test]
fn a_replay_ends_with_the_removal_that_is_in_it() {
    let mut script = coming_back();
    read(&mut script, vec![said(4), removed(5), said(6)]);
    let wants = script.wants();
    let after_welcome = wants.split_once("listen\n").unwrap().1;
    insta::assert_snapshot!(after_welcome, @r#"
    deliver 4 resume
    deliver 5 resume
    leave group:9
    send {"type":"channels","data":{"left":["group:9"]}}
    "#);
    script.event(&said(7));
    assert_eq!(script.wants(), "");
}

#[test]
fn what_waits_for_room_is_dropped_with_the_removal_that_is_told_meanwhile() {
    let mut script = coming_back();
    read(&mut script, vec![said(4), said(5), said(6)]);
    assert!(
        script
            .wants()
            .ends_with("deliver 4 resume\ndeliver 5 resume")
    );
    // The queue is full; the person's own channel tells of the removal.
    let mut event = (*removed(11).event).clone();
    event.channel = me();
    script.event(&encoded(event));
    insta::assert_snapshot!(script.wants(), @r#"
    deliver 11 live
    leave group:9
    send {"type":"channels","data":{"left":["group:9"]}}
    "#);
    let room = Room {
        frames: 4,
        bytes: 1000,
    };
    script.session.on_room(room, &mut script.effects);
    assert_eq!(script.wants(), "");
}

#[test]
fn commands_are_counted_by_name_and_end() {
    let mut script = Script::active();
    let counted = |script: &mut Script| {
        let lines = script.effects.drain(..).map(|effect| line(&effect));
        let counted = lines.filter_map(|line| line.strip_prefix("did ").map(str::to_owned));
        counted.collect::<Vec<_>>()
    };
    for (frame, expected) in [
        (r#"{"type":"ping"}"#, "ping ok"),
        ("nonsense", "none refused"),
        (
            r#"{"type":"sync","channels":{"user:7":{}}}"#,
            "sync refused",
        ),
        (r#"{"type":"leave_post","post_id":1}"#, "leave_post ok"),
        (r#"{"type":"leave_post"}"#, "leave_post refused"),
    ] {
        script.says(frame);
        assert_eq!(counted(&mut script), [expected], "{frame}");
    }
    script.says(r#"{"type":"join_post","post_id":1}"#);
    for _ in 0..70 {
        script.says(r#"{"type":"made_up"}"#);
    }
    let refused = counted(&mut script);
    assert_eq!(refused, vec!["other rate_limited"; 6]);
}

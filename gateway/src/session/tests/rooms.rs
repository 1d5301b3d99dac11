//! Live rooms of posts: who is let in, who stays, and what is heard meanwhile.

use shared::{ids::PostId, wire::Command};

use super::*;
use crate::session::{Entrance, Hidden, RoomsSeen, RoomsUnknown};

fn post(number: i64) -> PostId {
    PostId::new(number).unwrap()
}

fn room(number: i64) -> Channel {
    Channel::Post(post(number))
}

fn user(number: i64) -> UserId {
    UserId::new(number).unwrap()
}

/// What is said in a room, by somebody.
fn said(number: i64, author: i64, kind: &str) -> Arc<Encoded> {
    let mut event = event_of(Class::State, None);
    event.channel = room(number);
    event.kind = kind.into();
    event.body = format!(r#"{{"from_user_id":{author},"data":{{}}}}"#).into();
    encoded(event)
}

/// Word to gateways.
fn word(channel: Channel, kind: &str, data: &str) -> Arc<Encoded> {
    let mut event = event_of(Class::State, None);
    event.channel = channel;
    event.kind = kind.into();
    event.control = true;
    event.body = format!(r#"{{"data":{data}}}"#).into();
    encoded(event)
}

fn access_changed(offset: u64) -> Arc<Encoded> {
    let mut event = event_of(Class::Durable, Some(offset));
    event.kind = kind::ACCESS_CHANGED.into();
    event.control = true;
    event.body = Bytes::from_static(br#"{"data":{}}"#);
    encoded(event)
}

fn hidden(people: &[i64]) -> Hidden {
    Hidden::new(Some(people.iter().map(|person| user(*person)).collect()))
}

/// By author 7; person 30 is hidden.
fn entrance(group: Option<i64>) -> Answer {
    entrance_by(7, group)
}

fn entrance_by(author: i64, group: Option<i64>) -> Answer {
    Answer::Entered(Box::new(Entrance {
        author: user(author),
        group: group.map(|group| GroupId::new(group).unwrap()),
        hidden: hidden(&[30]),
        counts: serde_json::value::to_raw_value(&serde_json::json!({"like_count": 3})).unwrap(),
    }))
}

impl Script {
    fn joins(&mut self, number: i64) {
        self.says(&format!(
            r#"{{"type":"join_post","ref":1,"post_id":{number}}}"#
        ));
    }

    /// The answer to its question lets it in, and is older than what was taken from somebody since.
    fn is_let_in_and_doubted(&mut self) {
        self.event(&access_changed(11));
        self.event(&said(5, 8, "meanwhile"));
        self.effects.clear();
        self.replies(entrance(None));
        insta::allow_duplicates! {
            insta::assert_snapshot!(self.wants(), @r#"
            send {"type":"ack","ref":1,"data":{"like_count":3}}
            check 5 for 5000
            "#);
        }
    }

    fn replies(&mut self, answer: Answer) {
        let frame = Bytes::from_static(br#"{"type":"x","ref":1}"#);
        let reference = Command::parse(frame).unwrap().reference;
        self.session
            .on_answer(reference.as_ref(), answer, &mut self.effects);
    }

    fn is_in(&mut self, number: i64, group: Option<i64>) {
        self.is_in_by(number, 7, group);
    }

    fn is_in_by(&mut self, number: i64, author: i64, group: Option<i64>) {
        self.joins(number);
        self.joined(room(number), None, Replay::NotAsked);
        self.replies(entrance_by(author, group));
        self.effects.clear();
    }

    fn in_room() -> Self {
        let mut script = Self::active();
        script.is_in(5, None);
        script
    }

    fn checked(&mut self, posts: &[i64]) {
        let seen = RoomsSeen {
            posts: posts.iter().map(|number| post(*number)).collect(),
            hidden: hidden(&[30]),
        };
        self.session.on_rooms_checked(Ok(seen), &mut self.effects);
    }

    fn unchecked(&mut self) {
        self.session
            .on_rooms_checked(Err(RoomsUnknown), &mut self.effects);
    }
}

fn problem(code: Code) -> Answer {
    Answer::Problem(Problem::new(code, "no"))
}

#[test]
fn a_room_is_heard_first_and_asked_about_second() {
    let mut script = Script::active();
    script.joins(5);
    assert_eq!(script.wants(), "join post:5");
    // Whether this is for it is not known yet.
    script.event(&said(5, 8, "new_comment"));
    script.joined(room(5), None, Replay::NotAsked);
    assert_eq!(script.wants(), "run join_post");
    script.event(&said(5, 30, "hidden_comment"));
    script.event(&said(5, 8, "second_comment"));
    assert_eq!(script.wants(), "");
    script.replies(entrance(None));
    insta::assert_snapshot!(script.wants(), @r#"
    send {"type":"ack","ref":1,"data":{"like_count":3}}
    deliver new_comment live
    deliver second_comment live
    "#);
    script.event(&said(5, 30, "hidden_comment"));
    script.event(&said(5, 8, "third_comment"));
    assert_eq!(script.wants(), "deliver third_comment live");
}

#[test]
fn who_may_not_come_in_hears_nothing() {
    for (answer, code) in [
        (problem(Code::NotFound), "not_found"),
        (problem(Code::Unavailable), "unavailable"),
    ] {
        let mut script = Script::active();
        script.joins(5);
        script.joined(room(5), None, Replay::NotAsked);
        script.event(&said(5, 8, "new_comment"));
        script.effects.clear();
        script.replies(answer);
        let wants = script.wants();
        assert!(wants.starts_with("leave post:5\nsend"), "{wants}");
        assert!(wants.contains(code), "{wants}");
        script.event(&said(5, 8, "new_comment"));
        assert_eq!(script.wants(), "");
    }
}

#[test]
fn commands_keep_their_order_around_a_room_that_is_entered() {
    let mut script = Script::active();
    script.joins(5);
    script.says(r#"{"type":"leave_post","ref":1,"post_id":5}"#);
    script.says(r#"{"type":"leave_post","ref":1,"post_id":6}"#);
    script.says(r#"{"type":"private","ref":1,"to":2}"#);
    script.joined(room(5), None, Replay::NotAsked);
    script.effects.clear();
    script.replies(entrance(None));
    insta::assert_snapshot!(script.wants(), @r#"
    send {"type":"ack","ref":1,"data":{"like_count":3}}
    leave post:5
    send {"type":"ack","ref":1,"data":{"post_id":5}}
    send {"type":"ack","ref":1,"data":{"post_id":6}}
    run private
    "#);
}

#[test]
fn a_room_s_channel_that_cannot_be_heard_is_a_refusal() {
    let mut script = Script::active();
    script.joins(5);
    script.effects.clear();
    script.session.on_joined(
        room(5),
        Err(JoinError::Unavailable),
        script.now,
        &mut script.effects,
    );
    insta::assert_snapshot!(script.wants(), @r#"
    leave post:5
    send {"type":"error","ref":1,"code":"unavailable","message":"The room cannot be entered now","retryable":true,"retry_after_ms":1000}
    "#);
    script.joins(5);
    assert_eq!(script.wants(), "join post:5");
}

#[test]
fn a_room_that_one_is_in_is_asked_about_again_and_goes_on() {
    let mut script = Script::in_room();
    script.joins(5);
    assert_eq!(script.wants(), "run join_post");
    script.event(&said(5, 8, "new_comment"));
    assert_eq!(script.wants(), "deliver new_comment live");
    script.replies(problem(Code::Unavailable));
    assert!(!script.wants().contains("leave"));
    script.joins(5);
    script.effects.clear();
    script.replies(problem(Code::NotFound));
    assert!(script.wants().starts_with("leave post:5"));
}

#[test]
fn what_is_held_of_a_room_outlives_its_being_entered_anew() {
    // The answer is newer than the doubt, and settles it.
    let mut script = Script::in_room();
    script.event(&access_changed(11));
    script.event(&said(5, 8, "meanwhile"));
    script.joins(5);
    script.event(&said(5, 30, "hidden"));
    script.effects.clear();
    script.replies(entrance(None));
    insta::assert_snapshot!(script.wants(), @r#"
    send {"type":"ack","ref":1,"data":{"like_count":3}}
    deliver meanwhile live
    "#);

    // The doubt is newer than the question.
    let mut script = Script::in_room();
    script.joins(5);
    script.is_let_in_and_doubted();
    script.checked(&[5]);
    assert_eq!(script.wants(), "deliver meanwhile live");
}

#[test]
fn rooms_are_bounded() {
    let mut script = Script::active();
    for number in 1..=32 {
        script.is_in(number, None);
    }
    script.joins(33);
    assert!(script.wants().contains("too_many_rooms"));
    script.joins(32);
    assert_eq!(script.wants(), "run join_post");
}

/// Something was taken from somebody: nothing is heard until it is known from whom.
#[test]
fn a_room_that_was_taken_is_silent_until_it_is_known() {
    let account_changed = |account| {
        let data = format!(r#"{{"user_id":{account}}}"#);
        word(Channel::Broadcast, kind::ACCOUNT_CHANGED, &data)
    };
    for taking in [access_changed(11), account_changed(7)] {
        for (may_stay, expected) in [
            (true, "deliver meanwhile live\ndeliver after live"),
            (
                false,
                "leave post:5\nsend {\"type\":\"left_post\",\"data\":{\"post_id\":5,\"reason\":\"no_access\"}}",
            ),
        ] {
            let mut script = Script::in_room();
            script.event(&taking);
            let wants = script.wants();
            assert!(wants.ends_with("check 5 for 5000"), "{wants}");
            assert!(!wants.contains("account_changed"), "it is for gateways");
            script.event(&said(5, 8, "meanwhile"));
            script.event(&said(5, 30, "hidden"));
            assert_eq!(script.wants(), "");
            script.checked(if may_stay { &[5] } else { &[] });
            script.event(&said(5, 8, "after"));
            assert_eq!(script.wants(), expected);
        }
    }
    let mut script = Script::in_room();
    script.event(&account_changed(8));
    assert_eq!(script.wants(), "", "somebody else's account");
}

#[test]
fn a_room_that_nobody_can_be_asked_about_is_left() {
    let mut script = Script::in_room();
    script.event(&access_changed(11));
    script.effects.clear();
    script.event(&said(5, 8, "meanwhile"));
    script.unchecked();
    insta::assert_snapshot!(script.wants(), @r#"
    leave post:5
    send {"type":"left_post","data":{"post_id":5,"reason":"unavailable"}}
    "#);
}

#[test]
fn more_than_is_held_is_a_room_left() {
    let mut script = Script::in_room();
    script.event(&access_changed(11));
    script.effects.clear();
    for _ in 0..64 {
        script.event(&said(5, 8, "meanwhile"));
    }
    assert_eq!(script.wants(), "");
    script.event(&said(5, 8, "meanwhile"));
    assert!(script.wants().contains("unavailable"));
}

#[test]
fn a_room_of_which_something_may_have_been_missed_goes_on() {
    for (channel, expected) in [
        (room(5), "check 5 for 300000"),
        (room(6), ""),
        (Channel::Broadcast, "check 5 for 300000"),
    ] {
        let mut script = Script::in_room();
        script.session.on_interrupted(channel, &mut script.effects);
        assert_eq!(script.wants(), expected);
        script.event(&said(5, 8, "meanwhile"));
        assert_eq!(script.wants(), "deliver meanwhile live");
    }
}

#[test]
fn patience_is_counted_from_the_first_doubt() {
    let mut script = Script::in_room();
    script.after(1);
    script.effects.clear();
    script.session.on_interrupted(room(5), &mut script.effects);
    assert_eq!(script.wants(), "check 5 for 300000");
    for _ in 0..4 {
        script.session.on_heard(script.now);
        script.after(25);
    }
    script.effects.clear();
    script.session.on_interrupted(room(5), &mut script.effects);
    assert_eq!(script.wants(), "check 5 for 200000");
    script.checked(&[5]);
    script.session.on_interrupted(room(5), &mut script.effects);
    assert_eq!(script.wants(), "check 5 for 300000");
}

#[test]
fn what_is_merely_vague_outlives_what_was_named() {
    let mut script = Script::in_room();
    script.is_in_by(6, 8, None);
    script.session.on_interrupted(room(6), &mut script.effects);
    script.effects.clear();
    let data = r#"{"user_id":7}"#;
    script.event(&word(Channel::Broadcast, kind::ACCOUNT_CHANGED, data));
    assert_eq!(script.wants(), "check 5 6 for 5000");
    script.unchecked();
    insta::assert_snapshot!(script.wants(), @r#"
    leave post:5
    send {"type":"left_post","data":{"post_id":5,"reason":"unavailable"}}
    check 6 for 300000
    "#);
    script.unchecked();
    assert!(script.wants().starts_with("leave post:6"));
}

#[test]
fn every_room_is_asked_about_now_and_then() {
    let mut script = Script::in_room();
    let mut checks = 0;
    for _ in 0..10 {
        script.session.on_heard(script.now);
        script.after(20);
        if script.wants().contains("check 5 for 300000") {
            checks += 1;
            script.checked(&[5]);
        }
    }
    assert!((3..=4).contains(&checks), "{checks}");
}

#[test]
fn a_deleted_post_s_room_is_left_at_once_and_not_entered() {
    let deleted = word(room(5), kind::POST_DELETED, r#"{"post_id":5}"#);
    let mut script = Script::in_room();
    script.event(&deleted);
    insta::assert_snapshot!(script.wants(), @r#"
    leave post:5
    send {"type":"left_post","data":{"post_id":5,"reason":"deleted"}}
    "#);
    let mut script = Script::active();
    script.joins(5);
    script.joined(room(5), None, Replay::NotAsked);
    script.event(&deleted);
    script.effects.clear();
    script.replies(entrance(None));
    let wants = script.wants();
    assert!(
        wants.starts_with("leave post:5") && wants.contains("not_found"),
        "{wants}"
    );
}

#[test]
fn rooms_of_a_group_are_left_with_it() {
    let mut script = Script::active();
    script.is_in(5, Some(9));
    script.is_in(6, Some(8));
    let deleted = word(
        Channel::Group(GroupId::new(9).unwrap()),
        kind::GROUP_DELETED,
        r#"{"group_id":9}"#,
    );
    script.event(&deleted);
    insta::assert_snapshot!(script.wants(), @r#"
    leave post:5
    send {"type":"left_post","data":{"post_id":5,"reason":"no_access"}}
    "#);
}

/// What was taken while the answer was under way is not given by it.
#[test]
fn an_answer_that_is_older_than_a_change_lets_nobody_in_for_good() {
    let mut script = Script::active();
    script.joins(5);
    script.joined(room(5), None, Replay::NotAsked);
    script.is_let_in_and_doubted();
    script.checked(&[]);
    assert!(script.wants().contains("no_access"));
}

#[test]
fn whoever_hides_too_many_to_list_is_told_counts_alone() {
    let mut script = Script::active();
    script.joins(5);
    script.joined(room(5), None, Replay::NotAsked);
    let Answer::Entered(mut entrance) = entrance(None) else {
        unreachable!();
    };
    entrance.hidden = Hidden::new(None);
    script.effects.clear();
    script.replies(Answer::Entered(entrance));
    script.effects.clear();
    script.event(&said(5, 8, "new_comment"));
    let mut count = event_of(Class::State, None);
    count.channel = room(5);
    count.kind = "like_count".into();
    script.event(&encoded(count));
    assert_eq!(script.wants(), "deliver like_count live");
}

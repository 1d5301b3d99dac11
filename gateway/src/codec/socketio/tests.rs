use std::sync::OnceLock;

use serde_json::json;
use shared::{
    ids::{EventId, UserId},
    testing,
    wire::{Channel, Epoch, Event, Position},
};

use super::{packet::InvalidPacket, *};

fn parsed(text: &str) -> String {
    match Packet::parse(text) {
        Ok(packet) => format!(
            "{} {:?} {} {:?}",
            packet.namespace, packet.id, packet.attachments, packet.kind
        ),
        Err(_) => "invalid".to_owned(),
    }
}

/// What the library's own parser (`socket.io-parser` 4.2.7) takes and what it refuses.
#[test]
fn packets_are_read() {
    let long = format!("0/{}", "x".repeat(200));
    for (text, expected) in [
        ("0", "/ None 0 Connect(Object {})"),
        ("0/custom", "/custom None 0 Connect(Object {})"),
        (
            r#"0/custom,{"a":1}"#,
            r#"/custom None 0 Connect(Object {"a": Number(1)})"#,
        ),
        ("1", "/ None 0 Disconnect"),
        ("1/a,", "/a None 0 Disconnect"),
        (
            r#"2["m",1]"#,
            r#"/ None 0 Event { name: "m", arguments: [Number(1)] }"#,
        ),
        (
            r#"2/a,12["m"]"#,
            r#"/a Some(12) 0 Event { name: "m", arguments: [] }"#,
        ),
        (
            "2/a,12[5,1]",
            r#"/a Some(12) 0 Event { name: "5", arguments: [Number(1)] }"#,
        ),
        ("2", r#"/ None 0 Event { name: "", arguments: [] }"#),
        (r#"21["m","\ud83d"]"#, "/ Some(1) 0 Illegible"),
        (r#"2["m",1e999]"#, "/ None 0 Illegible"),
        ("37[]", "/ Some(7) 0 Ack"),
        (r#"37["\ud83d"]"#, "/ Some(7) 0 Ack"),
        // Numbers where none belong, and acknowledgements of nothing.
        ("07{}", "/ Some(7) 0 Connect(Object {})"),
        ("1/a,7", "/a Some(7) 0 Disconnect"),
        ("37", "/ Some(7) 0 Ack"),
        ("3[]", "/ None 0 Ack"),
        (
            r#"51-["m",{"_placeholder":true,"num":0}]"#,
            r#"/ None 1 Event { name: "m", arguments: [Object {"_placeholder": Bool(true), "num": Number(0)}] }"#,
        ),
        ("61-/a,3[]", "/a Some(3) 1 Ack"),
        ("", "invalid"),
        ("4{}", "invalid"),
        ("7", "invalid"),
        ("abc", "invalid"),
        ("0[]", "invalid"),
        ("0{", "invalid"),
        ("1{}", "invalid"),
        ("2{}", "invalid"),
        ("2[]", "invalid"),
        ("2[null]", "invalid"),
        (r#"2["m",]"#, "invalid"),
        (r#"2["connect"]"#, "invalid"),
        (r#"2abc["m"]"#, "invalid"),
        (r#"299999999999999999999["m"]"#, "invalid"),
        ("3{}", "invalid"),
        (r#"5["m"]"#, "invalid"),
        (r#"5-["m"]"#, "invalid"),
        (r#"50-["m"]"#, "invalid"),
        (r#"517-["m"]"#, "invalid"),
        (r#"5+1-["m"]"#, "invalid"),
        ("é", "invalid"),
        (&long, "invalid"),
    ] {
        assert_eq!(parsed(text), expected, "{text}");
    }
}

#[test]
fn the_engine_has_one_letter() {
    for (text, expected) in [
        ("1", Ok(Engine::Close)),
        ("2probe", Ok(Engine::Ping("probe"))),
        ("3", Ok(Engine::Pong)),
        ("40", Ok(Engine::Message("0"))),
        ("5", Ok(Engine::Upgrade)),
        ("6", Ok(Engine::Noop)),
        ("", Err(InvalidPacket)),
        ("0", Err(InvalidPacket)),
        ("abc", Err(InvalidPacket)),
        ("é", Err(InvalidPacket)),
    ] {
        assert_eq!(Engine::parse(text), expected, "{text}");
    }
}

fn said(name: &str, arguments: Value, id: Option<u64>) -> String {
    let Value::Array(arguments) = arguments else {
        unreachable!("a table of lists")
    };
    match translate(name, arguments, id) {
        Ok(Said::Command(frame)) => String::from_utf8(frame.to_vec()).unwrap(),
        Ok(Said::Join(room)) => format!("join {room:?}"),
        Err(problem) => problem.code,
    }
}

#[test]
fn events_of_clients_become_commands() {
    for (name, arguments, id, expected) in [
        ("join", json!([]), None, "join None"),
        ("join", json!([7]), None, r#"join Some("7")"#),
        ("join", json!(["7"]), Some(1), r#"join Some("7")"#),
        ("join", json!([{"userId": "7"}]), None, r#"join Some("7")"#),
        ("join", json!([true]), None, "validation_failed"),
        (
            "join_post",
            json!(["7"]),
            Some(0),
            r#"{"post_id":"7","ref":0,"type":"join_post"}"#,
        ),
        (
            "leave_post",
            json!([{"postId": 7}]),
            None,
            r#"{"post_id":7,"type":"leave_post"}"#,
        ),
        (
            "typing",
            json!([{"receiverId": "2"}]),
            None,
            r#"{"to":"2","type":"typing_start"}"#,
        ),
        (
            "stop_typing",
            json!([{"receiverId": "2"}]),
            None,
            r#"{"to":"2","type":"typing_stop"}"#,
        ),
        (
            "send_message",
            json!([{"receiverId": "2", "content": "hi", "clientMessageId": "c"}]),
            Some(3),
            r#"{"client_message_id":"c","content":"hi","ref":3,"to":"2","type":"private"}"#,
        ),
        (
            "send_notification",
            json!([{"userId": "2", "type": "t", "title": "x"}]),
            None,
            r#"{"user_id":"2","notification_type":"t","title":"x","type":"send_notification"}"#,
        ),
        (
            "mark_notification_read",
            json!(["9"]),
            None,
            r#"{"notification_id":"9","type":"mark_notification_read"}"#,
        ),
        (
            "post_action",
            json!([{"postId": "9", "type": "other", "ref": 5}]),
            None,
            r#"{"post_id":"9","type":"post_action"}"#,
        ),
        ("post_action", json!(["9"]), None, "validation_failed"),
        ("typing", json!([{}, {}]), None, "validation_failed"),
    ] {
        let said = said(name, arguments, id);
        match serde_json::from_str::<Value>(expected) {
            Ok(expected) => {
                let said: Value = serde_json::from_str(&said).unwrap();
                assert_eq!(said, expected, "{name}");
            }
            Err(_) => assert_eq!(said, expected, "{name}"),
        }
    }
}

/// The same for all events here.
static ID: OnceLock<EventId> = OnceLock::new();

fn event(kind: &str, body: &Value, durable: bool) -> Event {
    let channel = Channel::User(UserId::new(1).unwrap());
    let position = Position {
        epoch: Epoch::from_bits(1),
        offset: 4,
    };
    let mut event = testing::event(channel, durable.then_some(position));
    event.id = *ID.get_or_init(|| event.id);
    event.kind = kind.into();
    event.body = body.to_string().into();
    event
}

/// The packets in frames of at most 125 bytes, or up to where an offset belongs.
fn told(event: &Event) -> Vec<Value> {
    let mut packets = Vec::new();
    match Told::of(event) {
        Told::Open(open) => {
            let text = format!("{}]", std::str::from_utf8(&open).unwrap());
            packets.push(serde_json::from_str(text.strip_prefix("42").unwrap()).unwrap());
        }
        Told::Frames(frames) => {
            let mut rest = &frames[..];
            while let [0x81, length, following @ ..] = rest {
                let (packet, behind) = following.split_at(usize::from(*length));
                packets.push(serde_json::from_slice(packet.strip_prefix(b"42").unwrap()).unwrap());
                rest = behind;
            }
            assert!(rest.is_empty(), "{rest:?}");
        }
    }
    packets
}

#[test]
fn durable_events_have_names_and_spellings_of_their_own() {
    let message = json!({
        "timestamp": 1, "from_user_id": 2, "to_user_id": 1,
        "data": {"message_id": 5, "content": "hi", "seq": 3, "sender": {"id": 2, "is_private": false}},
    });
    let event_id = event("x", &json!({}), true).id.to_string();
    let expected = json!(["new_message", {
        "messageId": "5", "content": "hi", "seq": 3, "sender": {"id": "2", "isPrivate": false},
        "fromUserId": "2", "toUserId": "1", "eventId": event_id,
    }]);
    assert_eq!(told(&event("private_message", &message, true)), [expected]);

    let notification = json!({
        "timestamp": 1, "from_user_id": 2, "to_user_id": 1,
        "data": {"subtype": "like", "folded": true, "notification": {
            "id": 9, "type": "like", "title": "t", "message": "m", "related_id": 4, "actor": {"id": 2},
            "data": {"post_id": 4}, "is_read": false, "created_at": "c",
        }},
    });
    let expected = json!(["new_notification", {
        "id": "9", "userId": "1", "type": "like", "title": "t", "content": "m",
        "metadata": {"postId": "4", "relatedId": "4", "actor": {"id": "2"}},
        "read": false, "createdAt": "c", "quiet": false, "folded": true, "eventId": event_id,
    }]);
    assert_eq!(
        told(&event("notification", &notification, true)),
        [expected]
    );

    for (data, expected) in [
        (json!({"notification_id": 9}), json!("9")),
        (json!({"all": true}), json!("all")),
    ] {
        let read = event("notification_marked_read", &json!({ "data": data }), true);
        assert_eq!(told(&read), [json!(["notification_marked_read", expected])]);
    }
    let other = event(
        "of_an_extension",
        &json!({"data": {"user_ids": [1, 2]}}),
        true,
    );
    let expected = json!(["of_an_extension", {"userIds": ["1", "2"], "eventId": event_id}]);
    assert_eq!(told(&other), [expected]);
}

#[test]
fn a_last_argument_that_is_a_text_is_an_offset() {
    for (kind, data, expected) in [
        (
            "user_connected",
            json!({"user_id": 5}),
            vec![json!(["user_online", "5", null])],
        ),
        (
            "presence_changed",
            json!({"users": [{"user_id": 5, "online": true}, {"user_id": 6, "online": false}], "ask": false}),
            vec![
                json!(["user_online", "5", null]),
                json!(["user_offline", "6", null]),
            ],
        ),
        (
            "presence_changed",
            json!({"users": [], "ask": true, "after_ms": 7}),
            vec![json!(["presence_changed", {"users": [], "ask": true, "afterMs": 7}])],
        ),
        (
            "typing_start",
            json!({"user_id": 5}),
            vec![json!(["user_typing", {"userId": "5"}])],
        ),
        (
            "signal",
            json!({"sdp_id": 5}),
            vec![json!(["signal", {"fromUserId": "3", "data": {"sdp_id": 5}}])],
        ),
    ] {
        let event = event(kind, &json!({"from_user_id": 3, "data": data}), false);
        assert_eq!(told(&event), expected, "{kind}");
    }
}

#[test]
fn frames_of_the_session_are_said_in_other_words() {
    for (frame, expected) in [
        (
            r#"{"type":"ack","ref":3,"data":{"message_id":5}}"#,
            r#"433[{"messageId":"5"}]"#,
        ),
        (r#"{"type":"pong","ref":3}"#, "433[{}]"),
        (
            r#"{"type":"error","ref":3,"code":"not_found"}"#,
            r#"433[{"error":{"code":"not_found"}}]"#,
        ),
        (
            r#"{"type":"error","code":"not_found"}"#,
            r#"42["error",{"code":"not_found"}]"#,
        ),
        (
            r#"{"type":"reconnect","data":{"after_ms":5}}"#,
            r#"42["reconnect",{"afterMs":5}]"#,
        ),
        ("2", "2"),
    ] {
        let frame = native(&Frame::text(frame.as_bytes()));
        assert_eq!(std::str::from_utf8(frame.payload()).unwrap(), expected);
    }
    assert_eq!(native(&Frame::pong(b"{")), Frame::pong(b"{"));
}

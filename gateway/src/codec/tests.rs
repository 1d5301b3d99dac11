use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use serde_json::value::RawValue;
use shared::{
    ids::{EventId, SessionId, UserId},
    wire::{
        Channel, Class, CloseReason, Code, Command, Epoch, Event, Position, Problem, Reference,
        kind,
    },
};

use super::{
    Control, Deflater, Encoded, Frame, Window,
    native::{self, ChannelStart, Welcome},
};

fn user(number: i64) -> Channel {
    Channel::User(UserId::new(number).unwrap())
}

fn at(offset: u64) -> Position {
    Position {
        epoch: Epoch::from_bits(0xabc),
        offset,
    }
}

fn event(position: Option<Position>, body: &'static str) -> Event {
    Event {
        channel: user(7),
        position,
        id: EventId::new(99).unwrap(),
        class: Class::Durable,
        control: false,
        kind: "private_message".into(),
        key: None,
        committed_at_ms: 0,
        trace: None,
        body: Bytes::from_static(body.as_bytes()),
    }
}

/// The payload of a short unmasked frame, as text.
fn payload(frame: &Frame) -> String {
    let bytes = frame.bytes();
    let start = match bytes[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    String::from_utf8_lossy(&bytes[start..]).into_owned()
}

fn reference() -> Reference {
    let frame = Bytes::from_static(br#"{"type":"x","ref":"r-1"}"#);
    Command::parse(frame).unwrap().reference.unwrap()
}

#[test]
fn an_event_s_frame_is_its_body_with_what_the_log_decided_before_it() {
    for (position, body) in [
        (Some(at(17)), r#"{"timestamp":1,"data":{"content":"a\"b"}}"#),
        (None, r#"{"timestamp":1,"data":{}}"#),
        (None, "{}"),
        (None, "{ }"),
    ] {
        let encoded = Encoded::new(Arc::new(event(position, body))).unwrap();
        let text = payload(encoded.native());
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let envelope = json.as_object_mut().unwrap();
        assert_eq!(envelope.remove("type").unwrap(), "private_message");
        assert_eq!(envelope.remove("id").unwrap(), 99);
        assert_eq!(envelope.remove("channel").unwrap(), "user:7");
        assert_eq!(
            envelope.remove("offset"),
            position.map(|position| position.offset.into())
        );
        let rest: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(json, rest);
    }
    let encoded = Encoded::new(Arc::new(event(Some(at(17)), r#"{"timestamp":1}"#))).unwrap();
    insta::assert_snapshot!(
        payload(encoded.native()),
        @r#"{"type":"private_message","id":99,"channel":"user:7","offset":17,"timestamp":1}"#
    );
    for body in ["", "[]", "7", "{", r#""x""#] {
        assert!(Encoded::new(Arc::new(event(None, body))).is_err(), "{body}");
    }
}

#[test]
fn every_frame_of_the_protocol_is_one_line() {
    let laid_out = "{\r\n\"timestamp\":1,\n\"data\":{\n}\n}";
    let encoded = Encoded::new(Arc::new(event(None, laid_out))).unwrap();
    let data = RawValue::from_string("{\n\"a\":[\r1]}".to_owned()).unwrap();
    for (frame, expected) in [
        (encoded.native().clone(), serde_json::json!({})),
        (
            native::ack(&reference(), &data),
            serde_json::json!({"a": [1]}),
        ),
        (native::presence_state(&data), serde_json::json!({"a": [1]})),
    ] {
        let text = payload(&frame);
        assert!(!text.contains(['\n', '\r']), "{text}");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["data"], expected);
    }
}

#[test]
fn all_connections_share_an_event_s_bytes() {
    let encoded = Encoded::new(Arc::new(event(None, "{}"))).unwrap();
    let (one, other) = (encoded.native().bytes(), encoded.native().bytes());
    assert_eq!(one.as_ptr(), other.as_ptr());
}

#[test]
fn only_control_events_control() {
    let revoked = |control, body| {
        let mut event = event(Some(at(1)), body);
        event.kind = kind::SESSION_REVOKED.into();
        event.control = control;
        Encoded::new(Arc::new(event)).map(|encoded| encoded.control)
    };
    let session = SessionId::new(5).unwrap();
    let body = r#"{"timestamp":1,"data":{"session_id":5}}"#;
    assert_eq!(
        revoked(true, body),
        Ok(Some(Control::SessionRevoked(session)))
    );
    assert_eq!(revoked(false, body), Ok(None));
    assert!(revoked(true, r#"{"data":{}}"#).is_err());
}

#[test]
fn headers_have_the_shortest_length() {
    for (length, header) in [
        (0, vec![0x81, 0]),
        (125, vec![0x81, 125]),
        (126, vec![0x81, 126, 0, 126]),
        (65_535, vec![0x81, 126, 0xff, 0xff]),
        (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let frame = Frame::text(&vec![b'x'; length]);
        assert_eq!(frame.bytes()[..header.len()], header, "{length}");
        assert_eq!(frame.bytes().len(), header.len() + length);
    }
}

#[test]
fn frames_of_the_transport() {
    let close = Frame::close(CloseReason::SlowConsumer, None);
    assert_eq!(close.bytes()[..4], [0x88, 26, 0x10, 0x69]);
    assert_eq!(
        &close.bytes()[4..],
        br#"{"code":"slow_consumer"}"#.as_slice()
    );
    assert_eq!(
        Frame::close_echo(Some(1000)).bytes()[..],
        [0x88, 2, 3, 0xe8]
    );
    assert_eq!(Frame::close_echo(None).bytes()[..], [0x88, 0]);
    let ping = Frame::ping(258);
    assert_eq!(ping.bytes()[..], [0x89, 8, 0, 0, 0, 0, 0, 0, 1, 2]);
    assert_eq!(Frame::pong(b"ab").bytes()[..], [0x8a, 2, b'a', b'b']);
    for reason in CloseReason::ALL {
        let frame = Frame::close(reason, Some(u64::MAX));
        assert!(frame.bytes()[1] <= 125, "a control frame: {reason:?}");
    }
}

#[test]
fn every_frame_that_the_gateway_makes_itself() {
    let channels = BTreeMap::from([
        (user(1), ChannelStart::fresh(at(17))),
        (user(2), ChannelStart::recovered(at(3))),
        (user(3), ChannelStart::lost(at(9), "too_far")),
    ]);
    let welcome = native::welcome(&Welcome {
        connection_id: "c0ffee",
        user_id: UserId::new(1).unwrap(),
        node: "gateway-1",
        heartbeat_seconds: 25,
        session_expires_at: 1_795_230_000,
        resume_token: "t",
        channels: &channels,
    });
    let problem = Problem::new(Code::Forbidden, "no");
    let data = RawValue::from_string(r#"{"a":1}"#.to_owned()).unwrap();
    let frames = [
        welcome,
        native::heartbeat(&BTreeMap::new()),
        native::heartbeat(&BTreeMap::from([(user(1), 17)])),
        native::session_expiring(1_795_230_000),
        native::reconnect(1500),
        native::resync(user(1), at(17)),
        native::pong(None),
        native::pong(Some(&reference())),
        native::ack(&reference(), &data),
        native::error(None, &problem),
        native::error(Some(&reference()), &problem),
    ];
    let lines: Vec<String> = frames.iter().map(payload).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn an_event_is_compressed_once_for_all_who_can_inflate_it() {
    let filler = "so and so, ".repeat(100);
    let mut large = event(Some(at(1)), "");
    large.body = format!(r#"{{"timestamp":1,"data":{{"content":"{filler}"}}}}"#).into();
    let encoded = Encoded::new(Arc::new(large)).unwrap();
    let (mut one, mut other) = (Deflater::default(), Deflater::default());
    let compressed = encoded.native_for(Some(Window::WHOLE), &mut one).bytes();
    assert_eq!(compressed[0], 0xc1, "text, whole, compressed");
    assert!(compressed.len() < encoded.native().bytes().len() / 4);
    let again = encoded.native_for(Some(Window::WHOLE), &mut other).bytes();
    assert_eq!(compressed.as_ptr(), again.as_ptr(), "shared by shards");
    for (window, is_compressed) in [
        (None, false),
        (Window::new(10), false),
        (Window::new(11), true),
    ] {
        let first = encoded.native_for(window, &mut one).bytes()[0];
        assert_eq!(first == 0xc1, is_compressed, "{window:?}");
    }
    // Not worth it: short; not data.
    let short = Encoded::new(Arc::new(event(None, "{}"))).unwrap();
    let sent = short.native_for(Some(Window::WHOLE), &mut one).bytes();
    assert_eq!(sent.as_ptr(), short.native().bytes().as_ptr());
    let pong = Frame::pong(&[b'a'; 125]);
    let sent = Deflater::new(0).frame_for(Some(Window::WHOLE), &pong);
    assert_eq!(sent, pong);
}

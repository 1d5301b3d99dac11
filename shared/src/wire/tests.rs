use bytes::Bytes;
use serde_json::{json, value::RawValue};

use super::*;
use crate::ids::{EventId, UserId};

#[test]
fn channels_have_one_spelling() {
    for text in ["user:1", "group:9007199254740991", "post:7", "broadcast"] {
        assert_eq!(text.parse::<Channel>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "user",
        "user:",
        "user:0",
        "user:01",
        "user:-1",
        "user:9007199254740992",
        "room:1",
        "Broadcast",
        "user:1 ",
    ] {
        assert_eq!(text.parse::<Channel>(), Err(InvalidChannel), "{text:?}");
    }
}

fn event(position: Option<Position>, class: Class, control: bool, key: Option<&str>) -> Event {
    Event {
        channel: Channel::User(UserId::new(7).unwrap()),
        position,
        id: EventId::new(99).unwrap(),
        class,
        control,
        kind: "private_message".into(),
        key: key.map(Into::into),
        committed_at_ms: 1_763_689_720_123,
        trace: None,
        body: Bytes::from_static(b"{\"timestamp\":1763689720,\"data\":{\"content\":\"a\\nb\"}}"),
    }
}

#[test]
fn an_event_survives_the_way_through_redis() {
    let position = Some(Position {
        epoch: Epoch::from_bits(0xabc),
        offset: 17,
    });
    for event in [
        event(position, Class::Durable, false, None),
        event(position, Class::Durable, true, None),
        event(None, Class::State, false, Some("presence:7")),
        event(None, Class::Chatter, false, None),
        Event {
            trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
                .parse()
                .ok(),
            ..event(position, Class::Durable, false, None)
        },
    ] {
        let record = event.to_record();
        assert_eq!(Event::from_record(event.channel, &record), Ok(event));
    }
}

#[test]
fn the_record_s_bytes_are_a_contract_between_versions() {
    let position = Some(Position {
        epoch: Epoch::from_bits(0xabc),
        offset: 17,
    });
    insta::assert_snapshot!(
        String::from_utf8(event(position, Class::Durable, true, None).to_record().to_vec()).unwrap(),
        @r#"
    h1 d! 0000000000000abc 17 99 1763689720123 private_message -
    {"timestamp":1763689720,"data":{"content":"a\nb"}}
    "#
    );
}

#[test]
fn foreign_records_are_refused() {
    let channel = Channel::Broadcast;
    for record in [
        "",
        "\n",
        "h1\n{}",
        "h2 d - - 1 2 x -\n{}",
        "h1 q - - 1 2 x -\n{}",
        "h1 d - 7 1 2 x -\n{}",
        "h1 d 0000000000000abc x 1 2 x -\n{}",
        "h1 d - - zero 2 x -\n{}",
        "h1 d - - 1 now x -\n{}",
        "h1 d - - 1 2 x -",
    ] {
        assert!(
            Event::from_record(channel, record.as_bytes()).is_err(),
            "{record:?}"
        );
    }
    assert!(Event::from_record(channel, b"h1 \xff\n{}").is_err());
}

#[test]
fn a_command_is_an_object_with_a_type() {
    let deep = "[".repeat(1000);
    for (frame, expected) in [
        (r#"{"type":"ping"}"#, Ok(("ping", None))),
        (
            r#"{"type":"p\u0069ng","ref":"a\"b"}"#,
            Ok(("ping", Some(r#""a\"b""#))),
        ),
        (
            r#"{"ref":-1.5,"type":"ping","x":{"type":1}}"#,
            Ok(("ping", Some("-1.5"))),
        ),
        (r#"{"type":"ping","ref":null}"#, Ok(("ping", None))),
        (
            r#"{"type":"ping","ref":true}"#,
            Err(InvalidCommand::Reference),
        ),
        (
            r#"{"type":"ping","ref":{}}"#,
            Err(InvalidCommand::Reference),
        ),
        (r#"{"type":7}"#, Err(InvalidCommand::Shape)),
        (r#"{"ref":7}"#, Err(InvalidCommand::Shape)),
        ("[]", Err(InvalidCommand::Shape)),
        ("7", Err(InvalidCommand::Shape)),
        ("", Err(InvalidCommand::Json)),
        ("{", Err(InvalidCommand::Json)),
        (r#"{"type":"ping"} x"#, Err(InvalidCommand::Json)),
        (
            &format!(r#"{{"type":"ping","x":{deep}"#),
            Err(InvalidCommand::Json),
        ),
    ] {
        let read = Command::parse(Bytes::from(frame.to_owned()));
        let read = read.as_ref().map(|c| {
            (
                c.name.as_str(),
                c.reference.as_ref().map(Reference::as_json),
            )
        });
        assert_eq!(read, expected.as_ref().map(|e| *e), "{frame}");
    }
    let long = format!(
        r#"{{"type":"ping","ref":"{}"}}"#,
        "x".repeat(Reference::BYTES_MAX)
    );
    assert_eq!(Command::parse(long.into()), Err(InvalidCommand::Reference));
}

#[test]
fn answers_carry_the_reference_unchanged() {
    let command = Command::parse(Bytes::from_static(br#"{"type":"ping","ref":1e2}"#)).unwrap();
    let reference = command.reference.unwrap();
    let data = RawValue::from_string(r#"{"a":1}"#.to_owned()).unwrap();
    insta::assert_snapshot!(String::from_utf8_lossy(&ack_frame(&reference, &data)), @r#"{"type":"ack","ref":1e2,"data":{"a":1}}"#);

    let mut problem = Problem::new(Code::RateLimited, "Slow \"down\"");
    problem.retry_after_ms = Some(1500);
    insta::assert_snapshot!(
        String::from_utf8_lossy(&error_frame(Some(&reference), &problem)),
        @r#"{"type":"error","ref":1e2,"code":"rate_limited","message":"Slow \"down\"","retryable":true,"retry_after_ms":1500}"#
    );
    insta::assert_snapshot!(
        String::from_utf8_lossy(&error_frame(None, &Problem::new(Code::UnknownType, "x"))),
        @r#"{"type":"error","code":"unknown_type","message":"x","retryable":false}"#
    );
}

#[test]
fn close_codes_follow_the_ranges() {
    for reason in CloseReason::ALL {
        assert!(reason.text(Some(u64::MAX)).len() <= 123, "{reason:?}");
    }
    for (reason, advice) in [
        (CloseReason::SessionRevoked, CloseAdvice::Stop),
        (CloseReason::ReplacedByNewer, CloseAdvice::Stop),
        (CloseReason::TokenExpired, CloseAdvice::NewToken),
        (CloseReason::SlowConsumer, CloseAdvice::Resume),
        (CloseReason::GoingAway, CloseAdvice::Resume),
        (CloseReason::SessionStateInvalid, CloseAdvice::StartOver),
    ] {
        assert_eq!(
            CloseAdvice::for_code(reason.code()),
            Some(advice),
            "{reason:?}"
        );
    }
    assert_eq!(CloseAdvice::for_code(4042), Some(CloseAdvice::Stop));
    assert_eq!(CloseAdvice::for_code(1006), Some(CloseAdvice::Resume));
    assert_eq!(CloseAdvice::for_code(1000), None);
}

#[test]
fn codes_are_unique_and_their_statuses_are_errors() {
    let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Code::ALL.len());
    assert!(
        Code::ALL
            .iter()
            .all(|code| (400..600).contains(&code.status()))
    );
}

#[test]
fn a_problem_document_names_its_fields() {
    let mut problem = Problem::new(Code::ValidationFailed, "One field is not valid");
    problem.errors.push(FieldError {
        field: "username".into(),
        code: "too_short".into(),
        message: "at least 3 characters".into(),
    });
    assert_eq!(
        serde_json::to_value(&problem).unwrap(),
        json!({
            "type": "urn:hubbub:problem:validation_failed",
            "title": "Some fields are not valid",
            "status": 422,
            "detail": "One field is not valid",
            "code": "validation_failed",
            "errors": [{"field": "username", "code": "too_short", "message": "at least 3 characters"}],
        })
    );
}

#[test]
fn the_protocol_document_lists_every_close_code_and_every_error_code() {
    let document = include_str!("../../../docs/protocol.md");
    let rows: Vec<&str> = document
        .lines()
        .filter(|line| line.starts_with("| "))
        .collect();
    let mut missing: Vec<String> = Vec::new();
    let mut expect = |row: String| {
        if !rows.contains(&row.as_str()) {
            missing.push(row);
        }
    };
    for reason in CloseReason::ALL {
        expect(format!("| {} | `{}` |", reason.code(), reason.name()));
    }
    for code in Code::ALL {
        let retryable = if code.retryable() { "yes" } else { "no" };
        expect(format!(
            "| `{}` | {} | {retryable} | {} |",
            code.name(),
            code.status(),
            code.title()
        ));
    }
    assert!(
        missing.is_empty(),
        "docs/protocol.md lacks:\n{}",
        missing.join("\n")
    );
}

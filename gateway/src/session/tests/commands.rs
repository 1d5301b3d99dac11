//! Commands, each in its turn, and no more of them than are allowed.

use super::*;

#[test]
fn commands_keep_their_order_and_ping_does_not_wait() {
    let mut script = Script::active();
    script.says(r#"{"type":"one","ref":1}"#);
    script.says(r#"{"type":"two"}"#);
    script.says(r#"{"type":"ping","ref":"p"}"#);
    assert_eq!(
        script.wants(),
        "run one\nsend {\"type\":\"pong\",\"ref\":\"p\"}"
    );
    script.answer(Answer::Problem(Problem::new(Code::Forbidden, "no")));
    insta::assert_snapshot!(script.wants(), @r#"
    send {"type":"error","code":"forbidden","message":"no","retryable":false}
    run two
    "#);
    script.answer(Answer::Refreshed {
        expires_at: 9_000,
        role: Role::User,
    });
    assert_eq!(script.wants(), "", "nobody asked for an answer");
    script.says(r#"{"type":"three"}"#);
    assert_eq!(script.wants(), "run three");
}

#[test]
fn not_too_many_commands_wait() {
    let mut script = Script::active();
    for _ in 0..=64 {
        script.says(r#"{"type":"one"}"#);
    }
    assert_eq!(script.wants(), "run one");
    script.says(r#"{"type":"one","ref":1}"#);
    insta::assert_snapshot!(script.wants(), @r#"send {"type":"error","ref":1,"code":"rate_limited","message":"Too many commands are waiting","retryable":true,"retry_after_ms":1000}"#);
}

#[test]
fn commands_are_limited_and_a_flood_is_cut() {
    let mut limited = settings();
    limited.commands = CommandLimits {
        per_second: Some(10),
        burst: 2,
    };
    let mut script = Script::active_with(limited);
    for _ in 0..3 {
        script.says(r#"{"type":"ping","ref":1}"#);
    }
    insta::assert_snapshot!(script.wants(), @r#"
    send {"type":"pong","ref":1}
    send {"type":"pong","ref":1}
    send {"type":"error","ref":1,"code":"rate_limited","message":"Too many commands","retryable":true,"retry_after_ms":100}
    "#);
    script.now.elapsed_ms += 100;
    script.says(r#"{"type":"ping"}"#);
    assert_eq!(
        script.wants(),
        r#"send {"type":"pong"}"#,
        "one more after a tenth"
    );
    for _ in 0..100 {
        script.says(r#"{"type":"ping"}"#);
    }
    script.effects.clear();
    script.says(r#"{"type":"ping"}"#);
    assert_eq!(script.wants(), "close 4203 after 1000");
}

#[test]
fn malformed_frames_are_answered_five_times() {
    let mut script = Script::active();
    for text in ["{", "[]", "7", r#"{"type":1}"#] {
        script.says(text);
    }
    insta::assert_snapshot!(script.wants(), @r#"
    send {"type":"error","code":"invalid_json","message":"the frame is not valid JSON","retryable":false}
    send {"type":"error","code":"invalid_request","message":"a frame is a JSON object with a string \"type\"","retryable":false}
    send {"type":"error","code":"invalid_request","message":"a frame is a JSON object with a string \"type\"","retryable":false}
    send {"type":"error","code":"invalid_request","message":"a frame is a JSON object with a string \"type\"","retryable":false}
    "#);
    script.says(r#"{"type":"ping"}"#);
    for _ in 0..5 {
        script.says("{");
    }
    assert!(!script.wants().contains("close"), "the count began anew");
    script.says("{");
    assert!(script.wants().ends_with("\nclose 4006"));
}

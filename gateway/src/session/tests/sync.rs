//! Replays on an open connection, and what the client says to have.

use super::*;

#[test]
fn sync_replays_what_the_client_asks_for() {
    let mut script = Script::active();
    let sync = |channel: &str, offset: u64| {
        format!(
            r#"{{"type":"sync","ref":1,"channels":{{"{channel}":{{"epoch":"0000000000000001","offset":{offset}}}}}}}"#
        )
    };
    script.says(&sync("user:1", 8));
    assert_eq!(script.wants(), "read user:1 8..10");
    script.event(&durable(11));
    script.says(&sync("user:1", 8));
    insta::assert_snapshot!(script.wants(), @r#"send {"type":"error","ref":1,"code":"rate_limited","message":"A replay is under way","retryable":true,"retry_after_ms":1000}"#);
    script.read(Ok(history(9..=10)));
    insta::assert_snapshot!(script.wants(), @r#"
    send {"type":"ack","ref":1,"data":{"channels":{"user:1":{"epoch":"0000000000000001","offset":8,"recovered":true}}}}
    deliver 9 resume
    deliver 10 resume
    "#);
    let room = settings().queue;
    script.session.on_room(room, &mut script.effects);
    assert_eq!(script.wants(), "deliver 11 resume");

    // Nothing to read: answered at once.
    script.says(&sync("user:1", 11));
    script.says(&sync("user:1", 12));
    script.says(&sync("broadcast", 0));
    script.says(&sync("user:2", 0));
    script.says(&sync("nonsense", 0));
    script.says(r#"{"type":"sync","ref":1}"#);
    insta::assert_snapshot!(script.wants(), @r#"
    send {"type":"ack","ref":1,"data":{"channels":{"user:1":{"epoch":"0000000000000001","offset":11,"recovered":true}}}}
    send {"type":"ack","ref":1,"data":{"channels":{"user:1":{"epoch":"0000000000000001","offset":11,"recovered":false,"reason":"epoch_changed"}}}}
    send {"type":"ack","ref":1,"data":{"channels":{}}}
    send {"type":"error","ref":1,"code":"forbidden","message":"user:2 is not yours to hear","retryable":false}
    send {"type":"error","ref":1,"code":"invalid_request","message":"nonsense is not a channel","retryable":false}
    send {"type":"error","ref":1,"code":"invalid_request","message":"positions are {\"<channel>\": {\"epoch\": \"<16 hexadecimal digits>\", \"offset\": <number>}}, at most 208","retryable":false}
    "#);
}

#[test]
fn what_a_client_says_to_have_counts_once_and_no_more_than_it_was_sent() {
    let mut script = Script::active();
    for offset in 11..=13 {
        script.event(&durable(offset));
    }
    script.effects.clear();
    for (channels, expected) in [
        (r#"{"user:1":12}"#, "acknowledged user:1 12, 2 more"),
        (r#"{"user:1":12}"#, ""),
        (
            r#"{"user:1":99,"user:2":7}"#,
            "acknowledged user:1 13, 1 more",
        ),
    ] {
        script.says(&format!(r#"{{"type":"ack","channels":{channels}}}"#));
        assert_eq!(script.wants(), expected, "{channels}");
    }
    script.says(r#"{"type":"ack","channels":[1]}"#);
    assert!(script.wants().contains("validation_failed"));
}

#[test]
fn a_sync_that_cannot_be_read_is_refused_and_the_stream_goes_on() {
    let sync =
        r#"{"type":"sync","ref":1,"channels":{"user:1":{"epoch":"0000000000000001","offset":8}}}"#;
    for (error, expected) in [
        (
            HistoryError::Unavailable(String::new()),
            r#""code":"unavailable""#,
        ),
        (
            HistoryError::TooFar,
            r#""offset":10,"recovered":false,"reason":"too_far""#,
        ),
    ] {
        let mut script = Script::active();
        script.says(sync);
        script.event(&durable(11));
        script.effects.clear();
        script.read(Err(error));
        let wants = script.wants();
        let (answer, after) = wants.split_once('\n').unwrap();
        assert!(answer.contains(expected), "{answer}");
        assert_eq!(after, "deliver 11 resume");
    }
}

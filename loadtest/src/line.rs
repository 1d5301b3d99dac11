//! An event as one readable line.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

/// The line for a frame; `None` for frames that nobody wants to read.
pub(crate) fn line(frame: &Value) -> Option<String> {
    let kind = frame["type"].as_str()?;
    let data = &frame["data"];
    let text = match kind {
        "heartbeat" | "pong" => return None,
        "welcome" => return Some(format!("connected to {}", plain(&data["node"]))),
        "private_message" | "group_message" => {
            let sender = plain(&data["sender"]["username"]);
            format!("#{} {sender}: {}", data["seq"], plain(&data["content"]))
        }
        "notification" => format!("{}: {}", plain(&data["subtype"]), plain(&data["message"])),
        _ => data.to_string(),
    };
    Some(format!(
        "{} {kind} {text}",
        time_of_day(&frame["timestamp"])
    ))
}

/// Without quotes, and on one line whatever somebody wrote.
fn plain(value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn time_of_day(timestamp: &Value) -> String {
    let time = timestamp
        .as_i64()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(String::new, |time| {
        time.to_zoned(TimeZone::system())
            .strftime("%H:%M:%S")
            .to_string()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_one_line_each() {
        for (frame, expected) in [
            (json!({"type": "heartbeat"}), None),
            (
                json!({"type": "welcome", "data": {"node": "gateway-1"}}),
                Some("connected to gateway-1"),
            ),
            (
                json!({"type": "private_message", "data": {"seq": 3, "content": "a\nb\u{1b}[0m", "sender": {"username": "ana"}}}),
                Some(" private_message #3 ana: a b [0m"),
            ),
            (
                json!({"type": "notification", "data": {"subtype": "follow", "message": "Ana follows you"}}),
                Some(" notification follow: Ana follows you"),
            ),
            (
                json!({"type": "new_kind", "data": {"a": 1}}),
                Some(" new_kind {\"a\":1}"),
            ),
            (json!({"no": "type"}), None),
        ] {
            assert_eq!(line(&frame).as_deref(), expected, "{frame}");
        }
    }
}

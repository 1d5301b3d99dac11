//! Somebody's live events, one line each, through reconnects without a gap.

use std::time::Duration;

use serde_json::{Map, Value};
use shared::{
    testing::{ConnectError, Received, WireClient},
    wire::CloseAdvice,
};
use tokio::time::sleep;

use crate::{Failure, account::Account, line::line};

const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(30);

/// Prints events until the program is ended, or until the server says that coming back is of no use.
pub(crate) async fn tail(account: &Account) -> Result<(), Failure> {
    let mut positions = Map::new();
    let mut delay = Duration::from_secs(1);
    loop {
        let mut connect = account.connect();
        connect.resume = (!positions.is_empty()).then(|| Value::Object(positions.clone()));
        match WireClient::connect(&connect).await {
            Ok(mut socket) => {
                delay = Duration::from_secs(1);
                follow(&mut socket, &mut positions).await?;
            }
            // Nothing was ever heard: more likely a wrong address than a passing fault.
            Err(error) if positions.is_empty() => return Err(error.into()),
            Err(error @ ConnectError::Refused { status, .. }) if status.is_client_error() => {
                return Err(error.into());
            }
            Err(error) => println!("{error}"),
        }
        // Full jitter: many clients that lost the same node must not come back in the same instant.
        sleep(rand::random_range(Duration::ZERO..delay)).await;
        delay = (delay * 2).min(RECONNECT_DELAY_MAX);
    }
}

/// Prints what comes over one connection and keeps the positions; returns when it should be followed by another.
async fn follow(
    socket: &mut WireClient,
    positions: &mut Map<String, Value>,
) -> Result<(), Failure> {
    loop {
        match socket.next().await {
            Received::Frame(frame) => {
                keep_position(&frame, positions);
                if let Some(line) = line(&frame) {
                    println!("{line}");
                }
            }
            Received::Closed(code, reason) => {
                println!("closed with {code} {reason}");
                return match CloseAdvice::for_code(code) {
                    Some(CloseAdvice::Resume) => Ok(()),
                    Some(CloseAdvice::StartOver) => {
                        positions.clear();
                        Ok(())
                    }
                    _ => Err(Failure::Refused(
                        "the server asks to sign in again".to_owned(),
                    )),
                };
            }
        }
    }
}

fn keep_position(frame: &Value, positions: &mut Map<String, Value>) {
    if frame["type"] == "welcome" {
        for (channel, position) in frame["data"]["channels"].as_object().into_iter().flatten() {
            let position =
                serde_json::json!({"epoch": position["epoch"], "offset": position["offset"]});
            positions.insert(channel.clone(), position);
        }
    } else if let (Some(channel), Some(offset)) =
        (frame["channel"].as_str(), frame["offset"].as_u64())
        && let Some(position) = positions.get_mut(channel)
    {
        position["offset"] = offset.into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn positions_follow_welcome_and_durable_events() {
        let mut positions = Map::new();
        for frame in [
            json!({"type": "welcome", "data": {"channels": {"user:1": {"epoch": "e", "offset": 4, "recovered": true}}}}),
            json!({"type": "x", "channel": "user:1", "offset": 5}),
            json!({"type": "typing_start", "channel": "user:1"}),
            json!({"type": "x", "channel": "user:2", "offset": 9}),
        ] {
            keep_position(&frame, &mut positions);
        }
        assert_eq!(
            Value::Object(positions),
            json!({"user:1": {"epoch": "e", "offset": 5}})
        );
    }
}

//! One message, over a socket.

use std::time::Duration;

use serde_json::{Value, json};
use shared::testing::{Received, WireClient};

use crate::{Failure, account::Account};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Sends `text` to `to` and prints what became of it.
pub(crate) async fn send(from: &Account, to: &str, text: &str) -> Result<(), Failure> {
    let to_id = from.find(to).await?;
    let mut socket = WireClient::connect(&from.connect()).await?;
    let welcome = next(&mut socket).await?;
    let node = welcome["data"]["node"].as_str().unwrap_or("?").to_owned();

    let client_message_id = format!("{:032x}", rand::random::<u128>());
    let command = json!({
        "type": "private", "ref": 1, "to": to_id, "content": text, "client_message_id": client_message_id,
    });
    let sent = socket.send(&command).await;
    sent.map_err(|error| Failure::Refused(format!("the connection broke: {error}")))?;
    loop {
        let frame = next(&mut socket).await?;
        if frame["ref"] != 1 {
            continue;
        }
        if frame["type"] == "error" {
            return Err(Failure::Refused(frame["message"].to_string()));
        }
        let data = &frame["data"];
        println!(
            "{} → {to} through {node}: message {} is number {} of conversation {}",
            from.name, data["id"], data["seq"], data["conversation_id"]
        );
        return Ok(());
    }
}

async fn next(socket: &mut WireClient) -> Result<Value, Failure> {
    match socket.next_within(ANSWER_WITHIN).await {
        Some(Received::Frame(frame)) => Ok(frame),
        Some(Received::Closed(code, reason)) => {
            Err(Failure::Refused(format!("closed with {code} {reason}")))
        }
        None => Err(Failure::Refused("no answer in time".to_owned())),
    }
}

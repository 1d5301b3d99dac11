//! Credentials in the first frame, for clients that can set neither header nor query.

use serde::Deserialize;
use shared::wire::{Code, said::Auth};
use tokio::{net::TcpStream, time::timeout};

use super::credentials::{self, Claim, Known};
use crate::{
    codec::Frame,
    metrics::{HandshakeResult, Refused},
    node::Node,
    refusal::Refusal,
    session::Resume,
    transport::{
        Transport,
        ws::{self, Limits, NoFirstFrame},
    },
};

/// Why a first frame did not do.
#[derive(Debug)]
pub(super) enum Failed {
    Refused(Refusal),
    Unreadable(NoFirstFrame),
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Failed {
    /// Tells the client, and counts it.
    pub(super) async fn tell(self, node: &Node, stream: TcpStream) {
        match self {
            Self::Refused(refusal) => {
                let result = refusal.result();
                node.metrics.handshake(Transport::WebSocket, result);
                ws::refuse(stream, &refusal.to_frames()).await;
            }
            Self::Unreadable(failure) => {
                let result = HandshakeResult::Malformed;
                node.metrics.handshake(Transport::WebSocket, result);
                tracing::debug!(error = %failure, "no first frame");
                if let Some(reason) = failure.close_reason() {
                    ws::refuse(stream, &[Frame::close(reason, None)]).await;
                }
            }
        }
    }
}

/// Reads and checks the first frame. Also returns what it resumes from, and the bytes that came after it.
pub(super) async fn authenticate(
    node: &Node,
    stream: &mut TcpStream,
    unread: Vec<u8>,
    compressed: bool,
) -> Result<(Known, Option<Resume>, Vec<u8>), Failed> {
    let Ok(_place) = node.places.strangers.try_acquire() else {
        node.metrics.refused(Refused::Strangers);
        let detail = "Too many connections have not said who they are";
        return Err(Refusal::new(Code::Overloaded, detail).into());
    };
    let limits = Limits {
        message_bytes_max: node.config.limits.frame_bytes_max,
        compressed,
    };
    let first = ws::first_text(stream, unread, limits);
    let first = timeout(node.config.timing.authentication, first).await;
    let Ok(first) = first else {
        let detail = "No credentials came in time";
        return Err(Refusal::new(Code::Unauthenticated, detail).into());
    };
    let first = first.map_err(Failed::Unreadable)?;
    let (token, resume) = read(&first.text)?;
    let known = credentials::establish(node, Claim::Token(token)).await?;
    Ok((known, resume, first.rest))
}

fn read(text: &str) -> Result<(String, Option<Resume>), Refusal> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "type")]
        kind: String,
    }
    let head: Option<Head> = serde_json::from_str(text).ok();
    let is_auth = head.is_some_and(|head| head.kind == "auth");
    let auth: Option<Auth<'_>> = serde_json::from_str(text).ok();
    let Some(auth) = auth.filter(|_| is_auth) else {
        let detail = r#"The first frame is {"type":"auth","token":"..."}"#;
        return Err(Refusal::new(Code::Unauthenticated, detail));
    };
    let resume = auth.resume.map(|json| Resume::parse(json.get().as_bytes()));
    let resume = resume.transpose();
    let resume =
        resume.map_err(|error| Refusal::new(Code::InvalidRequest, format!("resume: {error}")))?;
    Ok((auth.token, resume))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_frame_has_a_token_and_perhaps_positions() {
        for (text, expected) in [
            (r#"{"type":"auth","token":"t"}"#, Ok(false)),
            (r#"{"type":"auth","token":"t","resume":null}"#, Ok(false)),
            (r#"{"type":"auth","token":"t","resume":{}}"#, Ok(true)),
            (
                r#"{"type":"auth","token":"t","resume":[]}"#,
                Err(Code::InvalidRequest),
            ),
            (r#"{"type":"auth"}"#, Err(Code::Unauthenticated)),
            (r#"{"type":"ping"}"#, Err(Code::Unauthenticated)),
            ("{", Err(Code::Unauthenticated)),
        ] {
            let read = read(text).map(|(_, resume)| resume.is_some());
            let read =
                read.map_err(|refusal| Code::from_name(&refusal.into_problem().code).unwrap());
            assert_eq!(read, expected, "{text}");
        }
    }
}

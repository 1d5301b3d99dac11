//! `POST /internal/commands`: a gateway forwards what a client sent.

use std::sync::Arc;

use axum::{Extension, Json as Answer, Router, extract::State, routing::post};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use shared::{
    credentials::Role,
    ids::{SessionId, UserId},
    wire::{Code, CommandReply},
};

use super::Registry;
use crate::app::{
    App,
    error::Error,
    http::{Gateway, SignedIn},
};

/// The route, with every feature's commands behind it.
pub(in crate::app) fn routes(registry: Registry) -> Router<App> {
    Router::new()
        .route("/commands", post(run_command))
        .layer(Extension(Arc::new(registry)))
}

/// What a gateway forwards. It vouches for who sent it: it has checked the token, and closes the connection when the
/// session is ended.
#[derive(Deserialize)]
struct Forwarded {
    user_id: UserId,
    session_id: SessionId,
    role: Role,
    name: String,
    payload: Box<RawValue>,
}

/// Answers 200 also when the command is refused: the refusal is the client's, not the gateway's. For the same reason the
/// body is read without the checks that people's bodies get: what is wrong in the payload is the command's to say.
async fn run_command(
    State(app): State<App>,
    Extension(registry): Extension<Arc<Registry>>,
    _: Gateway,
    body: Bytes,
) -> Result<Answer<CommandReply>, Error> {
    let forwarded: Forwarded = serde_json::from_slice(&body)
        .map_err(|error| Error::new(Code::InvalidRequest, error.to_string()))?;
    let caller = SignedIn {
        user_id: forwarded.user_id,
        session_id: forwarded.session_id,
        role: forwarded.role,
    };
    caller.sign_lines();
    let payload = Bytes::from(String::from(Box::<str>::from(forwarded.payload)));
    let outcome = registry.run(app, caller, &forwarded.name, payload).await;
    Ok(Answer(match outcome {
        Ok(data) => CommandReply::Data(data),
        Err(error) => refusal(&error),
    }))
}

fn refusal(error: &Error) -> CommandReply {
    error.log();
    CommandReply::Problem(error.to_problem())
}

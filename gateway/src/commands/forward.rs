//! Handing a command to `api`, where it is the same as over HTTP.

use serde::Serialize;
use serde_json::value::RawValue;
use shared::{
    credentials::Role,
    ids::{SessionId, UserId},
    telemetry::RequestId,
    wire::{Code, Command, CommandReply, Problem},
};

use crate::{
    api_client::{ApiError, Repeat},
    node::Node,
    session::{Answer, Who},
};

#[derive(Serialize)]
struct Forwarded<'a> {
    user_id: UserId,
    session_id: SessionId,
    role: Role,
    name: &'a str,
    /// The frame as the client sent it.
    payload: &'a RawValue,
    request_id: &'a str,
}

pub(super) async fn forward(node: &Node, who: Who, command: &Command) -> Answer {
    let Ok(payload) = serde_json::from_slice(&command.payload) else {
        let problem = Problem::new(Code::InvalidJson, "the frame is not valid JSON");
        return Answer::Problem(problem);
    };
    let request_id = RequestId::random();
    let body = Forwarded {
        user_id: who.user_id,
        session_id: who.session_id,
        role: who.role,
        name: &command.name,
        payload,
        request_id: request_id.as_str(),
    };
    let _timer = node.metrics.forward_seconds.start_timer();
    let path = "/internal/commands";
    // Sent twice, a command might be done twice: only the client knows how to repeat it.
    let reply = node
        .api
        .post(path, &body, &request_id, Repeat::Unsafe)
        .await;
    match reply {
        Ok(CommandReply::Data(data)) => Answer::Data(data),
        Ok(CommandReply::Problem(problem)) => Answer::Problem(problem),
        Err(error) => {
            tracing::warn!(%error, %request_id, "a command was not answered");
            Answer::Problem(problem(&error, &request_id))
        }
    }
}

/// What a client is told when `api` did not answer.
pub(super) fn problem(error: &ApiError, request_id: &RequestId) -> Problem {
    let code = match error {
        ApiError::Unavailable(_) => Code::Unavailable,
        ApiError::OutcomeUnknown(_) => Code::OutcomeUnknown,
        ApiError::Problem(problem) => Code::from_name(&problem.code).unwrap_or(Code::Internal),
    };
    // What `api` says about a command is in its reply; a refusal of the request itself is between it and us.
    let code = if code.status() < 500 {
        Code::Internal
    } else {
        code
    };
    let mut problem = Problem::new(code, code.title());
    problem.request_id = Some(request_id.as_str().to_owned());
    problem
}

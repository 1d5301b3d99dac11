//! A new access token for an open connection.

use shared::{
    credentials::{Purpose, Role},
    wire::{Code, Command, said::Refresh},
};

use crate::{
    node::Node,
    refusal::Refusal,
    session::{Answer, Who},
    standing,
};

pub(super) async fn refresh(node: &Node, who: Who, command: &Command) -> Answer {
    match new_end(node, who, command).await {
        Ok((expires_at, role)) => Answer::Refreshed { expires_at, role },
        Err(refusal) => Answer::Problem(refusal.into_problem()),
    }
}

async fn new_end(node: &Node, who: Who, command: &Command) -> Result<(i64, Role), Refusal> {
    let Ok(Refresh { token }) = serde_json::from_slice(&command.payload) else {
        let detail = "\"token\" is a string";
        return Err(Refusal::new(Code::ValidationFailed, detail));
    };
    let identity = node.tokens.verify(Purpose::Access, &token)?;
    // Another session's end would not close this connection: it has to be this one's.
    if (identity.user_id, identity.session_id) != (who.user_id, who.session_id) {
        let detail = "The token is of another user or log-in";
        return Err(Refusal::new(Code::Forbidden, detail));
    }
    standing::check(node, identity.session_id).await?;
    Ok((identity.expires_at, identity.role))
}

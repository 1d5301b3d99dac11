//! `broadcast`: an operator's word to everybody. Said by the gateway alone, so that it can be said while PostgreSQL is away.

use shared::{
    credentials::Role,
    wire::{Announcement, Code, Command, Problem},
};

use super::{Caller, Done, done, publish, read, refusal, wrong};
use crate::{api_client::Verified, node::Node, standing};

pub(super) async fn broadcast(node: &Node, caller: Caller, command: &Command) -> Done {
    require_admin(node, caller).await?;
    let announcement: Announcement = read(command)?;
    if !announcement.is_valid() {
        let longest = Announcement::CONTENT_CHARACTERS_MAX;
        return Err(wrong(&format!("content has 1 to {longest} characters")));
    }
    let key = Announcement::key();
    let event = announcement.event(caller.who.user_id, &key);
    let event = event.at(node.clock.now_ms());
    publish(node, event.expect("texts always serialise")).await?;
    Ok(done())
}

/// The role is the token's, which ends when an admin ceases to be one; where `api` can be asked, it is asked.
async fn require_admin(node: &Node, caller: Caller) -> Result<(), Box<Problem>> {
    let forbidden = || refusal(Code::Forbidden, "for admins only");
    if caller.who.role != Role::Admin {
        return Err(forbidden());
    }
    match node.api.verify_session(caller.who.session_id).await {
        Ok(Verified::Identity(identity)) if identity.role == Role::Admin => Ok(()),
        Ok(Verified::Identity(_)) => Err(forbidden()),
        Ok(Verified::Refused(code)) => Err(Box::new(standing::refused(&code).into_problem())),
        Err(error) => {
            tracing::warn!(%error, "an admin is taken for one");
            Ok(())
        }
    }
}

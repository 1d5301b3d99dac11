//! `broadcast`: an operator's word to everybody. Said by the gateway alone, so that it can be said while PostgreSQL is away.

use serde::{Serialize, de::IgnoredAny};
use shared::{
    credentials::Role,
    ids::UserId,
    telemetry::RequestId,
    wire::{Announcement, Code, Command, Problem},
};

use super::{Caller, Done, done, publish, read, refusal, wrong};
use crate::{
    api_client::{Repeat, Verified},
    node::Node,
    standing,
};

pub(super) async fn broadcast(node: &Node, caller: Caller, command: &Command) -> Done {
    require_admin(node, caller).await?;
    let announcement: Announcement = read(command)?;
    if !announcement.is_valid() {
        let longest = Announcement::CONTENT_CHARACTERS_MAX;
        return Err(wrong(&format!("content has 1 to {longest} characters")));
    }
    let key = Announcement::key();
    let event = announcement.event(Some(caller.who.user_id), &key);
    let event = event.at(node.clock.now_ms());
    publish(node, event.expect("texts always serialise")).await?;
    write_down(node, caller, &announcement).await;
    Ok(done())
}

/// For the operators' log. It was said already: where nobody can write, it stands in ours alone.
async fn write_down(node: &Node, caller: Caller, announcement: &Announcement) {
    let said = Said {
        user_id: caller.who.user_id,
        content: &announcement.content,
    };
    let request_id = RequestId::random();
    let written: Result<IgnoredAny, _> = node
        .api
        .post("/internal/broadcasts", &said, &request_id, Repeat::Unsafe)
        .await;
    if let Err(error) = written {
        tracing::warn!(%error, user_id = %caller.who.user_id, "a broadcast is not in the audit log");
    }
}

#[derive(Serialize)]
struct Said<'a> {
    user_id: UserId,
    content: &'a str,
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
